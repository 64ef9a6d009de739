"""What a peer's published steps give away of its own examples, measured by attacking them on the peer's machine."""
