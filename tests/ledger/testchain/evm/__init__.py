"""Tests of `ledger.testchain.evm`."""
