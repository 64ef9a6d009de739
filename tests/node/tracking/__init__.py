"""Tests of `node.tracking`."""
