"""Tests of `node.blobs`."""
