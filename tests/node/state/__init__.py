"""Tests of `node.state`."""
