"""Bytes to be blobs, of any size."""


def blob(size_bytes: int) -> bytes:
    """The same bytes for a size each time; no two blocks of it are alike."""
    return (b"FM" + bytes(range(251)) * (size_bytes // 251 + 1))[:size_bytes]
