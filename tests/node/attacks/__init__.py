"""Tests of `node.attacks`."""
