"""Compiling the contracts, what their calls burn and cost, and random calls without end."""
