"""Long vectors on disk, a file each, named by their SHA-256: one that is there already is not written again."""

import hashlib
import os
import shutil
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.files import make_folder, sync_folder, write_whole

_VALUE_BYTES: Final = 4


class VectorFiles:
    """The vectors of one folder, of values of four bytes. Threads may share it; it belongs to one process."""

    def __init__(self, folder: Path) -> None:
        """folder: made by the first `put`."""
        self._folder = folder
        self._lock = threading.Lock()
        # Those known to be whole and on the disk.
        self._whole: set[str] = set()

    def put(self, vector: NDArray[Any]) -> bytes:
        """Have a vector, int32 or float32, on the disk when this returns its name, 32 bytes. Raises OSError."""
        raw = np.ascontiguousarray(vector, vector.dtype.newbyteorder("<")).view(np.uint8).data
        digest = hashlib.sha256(raw).digest()
        with self._lock:
            if digest.hex() not in self._whole:
                make_folder(self._folder)
                write_whole(self._folder / digest.hex(), raw)
                self._whole.add(digest.hex())
        return digest

    def get(self, digest: bytes, dtype: Any) -> NDArray[Any] | None:
        """The vector of that name, (d,); None where there is none, or a damaged one. Raises OSError."""
        name = digest.hex()
        # Else `keep` could remove it in between, and it would be taken for being there.
        with self._lock:
            try:
                raw = (self._folder / name).read_bytes()
            except FileNotFoundError:
                return None
            if hashlib.sha256(raw).digest() != digest or len(raw) % _VALUE_BYTES:
                return None
            self._whole.add(name)
        return np.frombuffer(raw, np.dtype(dtype).newbyteorder("<")).astype(dtype)

    def keep(self, digests: Collection[bytes]) -> None:
        """Remove all others, and what was left unfinished. Raises OSError."""
        names = {digest.hex() for digest in digests}
        with self._lock:
            self._whole &= names
            for path in self._folder.iterdir():
                if path.name not in names:
                    path.unlink()

    def move(self, folder: Path) -> None:
        """Have them under another name, in place of what was there. Raises OSError."""
        with self._lock:
            self._whole.clear()
            shutil.rmtree(folder, ignore_errors=True)
            if self._folder.exists():
                os.replace(self._folder, folder)
                sync_folder(folder.parent)
