"""Tests of `node.operating`."""
