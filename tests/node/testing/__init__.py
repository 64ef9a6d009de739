"""Tests of `node.testing`."""
