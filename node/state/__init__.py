"""What a peer goes on from: kept over a crash, rebuilt from chain and blobs, thrown away in time."""
