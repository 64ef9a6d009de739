"""Tests of `ledger.testchain.mining`."""
