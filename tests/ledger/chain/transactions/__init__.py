"""Tests of `ledger.chain.transactions`."""
