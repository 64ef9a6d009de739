"""Tests of `ledger.chain.contract`."""
