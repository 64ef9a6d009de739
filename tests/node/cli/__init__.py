"""Tests of `node.cli`."""
