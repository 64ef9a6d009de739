"""What an audit was told, kept for its bundle: the chain's answers as they came, and what became of each blob."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ledger.audit.bundle.offline import BundledChain
from ledger.audit.bundle.reader import Bundle
from ledger.audit.bundle.rows import EventRow, HeaderRow, decode_block, encode_block, to_bytes, to_hex
from ledger.audit.bundle.shelf import BlockShelf
from ledger.chain.contract.artifact import load_circle_artifact
from ledger.chain.proofs.headers import encode_header
from ledger.chain.rpc import answers
from ledger.chain.rpc.answers import Nonsense, Parser
from ledger.chain.rpc.client import Rpc
from ledger.errors import PeerFault
from ledger.fetch.fetcher import BlobFetcher, Unavailable

_T = TypeVar("_T")


class RecordedChain(Rpc):
    """Asks an endpoint, and keeps of its answers what a bundle holds; where one is asked again, the last counts.

    Events up to the block of an earlier bundle are taken from there, where the endpoint has that block too.
    """

    def __init__(self, inner: Rpc, earlier: Bundle | None = None) -> None:
        self._inner, self.patience = inner, inner.patience
        self._earlier, self._known = earlier, None if earlier is None else BundledChain(earlier)
        self._is_same: bool | None = None
        self.headers: dict[int, HeaderRow] = {}
        self.code: dict[str, bytes] = {}
        self.calls: dict[str, bytes] = {}
        self.transactions: dict[str, dict[str, Any]] = {}
        # Encoded, as there may be half a million.
        self._events: dict[tuple[int, int], bytes] = {}

    @property
    def url(self) -> str:
        """The endpoint in use, as it may be shown."""
        return self._inner.url

    @property
    def public_url(self) -> str | None:
        """The endpoint in use, where its address holds nothing that others must not know."""
        return self._inner.public_url

    def doubt(self, reason: str) -> None:
        """As the endpoint has it."""
        self._inner.doubt(reason)

    def request(self, method: str, params: list[Any], parse: Parser[_T]) -> _T:
        """As the endpoint has it."""

        def note(raw: Any) -> _T:
            value = parse(raw)
            keep = getattr(self, f"_keep_{method}", None)
            if keep is not None:
                keep(params, raw)
            return value

        if method == "eth_getLogs" and self._goes_on():
            return self._request_logs(params[0], note)
        return self._inner.request(method, params, note)

    def _goes_on(self) -> bool:
        """Whether the endpoint has the earlier bundle's block. Raises like `request`."""
        if self._earlier is None:
            return False
        if self._is_same is None:
            block = self._earlier.root.block
            parse = answers.or_null(answers.block_parser(block.number))
            found = self._inner.request("eth_getBlockByNumber", [hex(block.number), False], parse)
            self._is_same = found is not None and found.hash == block.hash
        return self._is_same

    def _request_logs(self, query: dict[str, Any], note: Parser[_T]) -> _T:
        """Those of the earlier bundle's blocks from there, and the rest from the endpoint."""
        assert self._earlier is not None
        assert self._known is not None
        last, to = self._earlier.root.block.number, query["toBlock"]
        if int(query["fromBlock"], 16) > last:
            return self._inner.request("eth_getLogs", [query], note)
        is_old = to != "latest" and int(to, 16) <= last
        told = self._known.tell_logs({**query, "toBlock": to if is_old else hex(last)})
        if is_old:
            return note(told)
        # What the endpoint answers is looked at whole, together with what comes before it.
        later = {**query, "fromBlock": hex(last + 1)}
        return self._inner.request(
            "eth_getLogs", [later], lambda raw: note([*told, *raw] if isinstance(raw, list) else raw)
        )

    def read_event(self, position: tuple[int, int]) -> EventRow:
        """The log at a place. Raises KeyError."""
        return decode_block(self._events[position], EventRow)

    def _keep_eth_getLogs(self, _params: list[Any], logs: list[dict[str, Any]]) -> None:  # noqa: N802
        for log in logs:
            row = EventRow(
                answers.parse_height(log["blockNumber"]),
                answers.parse_quantity(log["logIndex"]),
                answers.parse_digest(log["blockHash"]),
                answers.parse_digest(log["transactionHash"]),
                [answers.parse_digest(topic) for topic in log["topics"]],
                to_hex(answers.parse_data(log["data"])),
            )
            self._events[row.block, row.index] = encode_block(row)

    def _keep_eth_getBlockByNumber(self, _params: list[Any], block: dict[str, Any] | None) -> None:  # noqa: N802
        if block is not None:
            row = make_header_row(block)
            self.headers[row.number] = row

    def _keep_eth_getCode(self, params: list[Any], code: str) -> None:  # noqa: N802
        self.code[params[0].lower()] = answers.parse_data(code)

    def _keep_eth_call(self, params: list[Any], answer: str) -> None:
        self.calls[params[0]["data"]] = answers.parse_data(answer)

    def _keep_eth_getTransactionByHash(self, params: list[Any], found: dict[str, Any]) -> None:  # noqa: N802
        for name in ("blockNumber", "transactionIndex"):
            answers.parse_quantity(found.get(name), 1 << 40)
        self.transactions[params[0]] = found

    def read_call(self, name: str) -> bytes:
        """What a view of the contract answered, ABI-encoded. Raises KeyError."""
        return self.calls["0x" + load_circle_artifact().encode_call(name).hex()]


