"""A circle as its events make it: manifest, seats, rounds, reputations, and the fold that joins them. Pure."""
