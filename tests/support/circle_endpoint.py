"""A JSON-RPC endpoint in memory that tells of a circle in memory, and lies where it is told to."""

from collections.abc import Callable, Mapping
from typing import Any

from eth_abi import encode as abi_encode
from eth_hash.auto import keccak

from ledger.chain.contract.artifact import load_circle_artifact
from ledger.chain.rpc.client import Rpc
from ledger.circle.draw import derive_draw_seed as seed_of_block
from ledger.circle.events import Opened
from ledger.circle.history import History
from ledger.circle.reputation import pack
from ledger.errors import PeerFault
from ledger.fetch.fetcher import Unavailable
from tests.support.histories.circles import NETWORK, Circle
from tests.support.histories.parts import digest
from tests.support.stand_ins import as_any

URL = "http://endpoint.example"
FIRST_BLOCK = 7
COURT = 0xC0
DEADLINE_S = 1_800_000_000
# Whose first transaction makes a contract at the circle's address.
FOUNDER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
# What the endpoint was asked with, and its honest answer → what it answers instead.
Lie = Callable[[list[Any], Any], Any]


def drawn_seed(number: int) -> bytes:
    """The seed of a round whose commit phase closes in the block of `closing_hash(number)`."""
    return seed_of_block(closing_hash(number), number, bytes.fromhex(NETWORK.contract[2:]))


def closing_hash(number: int) -> bytes:
    return digest("closing block", number)


class Endpoint:
    """Every event has a block of its own. lies: method, or the contract's view, → what is done to its answers.

    A lie may return an Exception: it is told as a JSON-RPC error.
    """

    def __init__(self, circle: Circle, lies: dict[str, Lie] | None = None) -> None:
        self._artifact, self._circle, self.lies = load_circle_artifact(), circle, lies or {}
        self._events = list(circle.events)
        self._told: list[tuple[bytes, tuple[int, ...]]] = []
        self._states: list[tuple[Any, ...]] = []
        history = History(circle.terms)
        for event in self._events:
            history.apply(event)
            self._told.append((history.hash, pack(history.reputations)))
            self._states.append(_state_of(history))

    @property
    def head(self) -> int:
        return FIRST_BLOCK + len(self._events) - 1

    def rpc(self) -> Rpc:
        return Rpc(URL, provider=as_any(self))

    def make_request(self, method: str, parameters: list[Any]) -> dict[str, Any]:
        """As web3's providers answer."""
        asked = getattr(self, f"_{method}", None)
        if asked is None:
            return {"error": {"code": -32601, "message": f"the method {method} does not exist"}}
        answer, name = asked(*parameters), method
        if method == "eth_call":
            answer, name = answer
        if name in self.lies:
            answer = self.lies[name](parameters, answer)
        if isinstance(answer, Exception):
            return {"error": {"code": -32000, "message": str(answer)}}
        if method == "eth_call" and not isinstance(answer, str):
            types = self._artifact.find_types("function", name, "outputs")
            answer = "0x" + abi_encode(types, [answer]).hex()
        return {"result": answer}

    # ---- what the chain says

    def _eth_chainId(self) -> str:  # noqa: N802
        return hex(NETWORK.chain_id)

    def _eth_blockNumber(self) -> str:  # noqa: N802
        return hex(self.head)

    def _eth_getCode(self, address: str, _block: str) -> str:  # noqa: N802
        if int(address, 16) == COURT:
            return self._artifact.court_runtime
        words = dict.fromkeys(self._artifact.immutables, 0)
        of, opened = self._circle.terms, self._events[0]
        assert isinstance(opened, Opened)
        words |= {
            "START_SEATS": of.start_seats,
            "QUORUM": of.quorum,
            "LAST_ROUND": of.last_round,
            "DEGREE": of.degree,
            "REPUTATION_SHIFT": of.reputation_shift,
            "REPUTATION_FLOOR": of.reputation_floor,
            "EJECT_AFTER": of.eject_after,
            "BOND": of.bond,
            "DISPUTE_BOND": of.dispute_bond,
            "DISPUTE_WINDOW_S": of.dispute_window_s,
            "COURT": COURT,
            "JURY_SEATS": of.jury_seats,
            "TASK": int.from_bytes(opened.task, "big"),
        }
        behind = bytearray(32 * len(words))
        for name, at in self._artifact.immutables.items():
            behind[at : at + 32] = words[name].to_bytes(32, "big")
        return self._artifact.runtime + bytes(behind).hex()

    def _eth_getBlockByNumber(self, number: str, _whole: bool) -> dict[str, str] | None:  # noqa: N802
        at = int(number, 16)
        if at > self.head:
            return None
        event = self._events[at - FIRST_BLOCK] if at >= FIRST_BLOCK else None
        return {"number": number, "hash": block_hash(at, event), "timestamp": hex(1_700_000_000 + at)}

    def _eth_getLogs(self, query: dict[str, str]) -> list[dict[str, Any]]:  # noqa: N802
        first, last = (
            int(query[name], 16) if query[name] != "latest" else self.head for name in ("fromBlock", "toBlock")
        )
        blocks = range(max(first, FIRST_BLOCK), min(last, self.head) + 1)
        return [log_of(self._events[number - FIRST_BLOCK], number) for number in blocks]

    def _eth_getTransactionByHash(self, transaction: str) -> dict[str, Any] | None:  # noqa: N802
        """The one that made the circle alone: it is the founder's first."""
        if transaction != transaction_hash(FIRST_BLOCK):
            return None
        return {
            **{"hash": transaction, "from": FOUNDER, "nonce": "0x0", "to": None, "input": self._artifact.bytecode},
            **{"blockNumber": hex(FIRST_BLOCK), "transactionIndex": "0x0"},
        }

    def _eth_call(self, call: dict[str, str], block: str) -> tuple[Any, str]:
        at = (self.head if block == "latest" else int(block, 16)) - FIRST_BLOCK
        if bytes.fromhex(call["data"][2:]) == self._artifact.encode_call("state"):
            types = self._artifact.find_types("function", "state", "outputs")
            return "0x" + abi_encode(types, self._states[at]).hex(), "state"
        views = dict(zip(("history", "reputation_words"), self._told[at], strict=True))
        for name, answer in views.items():
            if bytes.fromhex(call["data"][2:]) == self._artifact.encode_call(name):
                return answer, name
        raise AssertionError(call)


