"""Tests of `node.learning`."""
