"""Tests of `node.topologies`."""
