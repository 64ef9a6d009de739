"""An audit's two doors, opened onto a bundle: the questions it asks a chain, and the blobs it fetches."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from eth_utils.address import to_checksum_address

from ledger.audit.bundle.names import BadBundle
from ledger.audit.bundle.reader import Bundle
from ledger.audit.bundle.rows import EventRow, TransactionRow, to_bytes
from ledger.chain.contract.artifact import load_circle_artifact
from ledger.chain.rpc import answers, patience
from ledger.chain.rpc.answers import Nonsense, Parser
from ledger.chain.rpc.client import Rpc
from ledger.fetch.fetcher import Unavailable

_T = TypeVar("_T")
_WORD: Final = 64


class BundledChain(Rpc):
    """Answers from a bundle what an audit asks an endpoint. It opens no connection."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle, self.patience = bundle, patience.NONE
        self._headers = {row.number: row for row in bundle.read_headers()} | {
            bundle.root.block.number: bundle.root.block
        }
        self._events = list(bundle.read_events())
        self._blocks = [row.block for row in self._events]
        self._transactions = {row.hash: row for row in bundle.read_transactions()}

    @property
    def url(self) -> str:
        """The file."""
        return str(self._bundle.path)

    @property
    def public_url(self) -> str | None:
        """Nobody else can ask it."""
        return None

    @property
    def first_block(self) -> int:
        """The one with the circle's first event; 0 where there is none."""
        return self._blocks[0] if self._blocks else 0

    def request(self, method: str, params: list[Any], parse: Parser[_T]) -> _T:
        """Look up, and make a value of what is found. Raises BadBundle."""
        answer: Callable[..., Any] | None = getattr(self, f"_{method}", None)
        if answer is None:
            raise BadBundle(f"{self.url} does not answer {method}")
        try:
            return parse(answer(*params))
        except Nonsense as error:
            raise BadBundle(f"{self.url} tells of something that cannot be: {error}") from None

    def _eth_chainId(self) -> str:  # noqa: N802
        return hex(self._bundle.root.chain_id)

    def _eth_blockNumber(self) -> str:  # noqa: N802
        return hex(self._bundle.root.block.number)

    def _eth_getBlockByNumber(self, number: str, _whole: bool) -> dict[str, str] | None:  # noqa: N802
        row = self._headers.get(int(number, 16))
        if row is None:
            return None
        return {"number": hex(row.number), "hash": row.hash, "timestamp": hex(row.time_s)}

    def _eth_getLogs(self, query: Mapping[str, str]) -> list[dict[str, Any]]:  # noqa: N802
        return self.tell_logs(query)

    def tell_logs(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """As eth_getLogs answers such a query."""
        first = bisect_left(self._blocks, int(query["fromBlock"], 16))
        to = query["toBlock"]
        last = len(self._blocks) if to == "latest" else bisect_left(self._blocks, int(to, 16) + 1)
        return [self._tell_log(row) for row in self._events[first:last]]

    def _tell_log(self, row: EventRow) -> dict[str, Any]:
        return {
            "address": self._bundle.root.contract,
            "topics": row.topics,
            "data": row.data,
            "blockNumber": hex(row.block),
            "logIndex": hex(row.index),
            "blockHash": row.block_hash,
            "transactionHash": row.transaction,
        }

    def _eth_getCode(self, address: str, _block: str) -> str:  # noqa: N802
        code = self._bundle.root.code
        link = code.circle if address.lower() == self._bundle.root.contract else code.court
        return "0x" + self._bundle.read(link.name).hex()

    def _eth_call(self, call: Mapping[str, str], block: str) -> str:
        artifact, calls = load_circle_artifact(), self._bundle.root.calls
        if int(block, 16) != self._bundle.root.block.number:
            raise Nonsense(f"it knows what the contract said at block {self._bundle.root.block.number} alone")
        if call["data"] == "0x" + artifact.encode_call("history").hex():
            return calls.history.ljust(2 + _WORD, "0")
        if call["data"] == "0x" + artifact.encode_call("reputation_words").hex():
            return "0x" + "".join(word[2:] for word in calls.reputation_words)
        raise Nonsense("it knows two of the contract's views alone")

    def _eth_getTransactionByHash(self, transaction: str) -> dict[str, Any]:  # noqa: N802
        row = self._transactions.get(transaction)
        if row is None:
            raise answers.Nonsense(f"it lacks transaction {transaction}")
        return _tell_transaction(row)


def _tell_transaction(row: TransactionRow) -> dict[str, Any]:
    return {
        "hash": row.hash,
        "from": to_checksum_address(row.sender),
        "to": row.to,
        "nonce": hex(row.nonce),
        "input": row.input,
    }


class BundledBlobs:
    """In the place of a fetcher: a bundle's blobs, and its word for what is missing."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    async def fetch(
        self,
        digest: bytes,
        gateways: Sequence[str],  # noqa: ARG002  # nobody is asked
        *,
        max_bytes: int,
        timeout_s: float,  # noqa: ARG002
    ) -> bytes:
        """As `BlobFetcher.fetch`, without asking anybody. Raises Unavailable, PeerFault, BadBundle."""
        reasons = self._bundle.missing.get(digest)
        if reasons is None:
            return self._bundle.read_blob(digest, max_bytes)
        blob = self._bundle.find_blob(digest, max_bytes)
        if blob is None:
            raise Unavailable(digest, reasons)
        return blob


def read_code_task(bundle: Bundle) -> bytes:
    """The digest of the manifest that the circle's code pins, 32 bytes. Raises CodeMismatch for other code."""
    artifact = load_circle_artifact()
    code = bundle.read(bundle.root.code.circle.name)
    return artifact.read_immutables(code, to_checksum_address(to_bytes(bundle.root.contract)))["TASK"]
