"""Tests of `ledger.codec`."""
