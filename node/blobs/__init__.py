"""A peer's own blobs: the store on disk, the gateway that serves it, and an IPFS daemon beside it."""
