"""The file of a bundle: a CARv1 with one root and its signatures, written whole and read with suspicion (R32.1).

Source: ipld.io/specs/transport/car/carv1.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from ledger.audit.bundle.names import BadBundle, BlockName, take_name
from ledger.untrusted.varints import encode_varint, read_varint

BLOCK_BYTES_MAX: Final = 1 << 20
BLOCKS_MAX: Final = 1 << 22
ROOTS_MAX: Final = 65
_NAME_BYTES_MAX: Final = 37
_HEADER_BYTES_MAX: Final = 4096
# Of a length of at most a MiB and a name.
_VARINT_BYTES_MAX: Final = 4
# Where a block begins, and behind that how long it is: one number, as a stranger's file may have millions of them.
_LENGTH_BITS: Final = 21
_LENGTH_MASK: Final = (1 << _LENGTH_BITS) - 1
_BEFORE_ROOTS: Final = b"\xa2\x65roots"
_AFTER_ROOTS: Final = b"\x67version\x01"
# CBOR: tag 42, byte string of one byte of length; and the zero byte before a CID.
_BEFORE_NAME: Final = b"\xd8\x2a\x58"
_SHORT_ARRAY_MAX: Final = 23
_WHOLE: Final = "get the whole file again from whoever keeps it"


def encode_header(roots: Sequence[BlockName]) -> bytes:
    """What a CAR with these roots begins with. Raises ValueError unless there are 1…65."""
    if not 1 <= len(roots) <= ROOTS_MAX:
        raise ValueError(f"a bundle has 1 to {ROOTS_MAX} roots, not {len(roots)}")
    count = bytes([0x80 | len(roots)]) if len(roots) <= _SHORT_ARRAY_MAX else bytes([0x98, len(roots)])
    names = (_BEFORE_NAME + bytes([len(name.binary) + 1, 0]) + name.binary for name in roots)
    body = _BEFORE_ROOTS + count + b"".join(names) + _AFTER_ROOTS
    return encode_varint(len(body)) + body


def encode_section(name: BlockName, block: bytes) -> bytes:
    """One block as it stands in the file."""
    binary = name.binary
    return encode_varint(len(binary) + len(block)) + binary + block


def write_car(file: BinaryIO, roots: Sequence[BlockName], blocks: Iterable[tuple[BlockName, bytes]]) -> None:
    """Write a CAR. Raises OSError."""
    file.write(encode_header(roots))
    for name, block in blocks:
        file.write(encode_section(name, block))


class CarFile:
    """An open bundle, all of whose blocks were hashed once; each is hashed again when it is read.

    Where a block is, is kept in memory: some 150 bytes each.
    """

    def __init__(self, path: Path) -> None:
        """Open and look at every byte. Raises BadBundle with what is wrong and where."""
        self.path, self._places = path, dict[bytes, int]()
        if path.exists() and not path.is_file():
            # A pipe would keep whoever opens it waiting.
            raise BadBundle(f"{path} is no file: name a bundle")
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise BadBundle(f"{path} cannot be read ({error.strerror}): name a bundle") from error
        try:
            self.roots = self._scan()
        except OSError as error:
            self._file.close()
            raise BadBundle(f"{path} cannot be read ({error.strerror}): copy it again") from error
        except BadBundle:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __contains__(self, name: object) -> bool:
        return isinstance(name, BlockName) and name.binary in self._places

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[BlockName]:
        """In the order of the file."""
        return (take_name(binary)[0] for binary in self._places)

    def read(self, name: BlockName) -> bytes:
        """A block. Raises BadBundle where it is not there, or not any more what it was. From any thread."""
        place = self._places.get(name.binary)
        if place is None:
            raise BadBundle(f"{self.path} lacks block {name.text}, which it names: {_WHOLE}")
        at, length = place >> _LENGTH_BITS, place & _LENGTH_MASK
        block = os.pread(self._file.fileno(), length, at)
        if hashlib.sha256(block).digest() != name.digest:
            raise BadBundle(f"{self.path} was changed while it was read, at byte {at}: {_WHOLE}")
        return block

    def _scan(self) -> tuple[BlockName, ...]:
        """Note where the blocks are. Returns the roots."""
        roots, at = self._read_header()
        end = os.fstat(self._file.fileno()).st_size
        self._file.seek(at)
        while at < end:
            at = self._note_section(at, end)
        for root in roots:
            if root not in self:
                raise BadBundle(f"{self.path} lacks its root block {root.text}: {_WHOLE}")
        return roots

    def _read_header(self) -> tuple[tuple[BlockName, ...], int]:
        head = self._file.read(_HEADER_BYTES_MAX)
        try:
            length, at = read_varint(head, 0, _VARINT_BYTES_MAX)
        except ValueError:
            raise BadBundle(f"{self.path} is no bundle: it does not begin as a CAR does") from None
        body = head[at : at + length]
        roots = _parse_roots(body)
        if roots is None and head.startswith(b"{"):
            raise BadBundle(f"{self.path} is JSON and no bundle: a circle file goes with --circle")
        if len(body) != length:
            raise BadBundle(f"{self.path} is no bundle, or is cut off in its first {len(head)} bytes: {_WHOLE}")
        if roots is None or encode_header(roots) != head[: at + length]:
            raise BadBundle(
                f"{self.path} is no bundle: its header is not that of a CAR with 1 to {ROOTS_MAX} roots"
            )
        return roots, at + length

    def _note_section(self, at: int, end: int) -> int:
        """[REJECT] R32.1: sizes before bytes, then bytes against their name. Returns where the next one begins."""
        start = self._file.read(_VARINT_BYTES_MAX + _NAME_BYTES_MAX)
        try:
            length, used = read_varint(start, 0, _VARINT_BYTES_MAX)
        except ValueError:
            raise BadBundle(f"{self.path} is cut off or altered at byte {at}: {_WHOLE}") from None
        if length > BLOCK_BYTES_MAX + _NAME_BYTES_MAX:
            raise BadBundle(f"{self.path} has a block of {length} bytes at byte {at}: it is altered, or no bundle")
        if at + used + length > end:
            raise BadBundle(f"{self.path} is cut off in the block at byte {at}: {_WHOLE}")
        try:
            name, name_bytes = take_name(start[used : used + length])
        except BadBundle as error:
            raise BadBundle(f"{self.path} is altered at byte {at}: {error}") from None
        first = at + used + name_bytes
        if length - name_bytes > BLOCK_BYTES_MAX:
            raise BadBundle(f"{self.path} has a block of {length} bytes at byte {at}: it is altered, or no bundle")
        self._file.seek(first)
        block = self._file.read(length - name_bytes)
        if hashlib.sha256(block).digest() != name.digest:
            raise BadBundle(
                f"{self.path} is altered at byte {at}: the block there is not {name.text}, as it says: {_WHOLE}"
            )
        self._places.setdefault(name.binary, first << _LENGTH_BITS | len(block))
        if len(self._places) > BLOCKS_MAX:
            raise BadBundle(f"{self.path} has more than {BLOCKS_MAX} blocks: it is no bundle")
        return first + len(block)


def _parse_roots(body: bytes) -> tuple[BlockName, ...] | None:
    """The roots in a CAR's header; None where it has another form. What it leaves out, encoding again shows."""
    if not body.startswith(_BEFORE_ROOTS) or len(body) < len(_BEFORE_ROOTS) + 2:
        return None
    at = len(_BEFORE_ROOTS)
    count, at = (body[at + 1], at + 2) if body[at] == 0x98 else (body[at] & 0x1F, at + 1)
    if not 1 <= count <= ROOTS_MAX:
        return None
    roots: list[BlockName] = []
    for _ in range(count):
        at += len(_BEFORE_NAME) + 2
        try:
            name, length = take_name(body[at : at + _NAME_BYTES_MAX])
        except BadBundle:
            return None
        roots.append(name)
        at += length
    return tuple(roots)
