"""Tests of `scripts.examples`."""
