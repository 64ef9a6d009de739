"""The virtual machine of the local chain, its state, and messages and transactions for it."""
