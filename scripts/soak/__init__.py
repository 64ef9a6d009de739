"""A network of real nodes on one machine, each in a network namespace of its own, with weather between them."""
