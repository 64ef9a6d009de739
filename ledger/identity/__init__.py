"""Identity: the network, signatures bound to it, and the endpoints that seats announce. Pure."""
