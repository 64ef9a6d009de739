"""Putting a circle on a chain: its terms, what they cost, and the file that names it."""
