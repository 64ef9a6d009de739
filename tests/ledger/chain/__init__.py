"""Tests of `ledger.chain`."""
