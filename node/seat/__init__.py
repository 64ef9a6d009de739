"""A peer's seat: how it comes by one, keeps it, and what has become of it."""
