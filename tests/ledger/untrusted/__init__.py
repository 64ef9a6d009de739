"""Tests of `ledger.untrusted`."""
