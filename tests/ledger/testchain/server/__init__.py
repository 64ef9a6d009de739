"""Tests of `ledger.testchain.server`."""
