"""Tests of `node.duties`."""
