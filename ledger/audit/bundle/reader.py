"""A bundle that is open for reading: its root, its tables, its blobs and its signatures, all checked (R32)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from ledger.audit.bundle.car_file import CarFile
from ledger.audit.bundle.names import DAG_JSON, BadBundle, BlockName
from ledger.audit.bundle.rows import (
    KIND,
    SIGNATURE_KIND,
    VERSION,
    BlobRow,
    EventRow,
    HeaderRow,
    InvalidRow,
    Link,
    MissingRow,
    ReceiptRow,
    Root,
    Row,
    SignatureBlock,
    State,
    TransactionRow,
    decode_block,
    to_bytes,
)
from ledger.blobs.cid import DAG_PB, RAW
from ledger.blobs.dagpb import NODE_BYTES_MAX
from ledger.blobs.unixfs import CHUNK_BYTES, Part, check_magic, parse_children, parse_root, read_dag
from ledger.errors import PeerFault
from ledger.identity.network import Network
from ledger.identity.signing import bundle_hash, recover

_R = TypeVar("_R", bound=Row)
# Where a blob's blocks may lie: as leaves and nodes, or in a list of those that make none.
_CODECS: Final = (RAW, DAG_PB)


@dataclass(frozen=True)
class Signed:
    """A signature that holds."""

    signer: str
    """The key's address, EIP-55."""
    claimed_s: int
    """When it was signed, by its word; Unix seconds."""


