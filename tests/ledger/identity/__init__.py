"""Tests of `ledger.identity`."""
