"""What the local chain has on disk: blocks, logs, proofs, and taking blocks back."""
