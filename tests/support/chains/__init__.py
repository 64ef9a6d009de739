"""Chains that tests start, and chains in memory that misbehave."""
