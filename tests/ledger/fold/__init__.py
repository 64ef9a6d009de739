"""Tests of `ledger.fold`."""
