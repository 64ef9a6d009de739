"""Inputs that nobody meant, by the million: for all that reads what others wrote, and for each server of a node."""
