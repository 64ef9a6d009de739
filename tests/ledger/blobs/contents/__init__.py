"""Tests of `ledger.blobs.contents`."""