def _state_of(history: History) -> tuple[Any, ...]:
    """As the contract's `state()` tells it; every deadline is DEADLINE_S."""
    round_ = history.round
    committed, seed = (0, None) if round_ is None else (round_.committed, round_.seed)
    heard = 0 if round_ is None else sum(1 << seat for seat in round_.heard)
    masks = (history.roster, committed, heard)
    return (
        *(history.number, int(history.phase), DEADLINE_S, len(history.seats)),
        *(*masks, seed or bytes(32), history.hash),
    )


def block_hash(number: int, event: Any = None) -> str:
    """The hash of a block with this event in it."""
    is_closing = type(event).__name__ == "Drawn"
    return "0x" + (closing_hash(event.round) if is_closing else digest("block", number)).hex()


def transaction_hash(number: int) -> str:
    """Of the only transaction of a block."""
    return "0x" + digest("transaction", number).hex()


def log_of(event: Any, number: int) -> dict[str, Any]:
    """An event as the only log of a block, as eth_getLogs tells it."""
    name = type(event).__name__
    inputs = load_circle_artifact().find_entry("event", name)["inputs"]
    topics = [keccak(f"{name}({','.join(one['type'] for one in inputs)})".encode())]
    topics += [abi_encode([one["type"]], [getattr(event, one["name"])]) for one in inputs if one["indexed"]]
    plain = [one for one in inputs if not one["indexed"]]
    data = abi_encode([one["type"] for one in plain], [getattr(event, one["name"]) for one in plain])
    return {
        "address": NETWORK.contract,
        "topics": ["0x" + topic.hex() for topic in topics],
        "data": "0x" + data.hex(),
        "blockNumber": hex(number),
        "logIndex": "0x0",
        "blockHash": block_hash(number, event),
        "transactionHash": transaction_hash(number),
        "removed": False,
    }


class Blobs:
    """In the place of a fetcher: hands out what it has. A value of None is what makes no blob."""

    def __init__(self, blobs: Mapping[bytes, bytes | None]) -> None:
        self.blobs, self.asked = blobs, list[bytes]()

    async def __aenter__(self) -> "Blobs":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def fetch(self, digest: bytes, gateways: Any, **_: Any) -> bytes:
        self.asked.append(digest)
        if digest not in self.blobs:
            raise Unavailable(digest, {"http://gateway.example": "status 404"})
        blob = self.blobs[digest]
        if blob is None:
            raise PeerFault("no blob")
        return blob
