"""Tests of `ledger.testchain.rpc`."""
