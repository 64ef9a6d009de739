"""Servers of a node, each in a process of its own, and clients that say what nobody meant."""
