"""Circles of real processes."""