class Bundle:
    """One bundle. Blobs and pages are read when they are asked for; close it, or use `with`."""

    def __init__(self, path: Path) -> None:
        """Open it, hash all of its blocks, read its root and check its signatures. Raises BadBundle."""
        self.path, self._car = path, CarFile(path)
        try:
            self.name = self._car.roots[0]
            self.root = self._read_root()
            self.network = Network.of(self.root.chain_id, self.root.contract)
            self.signatures = [self._read_signature(name) for name in self._car.roots[1:]]
            self.blobs = {
                to_bytes(row.digest): row.root.name for row in self._read(self.root.blobs, BlobRow, _digest)
            }
            self.invalid = {
                to_bytes(row.digest): [link.name for link in row.blocks]
                for row in self._read(self.root.invalid, InvalidRow, _digest)
            }
            self.missing = {
                to_bytes(row.digest): dict(row.reasons)
                for row in self._read(self.root.missing, MissingRow, _digest)
            }
            self._check_blobs()
            for link in (self.root.code.circle, self.root.code.court, self.root.manifest):
                if link.name.codec != RAW or link.name not in self._car:
                    raise BadBundle(f"it lacks the raw block {link.cid}")
        except BadBundle as error:
            self.close()
            raise BadBundle(
                error.args[0] if str(path) in str(error) else f"{path} is no proper bundle: {error}"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._car.close()

    @property
    def roots(self) -> tuple[BlockName, ...]:
        """The root's name, and those of the signatures."""
        return self._car.roots

    @property
    def names(self) -> Iterator[BlockName]:
        """Of all blocks, in the order of the file."""
        return iter(self._car)

    @property
    def size_bytes(self) -> int:
        """Of the file."""
        return self.path.stat().st_size

    def read(self, name: BlockName) -> bytes:
        """A block. Raises BadBundle."""
        return self._car.read(name)

    def read_block(self, digest: bytes) -> bytes | None:
        """A blob's block by its digest, None where it is not here."""
        for codec in _CODECS:
            name = BlockName(codec, digest)
            if name in self._car:
                return self._car.read(name)
        return None

    def read_events(self) -> Iterator[EventRow]:
        """All logs, in order."""
        return self._read(self.root.events, EventRow, lambda row: (row.block, row.index))

    def read_headers(self) -> Iterator[HeaderRow]:
        """All headers, in order."""
        return self._read(self.root.headers, HeaderRow, lambda row: row.number)

    def read_receipts(self) -> Iterator[ReceiptRow]:
        """All proofs of receipts, in order."""
        return self._read(self.root.receipts, ReceiptRow, lambda row: (row.block, row.index))

    def read_transactions(self) -> Iterator[TransactionRow]:
        """All transactions, in order."""
        return self._read(self.root.transactions, TransactionRow, lambda row: (row.block, row.index))

    def read_state(self) -> State | None:
        """The proofs against the state root, None where there are none."""
        return None if self.root.state is None else self._decode(self.root.state, State)

    def read_blob(self, digest: bytes, max_bytes: int) -> bytes:
        """A blob. Raises PeerFault where the bytes make none, BadBundle where they are not here."""
        if digest in self.invalid:
            return self._read_invalid(digest, max_bytes)
        if digest not in self.blobs:
            raise BadBundle(
                f"{self.path} has neither blob {digest.hex()} nor a reason why it is missing: audit it for the "
                "rounds that it was saved for, without --from and --sample"
            )
        return read_dag(digest, self._need_block, max_bytes)

    def find_blob(self, digest: bytes, max_bytes: int) -> bytes | None:
        """A blob that is not listed, and is here all the same: what is there is stronger than anybody's word.

        None where it is not here whole. Raises PeerFault where the bytes make none.
        """
        lacking = list[bytes]()

        def read(one: bytes) -> bytes:
            block = self.read_block(one)
            if block is None:
                lacking.append(one)
                raise BadBundle(f"{self.path} lacks block {one.hex()}")
            return block

        try:
            return read_dag(digest, read, max_bytes)
        except BadBundle:
            if lacking:
                return None
            raise

    def _read_invalid(self, digest: bytes, max_bytes: int) -> bytes:
        """Looks at all that is there of a blob: one fault is enough."""
        held = {name.digest: self.read(name) for name in self.invalid[digest]}
        if digest in held:
            pending, leaves = [parse_root(digest, held[digest], max_bytes)], list[tuple[Part, bytes]]()
            root = pending[0]
            while pending:
                part = pending.pop()
                if part.digest not in held:
                    continue
                block = held[part.digest]
                # What a fetcher takes no more of than this, whatever is promised.
                if len(block) > (NODE_BYTES_MAX if part.height else CHUNK_BYTES):
                    break
                pending += parse_children(part, block)
                if part.height == 0:
                    leaves.append((part, block))
            if sum(len(block) for _, block in leaves) == root.size_bytes and leaves:
                check_magic(min(leaves, key=lambda leaf: leaf[0].offset)[1])
        raise BadBundle(f"{self.path} says that {digest.hex()} is no blob, and does not show it")

    def _need_block(self, digest: bytes) -> bytes:
        block = self.read_block(digest)
        if block is None:
            raise BadBundle(f"{self.path} lacks block {digest.hex()} of a blob that it lists")
        return block

    def _check_blobs(self) -> None:
        """[REJECT] R32.3: a blob is listed once, by its own root."""
        listed = [*self.blobs, *self.invalid, *self.missing]
        if len(set(listed)) != len(listed):
            raise BadBundle("it lists a blob twice")
        for digest, name in self.blobs.items():
            if name.digest != digest or name.codec not in _CODECS or name not in self._car:
                raise BadBundle(f"it lists blob {digest.hex()} without its root")
        for digest, names in self.invalid.items():
            if not names or names[0].digest != digest or any(name.codec != RAW for name in names):
                raise BadBundle(f"it lists {digest.hex()} as no blob without its root")

    def _read_root(self) -> Root:
        if self.name.codec != DAG_JSON:
            raise BadBundle("its root is no dag-json block: it may hold a blob, and it holds no bundle")
        block = self._car.read(self.name)
        root = decode_block(block, Root)
        if (root.kind, root.version) != (KIND, VERSION):
            raise BadBundle(
                f"its root says {root.kind[:40]!r} {root.version}, this program reads {KIND!r} {VERSION}"
            )
        return root

    def _read_signature(self, name: BlockName) -> Signed:
        """[REJECT] R32.5: of this root, by the key that it names."""
        found = self._decode(Link.to(name), SignatureBlock)
        if (found.kind, found.version) != (SIGNATURE_KIND, VERSION) or found.bundle.name != self.name:
            raise BadBundle("one of its signatures is of something else")
        try:
            signer = recover(
                bundle_hash(self.network, self.name.digest, found.claimed_s), to_bytes(found.signature)
            )
        except PeerFault as error:
            raise BadBundle(f"one of its signatures does not hold: {error}") from None
        if signer.lower() != found.signer:
            raise BadBundle(f"one of its signatures is not {found.signer}'s, as it says")
        return Signed(signer, found.claimed_s)

    def _decode(self, link: Link, kind: type[_R]) -> _R:
        if link.name.codec != DAG_JSON:
            raise BadBundle(f"block {link.cid} should be dag-json")
        return decode_block(self._car.read(link.name), kind)

    def _read(self, table: list[Link], kind: type[_R], place: Callable[[_R], Any]) -> Iterator[_R]:
        """[REJECT] R32.3: the rows of a table ascend."""
        before: Any = None
        for link in table:
            if link.name.codec != DAG_JSON:
                raise BadBundle(f"block {link.cid} should be dag-json")
            for row in decode_block(self._car.read(link.name), list[kind]):  # type: ignore[valid-type]
                here = place(row)
                if before is not None and here <= before:
                    raise BadBundle(f"a table of {kind.__name__} does not ascend at {str(here)[:80]}")
                before = here
                yield row


def _digest(row: BlobRow | InvalidRow | MissingRow) -> str:
    return row.digest


def take(rows: Iterator[_R], most: int) -> list[_R]:
    """At most so many rows. Raises BadBundle where there are more."""
    found = list(islice(rows, most + 1))
    if len(found) > most:
        raise BadBundle(f"there are more than {most} rows where nobody needs them")
    return found
