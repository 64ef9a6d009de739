"""Reading a deployed circle: its code, its parameters, its state and its events."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from eth_utils.address import to_checksum_address

from ledger.chain.contract.artifact import Artifact, CodeMismatch, load_circle_artifact
from ledger.chain.contract.code import check_made, fetch_code, is_court, wait_for_block
from ledger.chain.log_ranges import LogReader
from ledger.chain.logs import LogDecoder
from ledger.chain.placed_event import PlacedEvent
from ledger.chain.rpc import answers
from ledger.chain.rpc.answers import Nonsense
from ledger.chain.rpc.client import Rpc
from ledger.chain.rpc.patience import insist
from ledger.circle.events import Opened
from ledger.circle.history import CircleTerms, Phase
from ledger.errors import SetupError
from ledger.identity.network import Network

_T = TypeVar("_T")
__all__ = ["BlockMark", "Circle", "ContractState", "NotThere", "fetch_code", "wait_for_block"]


class NotThere(CodeMismatch):
    """There is no code at an address, as far as the endpoint knows."""


@dataclass(frozen=True)
class BlockMark:
    """A block by number and hash: whether it is canonical still can be asked."""

    number: int
    """Its height."""
    hash: str
    """0x-prefixed hex, lower case."""


@dataclass(frozen=True)
class ContractState:
    """The contract's `state()` at one moment. Masks have bit s for seat s."""

    round: int
    """The one under way, 0 before the first."""
    phase: Phase
    """The phase it is in."""
    deadline_s: int
    """Until when the phase lasts, Unix seconds."""
    seats: int
    """How many were ever taken."""
    roster: int
    """Mask of the seats that are waited for."""
    committed: int
    """Mask of the seats with a commit."""
    attested: int
    """Mask of the seats that attested."""
    seed: bytes
    """The round's, 32 bytes; zeros before."""
    history: bytes
    """The running hash over all events, 24 bytes."""


class Circle:
    """One circle, read through one endpoint or several. Blocking."""

    def __init__(self, rpc: Rpc, address: str, chain_id: int | None = None, *, since: int = 0) -> None:
        """Check chain and code. since: a block in which the circle is there; an endpoint behind it is waited for.

        Raises ChainUnreachable, CodeMismatch or SetupError.
        """
        self.rpc = rpc
        self._artifact = load_circle_artifact()
        self._made_in = ""
        found = rpc.request("eth_chainId", [], answers.parse_chain_id)
        if chain_id is not None and found != chain_id:
            raise SetupError(
                f"the chain at {rpc.url} has id {found}, the circle lives on {chain_id}: "
                "correct --rpc or the circle file"
            )
        try:
            self.network = Network.of(found, address)
        except ValueError as error:
            raise SetupError(f"{address!r} is no contract address: give 0x and 40 hex digits") from error
        self._reader = LogReader(rpc, self.network.contract, LogDecoder(self._artifact))

        def read() -> tuple[bytes, Mapping[str, bytes]]:
            code = fetch_code(rpc, self.network.contract, since)
            held = _read_immutables(self._artifact, code, self.network.contract)
            _check_court(rpc, self.network.contract, held, since)
            return code, held

        self.code, held = insist(rpc, read, CodeMismatch, rpc.patience.catch_up_s)
        words = {name: int.from_bytes(word, "big") for name, word in held.items()}
        self.immutables: dict[str, int] = words
        self.task = words["TASK"].to_bytes(32, "big")
        self.court = _decode_address(held["COURT"])
        self.attest_window_s = words["ATTEST_WINDOW_S"]
        self.terms = CircleTerms(
            start_seats=words["START_SEATS"],
            quorum=words["QUORUM"],
            last_round=words["LAST_ROUND"],
            degree=words["DEGREE"],
            reputation_shift=words["REPUTATION_SHIFT"],
            reputation_floor=words["REPUTATION_FLOOR"],
            eject_after=words["EJECT_AFTER"],
            bond=words["BOND"],
            dispute_bond=words["DISPUTE_BOND"],
            dispute_window_s=words["DISPUTE_WINDOW_S"],
            jury_seats=words["JURY_SEATS"],
        )

    def fetch_head(self) -> int:
        """The newest block's number."""
        return self.rpc.fetch_head()

    def fetch_state(self, block: int) -> ContractState:
        """The contract's state at the end of a block."""
        return self._call("state", block, _decode_state)

    def fetch_reputation_words(self, block: int) -> tuple[int, ...]:
        """The sixteen packed words at the end of a block (needs an endpoint that still has that state)."""
        return self._call("reputation_words", block, lambda values: tuple(values[0]))

    def fetch_history_hash(self, block: int) -> bytes:
        """The contract's running hash at the end of a block."""
        return self._call("history", block, lambda values: bytes(values[0]))

    def fetch_mark(self, number: int) -> BlockMark | None:
        """The canonical block of this number, None where the endpoint has none."""
        found = self.rpc.request(
            "eth_getBlockByNumber", [hex(number), False], answers.or_null(answers.block_parser(number))
        )
        return None if found is None else BlockMark(number, found.hash)

    def fetch_events(self, first: int, last: int) -> list[PlacedEvent]:
        """The events of these blocks, both included, in order; asked for in pieces. Raises CodeMismatch."""
        return self._made_by_us(self._reader.read(first, last))

    def fetch_events_to_head(self, first: int) -> list[PlacedEvent]:
        """The events from a block to the newest one, in order, most often with a single request.

        Raises CodeMismatch where the circle's making was not this version's.
        """
        return self._made_by_us(self._reader.read_to_head(first))

    def _made_by_us(self, placed: list[PlacedEvent]) -> list[PlacedEvent]:
        if placed and isinstance(placed[0].event, Opened) and placed[0].transaction != self._made_in:
            check_made(self.rpc, self.network.contract, placed[0].transaction)
            self._made_in = placed[0].transaction
        return placed

    def _call(self, name: str, block: int, value: Callable[[tuple[Any, ...]], _T]) -> _T:
        call = {"to": self.network.contract, "data": "0x" + self._artifact.encode_call(name).hex()}
        types = self._artifact.find_types("function", name, "outputs")
        return self.rpc.request(
            "eth_call",
            [call, hex(block)],
            lambda raw: value(answers.decode_abi_values(types, answers.parse_data(raw))),
        )


def _read_immutables(artifact: Artifact, code: bytes, address: str) -> Mapping[str, bytes]:
    if not code:
        raise NotThere(f"there is no contract at {address}: check the address and the chain behind --rpc")
    return artifact.read_immutables(code, address)


def _check_court(rpc: Rpc, contract: str, held: Mapping[str, bytes], since: int) -> None:
    # [REJECT] R3: the circle runs the court's code as its own, so it is as good as that.
    if not is_court(rpc, _decode_address(held["COURT"]), since):
        raise CodeMismatch(
            f"the circle at {contract} runs other code than the court of this version: do not use it, or use the "
            "version of folkmoot that deployed it"
        )


def _decode_address(word: bytes) -> str:
    return str(to_checksum_address(word[-20:]))


def _decode_state(values: tuple[Any, ...]) -> ContractState:
    try:
        return ContractState(values[0], Phase(values[1]), *values[2:])
    except ValueError as error:
        raise Nonsense(f"a circle is in no phase {values[1]}") from error
