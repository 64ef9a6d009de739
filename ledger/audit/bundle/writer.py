"""Making a bundle: its tables, its root, and the file with all blocks in the order of a walk (R32)."""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ledger.audit.bundle.car_file import ROOTS_MAX, write_car
from ledger.audit.bundle.names import DAG_JSON, BlockName, parse_name
from ledger.audit.bundle.reader import Bundle
from ledger.audit.bundle.rows import (
    KIND,
    SIGNATURE_KIND,
    VERSION,
    BlobRow,
    Calls,
    Code,
    EventRow,
    HeaderRow,
    InvalidRow,
    Link,
    Made,
    MissingRow,
    ReceiptRow,
    Root,
    Row,
    ScopeRow,
    SignatureBlock,
    State,
    TransactionRow,
    cut_pages,
    encode_block,
    to_hex,
)
from ledger.blobs.cid import DAG_PB, RAW
from ledger.blobs.dagpb import parse_node
from ledger.blobs.unixfs import MAGIC
from ledger.errors import SetupError
from ledger.files import PUBLIC, opened_whole
from ledger.identity.network import Network
from ledger.identity.signing import bundle_hash

ReadBlock = Callable[[bytes], bytes | None]
# Inside a string the quotes would be escaped.
_LINK: Final = re.compile(rb'\{"/":"(b[a-z2-7]+)"\}')


@dataclass
class Evidence:
    """All that goes into a bundle, but for the blobs' bytes."""

    network: Network
    """The circle's."""
    block: HeaderRow
    """As of which the chain was read."""
    made: Made
    """By whom."""
    scope: ScopeRow
    """Which rounds the blobs are good for."""
    circle_code: bytes
    """The circle's code."""
    court_code: bytes
    """The court's."""
    history: bytes
    """The running hash, 24 bytes."""
    reputation_words: Sequence[bytes]
    """Sixteen words of 32 bytes."""
    manifest: bytes
    """As it was emitted."""
    state: State | None = None
    """The proofs against the state root."""
    events: Iterable[EventRow] = ()
    """All logs, in order."""
    headers: dict[int, HeaderRow] = field(default_factory=dict)
    """By number."""
    receipts: dict[tuple[int, int], ReceiptRow] = field(default_factory=dict)
    """By block and index."""
    transactions: dict[tuple[int, int], TransactionRow] = field(default_factory=dict)
    """By block and index."""
    whole: set[bytes] = field(default_factory=set)
    """Digests of blobs that are here."""
    invalid: dict[bytes, list[bytes]] = field(default_factory=dict)
    """Digest of what is no blob → digests of the blocks that show it."""
    missing: dict[bytes, dict[str, str]] = field(default_factory=dict)
    """Digest → gateway → what it did."""


def write_bundle(path: Path, evidence: Evidence, read_block: ReadBlock) -> BlockName:
    """Put a bundle in its place, whole. Returns its root's name.

    read_block: digest → a blob's block. Raises OSError, ValueError for a row that is too large.
    """
    made = _Blocks(read_block)
    root = made.put(DAG_JSON, encode_block(_make_root(evidence, made)))
    with opened_whole(path, mode=PUBLIC) as file:
        write_car(file, [root], made.walk(root))
    return root


def sign_bundle(
    network: Network, root: BlockName, claimed_s: int, signer: str, sign: Callable[[bytes], bytes]
) -> bytes:
    """A signature as its block (R32.5). signer: the key's address. sign: 32 bytes → 65 bytes."""
    signature = sign(bundle_hash(network, root.digest, claimed_s))
    return encode_block(
        SignatureBlock(SIGNATURE_KIND, VERSION, Link.to(root), claimed_s, signer.lower(), to_hex(signature))
    )


