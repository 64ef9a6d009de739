"""Tests of `node.partitions`."""
