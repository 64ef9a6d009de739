"""Tests of `node.own_code`."""
