"""What the parts of the twin share: what a call does, and what a circle is beside its history."""

from dataclasses import dataclass, field

from circle_terms import CircleTerms
from eth_abi.abi import encode as abi_encode
from eth_hash.auto import keccak
from eth_utils.address import to_canonical_address

from ledger.events import Event
from ledger.history import History
from ledger.network import Network


@dataclass(frozen=True)
class Foretold:
    """What a call does. reason: why it reverts, else None. uses: what it spends for good."""

    reason: str | None = None
    events: tuple[Event, ...] = ()
    uses: frozenset[object] = field(default_factory=frozenset)


class TwinState:
    """What the contract knows and the fold does not: the clock, what was spent, the blocks disputes were raised in.

    used: hashes of invitations, and (author, round) of convictions. burned: wei.
    """

    def __init__(self, history: History, terms: CircleTerms, network: Network) -> None:
        self.history, self.terms, self.network = history, terms, network
        self.deadline_s = 0
        self.burned = 0
        self.used: frozenset[object] = frozenset()
        self.raised_in: dict[int, int] = {}

    @property
    def seed(self) -> bytes:
        """Of the last exchange."""
        drawn = [current.seed for current in self.history.rounds[-2:] if current.seed is not None]
        return drawn[-1] if drawn else bytes(32)

    @property
    def contract(self) -> bytes:
        """20 bytes."""
        return to_canonical_address(self.network.contract)

    def free_at(self, now_s: int) -> int:
        """When a seat given up now may be released."""
        return now_s + self.terms.unbonding_s


def first(refusals: dict[str, bool]) -> Foretold | None:
    """The first reason that holds, in the contract's order."""
    return next((Foretold(reason) for reason, holds in refusals.items() if holds), None)


def hashed(types: list[str], *values: object) -> bytes:
    """keccak(abi_encode(…))."""
    return keccak(abi_encode(types, values))
