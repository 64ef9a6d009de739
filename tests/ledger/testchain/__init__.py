"""Tests of `ledger.testchain`."""
