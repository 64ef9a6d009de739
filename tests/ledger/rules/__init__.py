"""Tests of `ledger.rules`."""
