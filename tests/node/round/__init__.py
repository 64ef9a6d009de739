"""Tests of `node.round`."""
