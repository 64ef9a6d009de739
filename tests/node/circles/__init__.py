"""Tests of `node.circles`."""