class _Blocks:
    """Blocks of a bundle by name: those made here, and those of blobs, which are read when they are written."""

    def __init__(self, read_block: ReadBlock) -> None:
        self._read_block, self._made = read_block, dict[BlockName, bytes]()

    def put(self, codec: int, block: bytes) -> BlockName:
        """Keep a block."""
        name = BlockName.of(codec, block)
        self._made[name] = block
        return name

    def put_table(self, rows: Iterable[Row]) -> list[Link]:
        """Keep a table's pages."""
        return [Link.to(self.put(DAG_JSON, page)) for page in cut_pages(rows)]

    def read(self, name: BlockName) -> bytes:
        """A block. Raises LookupError where a blob's is not there."""
        if name in self._made:
            return self._made[name]
        block = self._read_block(name.digest)
        if block is None:
            raise LookupError(f"block {name.text} is not there any more")
        return block

    def walk(self, root: BlockName) -> Iterator[tuple[BlockName, bytes]]:
        """Every block below a root once, depth first, links in the order of the bytes."""
        pending, seen = [root], set[BlockName]()
        while pending:
            name = pending.pop()
            if name in seen:
                continue
            seen.add(name)
            block = self.read(name)
            yield name, block
            pending.extend(reversed(find_links(name, block)))


def find_links(name: BlockName, block: bytes) -> list[BlockName]:
    """What a block links to, in the order of its bytes."""
    if name.codec == DAG_JSON:
        return [parse_name(text.decode()) for text in _LINK.findall(block)]
    if name.codec == DAG_PB:
        return [BlockName(link.codec, link.digest) for link in parse_node(block).links]
    return []


def _make_root(evidence: Evidence, blocks: _Blocks) -> Root:
    return Root(
        KIND,
        VERSION,
        evidence.network.chain_id,
        evidence.network.contract.lower(),
        evidence.block,
        evidence.made,
        evidence.scope,
        Code(
            Link.to(blocks.put(RAW, evidence.circle_code)),
            Link.to(blocks.put(RAW, evidence.court_code)),
        ),
        Calls(to_hex(evidence.history), [to_hex(word) for word in evidence.reputation_words]),
        None if evidence.state is None else Link.to(blocks.put(DAG_JSON, encode_block(evidence.state))),
        Link.to(blocks.put(RAW, evidence.manifest)),
        blocks.put_table(evidence.events),
        blocks.put_table(row for _, row in sorted(evidence.headers.items())),
        blocks.put_table(row for _, row in sorted(evidence.receipts.items())),
        blocks.put_table(row for _, row in sorted(evidence.transactions.items())),
        blocks.put_table(
            BlobRow(to_hex(digest), Link.to(_name_root(digest, blocks))) for digest in sorted(evidence.whole)
        ),
        blocks.put_table(
            InvalidRow(to_hex(digest), [Link.to(BlockName(RAW, block)) for block in dict.fromkeys(found)])
            for digest, found in sorted(evidence.invalid.items())
        ),
        blocks.put_table(
            MissingRow(to_hex(digest), list(reasons.items()))
            for digest, reasons in sorted(evidence.missing.items())
        ),
    )


def _name_root(digest: bytes, blocks: _Blocks) -> BlockName:
    """A blob's root is a node, unless it begins as a blob does."""
    is_leaf = blocks.read(BlockName(RAW, digest)).startswith(MAGIC)
    return BlockName(RAW if is_leaf else DAG_PB, digest)


def add_signature(bundle: Bundle, block: bytes) -> None:
    """Put the file in its place once more, with another signature. Raises SetupError, OSError.

    block: of `sign_bundle`.
    """
    roots = bundle.roots
    if len(roots) >= ROOTS_MAX:
        raise SetupError(f"{bundle.path} has {len(roots) - 1} signatures and takes no more")
    name = BlockName.of(DAG_JSON, block)
    if name in roots:
        return
    with opened_whole(bundle.path, mode=PUBLIC) as file:
        blocks = ((one, bundle.read(one)) for one in bundle.names)
        write_car(file, [*roots, name], itertools.chain(blocks, [(name, block)]))
