"""Circles with a coalition in them, played on the contract's twin."""
