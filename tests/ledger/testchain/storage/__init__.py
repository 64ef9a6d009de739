"""Tests of `ledger.testchain.storage`."""
