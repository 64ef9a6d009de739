"""The chain client: code checks, events, transactions, deployment."""
