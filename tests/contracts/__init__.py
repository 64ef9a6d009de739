"""Tests of the contract, each file about one call or one promise."""
