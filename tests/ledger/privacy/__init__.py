"""Tests of `ledger.privacy`."""
