"""Tests of `node.gossip`."""
