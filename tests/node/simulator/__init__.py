"""Tests of `node.simulator`."""
