"""The local chain itself: its pool, its blocks, and when they are made."""
