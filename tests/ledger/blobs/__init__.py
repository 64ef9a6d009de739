"""Tests of `ledger.blobs`."""
