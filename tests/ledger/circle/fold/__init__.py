"""Tests of `ledger.circle.fold`."""
