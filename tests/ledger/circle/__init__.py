"""Tests of `ledger.circle`."""
