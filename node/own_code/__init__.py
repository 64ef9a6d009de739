"""Code of a user's own: the one place where it is run, and where its faults become sentences."""
