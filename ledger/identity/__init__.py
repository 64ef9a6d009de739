"""Identity: the network, signatures bound to it, and the endpoints and names that seats announce. Pure."""
