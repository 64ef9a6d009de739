"""Where the blocks of a bundle wait that is being made: one file, added to as they come; a kill loses nothing.

Each block is a section as in the bundle itself. What a kill left half written is cut off when it is opened next.
"""

import fcntl
import hashlib
import os
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Final, Self

from ledger.audit.bundle.car_file import BLOCK_BYTES_MAX, BLOCKS_MAX, encode_section
from ledger.audit.bundle.names import BadBundle, BlockName, take_name
from ledger.blobs.cid import RAW
from ledger.errors import SetupError
from ledger.files import remove
from ledger.untrusted.varints import read_varint

_SECTION_HEAD_MAX: Final = 48
_NAME_BYTES: Final = 36
_VARINT_BYTES_MAX: Final = 4


class BlockShelf:
    """digest → block, on the disk. From any thread."""

    def __init__(self, path: Path) -> None:
        """Open or make it. Raises SetupError where another process fills it, OSError."""
        self.path, self._lock = path, Lock()
        self._places: dict[bytes, tuple[int, int]] = {}
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._end = self._scan()
            self._check_ours()
            os.ftruncate(self._handle, self._end)
        except BlockingIOError:
            os.close(self._handle)
            raise SetupError(
                f"{path} is being filled by another process: wait for it, or save under another name"
            ) from None
        except BaseException:
            os.close(self._handle)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._handle)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, digest: object) -> bool:
        return digest in self._places

    @property
    def size_bytes(self) -> int:
        """Of the file."""
        return self._end

    def read_block(self, digest: bytes) -> bytes | None:
        """A block, None where it is not here or is not what it was."""
        place = self._places.get(digest)
        if place is None:
            return None
        at, length = place
        block = os.pread(self._handle, length, at)
        return block if hashlib.sha256(block).digest() == digest else None

    def put_block(self, digest: bytes, data: bytes) -> None:
        """Keep a block. Raises OSError."""
        with self._lock:
            if digest in self._places:
                return
            section = encode_section(BlockName(RAW, digest), data)
            written = 0
            while written < len(section):
                written += os.pwrite(self._handle, section[written:], self._end + written)
            self._places[digest] = self._end + len(section) - len(data), len(data)
            self._end += len(section)

    def discard(self) -> None:
        """Remove the file: what was on it is in its bundle."""
        remove(self.path)

    def _check_ours(self) -> None:
        """What is cut off must be what a kill left, and no file of somebody's. Raises SetupError."""
        head = os.pread(self._handle, _SECTION_HEAD_MAX, 0)
        if self._end or not head:
            return
        begin = next((at + 1 for at, byte in enumerate(head[:_VARINT_BYTES_MAX]) if byte < 0x80), None)
        name = BlockName(RAW, bytes(32)).binary[:4]
        if len(head) >= _VARINT_BYTES_MAX if begin is None else not name.startswith(head[begin : begin + 4]):
            raise SetupError(
                f"{self.path} is there, and holds nothing of an unfinished bundle: move it, or save under another"
                " name"
            )

    def _scan(self) -> int:
        """Note what is whole. Returns where that ends."""
        at, end = 0, os.fstat(self._handle).st_size
        while at < end and len(self._places) < BLOCKS_MAX:
            head = os.pread(self._handle, _SECTION_HEAD_MAX, at)
            try:
                length, used = read_varint(head, 0, _VARINT_BYTES_MAX)
                name, name_bytes = take_name(head[used:])
            except (ValueError, BadBundle):
                break
            size = length - name_bytes
            if name_bytes != _NAME_BYTES or not 0 <= size <= BLOCK_BYTES_MAX:
                break
            start = at + used + name_bytes
            block = os.pread(self._handle, size, start)
            if len(block) != size or hashlib.sha256(block).digest() != name.digest:
                break
            self._places[name.digest] = start, size
            at = start + size
        return at
