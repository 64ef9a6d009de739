"""Integers that come out the same on every machine: the grid, sketches, principal directions. Pure."""
