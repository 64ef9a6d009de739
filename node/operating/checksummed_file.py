"""What its owner goes on from after a restart, in a file that ends in its own SHA-256, so that damage is seen."""

import hashlib
from pathlib import Path
from typing import Any, Final

import msgpack

from ledger.files import set_aside, write_whole

_CHECKSUM_BYTES: Final = 32


class UnusableFile(Exception):
    """A file was there and is of no use. It has another name now."""

    def __init__(self, fault: str, aside: Path) -> None:
        super().__init__(f"{fault}, kept as {aside}")
        self.fault = fault
        """What is wrong with it, in a word or two: `damaged`."""
        self.aside = aside
        """Where it is now."""


class ChecksummedFile:
    """Fields of one circle on disk, whole or not at all."""

    def __init__(self, path: Path, magic: bytes) -> None:
        """magic: what the file begins with, for its kind and version."""
        self.path, self._magic = path, magic

    def write(self, fields: dict[str, Any]) -> None:
        """Replace what was there. fields: those that msgpack can write, of them `network`. Raises OSError."""
        packed = msgpack.packb(fields)
        write_whole(self.path, self._magic + packed + hashlib.sha256(packed).digest())

    def read(self, network: bytes) -> dict[str, Any] | None:
        """What was written last, None where nothing was. network: whose it must be.

        Raises UnusableFile for one that is damaged or another circle's, OSError.
        """
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return None
        packed, checksum = raw[len(self._magic) : -_CHECKSUM_BYTES], raw[-_CHECKSUM_BYTES:]
        if not raw.startswith(self._magic) or hashlib.sha256(packed).digest() != checksum:
            raise self.set_aside("damaged")
        fields: dict[str, Any] = msgpack.unpackb(packed, strict_map_key=False)
        if fields["network"] != network:
            raise self.set_aside("of another circle")
        return fields

    def set_aside(self, fault: str) -> UnusableFile:
        """Give it another name, and the error that says so. Raises OSError."""
        return UnusableFile(fault, set_aside(self.path))
