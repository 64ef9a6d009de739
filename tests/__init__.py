"""The tests: rooms as in the sources, and `support` for what they share."""
