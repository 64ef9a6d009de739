"""The audit: recompute a circle from chain and blobs, and say what differs."""
