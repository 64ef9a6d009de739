"""What all worlds of a search share: accounts, where the circle lies, and a twin quick enough to search with."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Final

from ledger.circle.draw import draw_neighbours
from ledger.circle.events import Event
from ledger.identity.network import Network
from ledger.identity.signing import announcement_hash, encode_compact, sign
from tests.support.contract.harness import CircleUnderTest
from tests.support.contract.machines import BareMachine
from tests.support.contract.terms import ContractTerms
from tests.support.contract.twin.circle import Twin

ACCOUNTS: Final = 32
# The first half of the accounts are honest people's, the other the coalition's.
COALITION_FROM: Final = 16
ENDPOINT: Final = "wss://peer.example.org:4001 https://peer.example.org:4002"
UNSIGNED: Final = (0, 0, 0, 0)
DIGEST, RECORD = b"\xd1" * 32, b"\xec" * 32


@cache
def machine() -> BareMachine:
    """One whose accounts and keys all worlds share."""
    return BareMachine(ACCOUNTS)


@cache
def network() -> Network:
    """Where a circle lies that the harness deploys."""
    return CircleUnderTest(BareMachine(1), ContractTerms()).network


@cache
def announcements(author: str, number: int) -> tuple[object, ...]:
    """The arguments of `report_equivocation` for two updates that a key announced in one round."""
    found: list[object] = [author, number]
    for digest in (b"\x01" * 32, b"\x02" * 32):
        signed = announcement_hash(network(), number, author, digest)
        found += [digest, *encode_compact(sign(machine().keys[author], signed))]
    return tuple(found)


@cache
def _neighbours(seed: bytes, committed: int, degree: int) -> Mapping[int, tuple[int, ...]]:
    return draw_neighbours(seed, committed, degree)


class SearchTwin(Twin):
    """The twin without its running hash, which decides nothing and takes most of the time.

    max_seats: after so many, seats are taken again; the contract's 256 take long to use up.
    """

    max_seats = 256

    def emit(self, event: Event) -> None:
        """Note an event."""
        self._emitted.append(event)

    def neighbours(self, seat: int) -> tuple[int, ...]:
        """As the twin, computed once a draw."""
        return _neighbours(self.draw, self.committed, self.terms.degree)[seat]

    def next_seat(self) -> int | None:
        """As the twin, with another number of seats in all."""
        if len(self.seats) < self.max_seats:
            return len(self.seats)
        return min((seat for seat, held in self.seats.items() if held.is_released), default=None)

    def copy(self) -> "SearchTwin":
        """Another one that may be led elsewhere."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.seats = {
            seat: replace(held, keys=list(held.keys), endpoints=held.endpoints) for seat, held in self.seats.items()
        }
        other.reputations, other.said = dict(self.reputations), dict(self.said)
        other.disputes = [
            replace(case, votes={stage: list(votes) for stage, votes in case.votes.items()})
            for case in self.disputes
        ]
        other.owed, other.used = dict(self.owed), set(self.used)
        return other
