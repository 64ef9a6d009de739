"""Tests of `node.seat`."""
