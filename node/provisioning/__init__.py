"""Kits: all that a member needs to take part in a circle, in one folder and one archive, and never a key."""
