"""Tests of `ledger.judging`."""
