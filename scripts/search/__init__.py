"""Searches for the most harm that can be done: attackers against rules, coalitions against the contract."""
