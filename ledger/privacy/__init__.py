"""Differential privacy as a circle's term: what was agreed, what it spends, and what an update says of it. Pure."""
