"""Tests of `ledger.chain.deployment`."""
