"""Histories of circles, made event by event."""
