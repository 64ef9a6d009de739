"""Tests of `node.tasks`."""
