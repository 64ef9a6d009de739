"""Tests of `ledger.chain.rpc`."""
