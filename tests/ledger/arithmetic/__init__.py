"""Tests of `ledger.arithmetic`."""
