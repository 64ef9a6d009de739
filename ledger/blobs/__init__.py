"""Blobs as IPFS names and stores them: blocks, CIDs, UnixFS files, CAR streams. Pure."""
