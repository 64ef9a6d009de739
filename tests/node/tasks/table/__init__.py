"""Tests of `node.tasks.table`."""