def make_header_row(block: dict[str, Any]) -> HeaderRow:
    """A block as an endpoint tells it. Raises Nonsense."""
    if not isinstance(block, dict):
        raise Nonsense("a block is no object")
    block_hash = answers.parse_digest(block.get("hash"))
    encoded = encode_header(block, to_bytes(block_hash))
    return HeaderRow(
        answers.parse_height(block.get("number")),
        block_hash,
        answers.parse_quantity(block.get("timestamp"), (1 << 53) - 1),
        None if encoded is None else to_hex(encoded),
    )


@dataclass
class RecordedBlobs:
    """Fetches what is neither on the shelf nor in an earlier bundle, and notes what became of each blob."""

    fetcher: BlobFetcher
    """Asks the gateways."""
    shelf: BlockShelf
    """Where blocks are put."""
    earlier: Bundle | None = None
    """A bundle to be added to."""
    whole: set[bytes] = field(default_factory=set)
    """Digests of blobs that are here."""
    invalid: dict[bytes, list[bytes]] = field(default_factory=dict)
    """Digest of what is no blob → digests of the blocks that show it, the root first."""
    missing: dict[bytes, dict[str, str]] = field(default_factory=dict)
    """Digest → gateway → what it did."""

    async def fetch(self, digest: bytes, gateways: Sequence[str], *, max_bytes: int, timeout_s: float) -> bytes:
        """A blob. Raises Unavailable, or PeerFault where the bytes make none."""
        seen = _SeenBlocks(self)
        try:
            blob = await self.fetcher.fetch(digest, gateways, max_bytes=max_bytes, timeout_s=timeout_s, cache=seen)
        except Unavailable as error:
            self.missing[digest] = error.reasons
            raise
        except PeerFault:
            self.missing.pop(digest, None)
            self.invalid[digest] = seen.digests
            raise
        self.missing.pop(digest, None)
        self.whole.add(digest)
        return blob

    def has(self, digest: bytes) -> bool:
        """Whether a blob's root is here, without reading it."""
        return digest in self.shelf or (self.earlier is not None and digest in self.earlier.blobs)

    def read_block(self, digest: bytes) -> bytes | None:
        """A block, wherever it lies; None where it is not here."""
        block = self.shelf.read_block(digest)
        return self.earlier.read_block(digest) if block is None and self.earlier is not None else block


class _SeenBlocks:
    """A cache for one fetch, which knows which blocks that came by."""

    def __init__(self, blobs: RecordedBlobs) -> None:
        self._blobs, self.digests = blobs, list[bytes]()

    def read_block(self, digest: bytes) -> bytes | None:
        block = self._blobs.read_block(digest)
        if block is not None:
            self.digests.append(digest)
        return block

    def put_block(self, digest: bytes, data: bytes) -> None:
        self.digests.append(digest)
        self._blobs.shelf.put_block(digest, data)
