"""Tests of `ledger.audit`."""
