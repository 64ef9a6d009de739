"""What blobs hold: genesis, updates, records and checkpoints, as bytes and back. Pure."""
