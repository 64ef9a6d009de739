"""Reading a deployed circle: its code, its parameters, its state and its events."""

from dataclasses import dataclass
from typing import Any, Final

from eth_abi.exceptions import DecodingError

from ledger.chain.artifact import circle_artifact
from ledger.chain.logs import LogDecoder, RawLog
from ledger.chain.ranges import LogReader
from ledger.chain.rpc import Rpc
from ledger.errors import PeerFault, SetupError
from ledger.events import Event
from ledger.history import CircleParameters, Phase
from ledger.network import Network

_HASH_CHARACTERS: Final = 66


@dataclass(frozen=True)
class Mark:
    """A block by number and hash: whether it is canonical still can be asked."""

    number: int
    hash: str


@dataclass(frozen=True)
class CircleState:
    """The contract's `state()` at one moment. deadline_s: Unix time; masks: bit s for seat s."""

    round: int
    phase: Phase
    deadline_s: int
    seats: int
    roster: int
    committed: int
    attested: int
    seed: bytes
    history: bytes


@dataclass(frozen=True)
class Placed:
    """An event and where it stands in the chain. position: block number and the log's index in the block."""

    position: tuple[int, int]
    block_hash: str
    transaction: str
    event: Event


class Circle:
    """One circle, read through one endpoint. Blocking."""

    def __init__(self, rpc: Rpc, address: str, chain_id: int | None = None) -> None:
        """Check chain and code. Raises ChainUnreachable, CodeMismatch or SetupError."""
        self.rpc = rpc
        self._artifact = circle_artifact()
        self._decoder = LogDecoder(self._artifact)
        found = rpc.number("eth_chainId")
        if chain_id is not None and found != chain_id:
            raise SetupError(
                f"the chain at {rpc.url} has id {found}, the circle lives on {chain_id}: "
                "correct --rpc or the circle file"
            )
        try:
            self.network = Network.of(found, address)
        except ValueError as error:
            raise SetupError(f"{address!r} is no contract address: give 0x and 40 hex digits") from error
        self._reader = LogReader(rpc, self.network.contract)
        code = rpc.data("eth_getCode", self.network.contract, "latest")
        words = {
            name: int.from_bytes(word, "big")
            for name, word in self._artifact.read_immutables(code, self.network.contract).items()
        }
        self.immutables: dict[str, int] = words
        self.task = words["TASK"].to_bytes(32, "big")
        self.attest_window_s = words["ATTEST_WINDOW_S"]
        self.parameters = CircleParameters(
            start_seats=words["START_SEATS"],
            quorum=words["QUORUM"],
            last_round=words["LAST_ROUND"],
            degree=words["DEGREE"],
            reputation_shift=words["REPUTATION_SHIFT"],
            reputation_floor=words["REPUTATION_FLOOR"],
            eject_after=words["EJECT_AFTER"],
            bond=words["BOND"],
            dispute_bond=words["DISPUTE_BOND"],
            jury_seats=words["JURY_SEATS"],
        )

    def head(self) -> int:
        """The newest block's number."""
        return self.rpc.number("eth_blockNumber")

    def state(self) -> CircleState:
        """The contract's state at the newest block."""
        values = self._call("state")
        return CircleState(values[0], Phase(values[1]), *values[2:])

    def reputation_words(self, block: int) -> tuple[int, ...]:
        """The sixteen packed words at the end of a block (needs an endpoint that still has that state)."""
        return tuple(self._call("reputation_words", block=hex(block))[0])

    def history_hash(self, block: int) -> bytes:
        """The contract's running hash at the end of a block."""
        return bytes(self._call("history", block=hex(block))[0])

    def mark(self, number: int) -> Mark | None:
        """The canonical block of this number, None where the endpoint has none."""
        found = self.rpc.request("eth_getBlockByNumber", [hex(number), False], dict[str, Any] | None)
        if found is None:
            return None
        block_hash = found.get("hash")
        if not isinstance(block_hash, str) or len(block_hash) != _HASH_CHARACTERS:
            raise PeerFault(f"the endpoint's block {number} has no hash")
        return Mark(number, block_hash)

    def events(self, first: int, last: int) -> list[Placed]:
        """The events of these blocks, both included, in order; asked for in pieces. Raises MalformedLog."""
        return [self.placed(log) for log in self.logs(first, last)]

    def logs(self, first: int, last: int) -> list[RawLog]:
        """The same, not decoded yet."""
        return self._reader.read(first, last)

    def logs_to_head(self, first: int) -> list[RawLog]:
        """The circle's logs from a block to the newest one, in order, most often with a single request."""
        return self._reader.read_to_head(first)

    def placed(self, log: RawLog) -> Placed:
        """The event in a log. Raises MalformedLog."""
        return Placed(log.position, log.blockHash, log.transactionHash, self._decoder.decode(log))

    def _call(self, name: str, *arguments: object, block: str = "latest") -> tuple[Any, ...]:
        call = {"to": self.network.contract, "data": "0x" + self._artifact.call_data(name, *arguments).hex()}
        data = self.rpc.data("eth_call", call, block)
        try:
            return self._artifact.result(name, data)
        except DecodingError as error:
            raise PeerFault(f"the endpoint's answer to {name}() does not decode: {error}") from error
