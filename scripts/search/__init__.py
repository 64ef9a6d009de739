"""Searches for who could do most harm: attackers against rules, coalitions against the contract."""
