"""Tests of `ledger.fetch`."""
