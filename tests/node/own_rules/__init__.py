"""Tests of `node.own_rules`."""
