"""A circle's placed events by the round that they came in, and its settled rounds as columns."""

import contextlib
from dataclasses import dataclass
from typing import Final

from ledger.audit.findings import MembershipChange
from ledger.chain.placed_event import PlacedEvent
from ledger.circle.events import Attested, Committed, Drawn, Settled
from ledger.circle.history import History
from node.watch.kept_events import KeptEvents
from node.watch.life_log import LifeLog
from node.watch.round_table import ABSENT, RoundTable, TableSlice
from node.watch.spool import Spool, Spooled

# What every round is full of; all else is rare, and about seats and disputes.
_USUAL: Final = (Committed, Drawn, Attested, Settled)
KEPT_ROUNDS: Final = 128
"""The events of so many rounds stay in memory: more than a reorganisation within the tracker's depth takes back."""


@dataclass(frozen=True)
class LogSlice:
    """The events up to one moment. What comes later, or is taken back, does not change it."""

    by_round: list[list[PlacedEvent] | Spooled]
    """Place n: the events of round n, in order, round 0 being all that came before the first."""
    open_count: int
    """So many events of the newest round belong to it."""
    rare: list[PlacedEvent]
    """Those that are no round's usual ones, at least `rare_count`."""
    rare_count: int
    """So many of the rare ones belong to it."""
    rounds: int
    """Round 0 to this one have begun."""
    table: TableSlice
    """The settled rounds as columns."""
    changes: tuple[MembershipChange, ...]
    """Who came, went and fell below the floor, in order."""

    def list_round(self, number: int) -> list[PlacedEvent]:
        """The events while a round was under way, its settlement included; 0 for those before the first."""
        if not 0 <= number <= self.rounds:
            return []
        kept = self.by_round[number]
        entries = kept.read() if isinstance(kept, Spooled) else kept
        return entries[: self.open_count] if number == self.rounds else entries

    def list_rare(self) -> list[PlacedEvent]:
        """All events but commits, draws, attestations and settlements."""
        return self.rare[: self.rare_count]

    def find_opening(self, number: int) -> PlacedEvent | None:
        """The event with which a round opened; None for what is no round."""
        if not 1 <= number <= self.rounds:
            return None
        return self.list_round(number - 1)[-1]


class EventLog:
    """All events as the tracker folds them: its `Recorder`.

    kept: where the events of old rounds go; a file of its own, gone with it, where none is given.
    """

    def __init__(self, kept: KeptEvents | None = None) -> None:
        self._kept = kept
        self.begin()

    @property
    def rounds(self) -> int:
        """So many have begun."""
        return len(self._by_round) - 1

    @property
    def spooled_bytes(self) -> int:
        """What lies on disk."""
        return self._spool.size

    def begin(self) -> None:
        """See `Recorder`."""
        self._open: list[PlacedEvent] = []
        self._by_round: list[list[PlacedEvent] | Spooled] = [self._open]
        self._spool: Spool | KeptEvents = Spool() if self._kept is None else self._kept
        self._rare: list[PlacedEvent] = []
        self._opened_in = self._drawn_in = ABSENT
        self._table = RoundTable()
        self._lives = LifeLog()

    def record(self, entry: PlacedEvent, history: History) -> None:
        """See `Recorder`."""
        block = entry.position[0]
        self._open.append(entry)
        self._lives.record(entry, history)
        if not isinstance(entry.event, _USUAL):
            self._rare.append(entry)
        if isinstance(entry.event, Drawn):
            self._drawn_in = block
        if isinstance(entry.event, Settled):
            settled = history.rounds[entry.event.round - 1]
            self._table.add(settled, history.terms.degree, (self._opened_in, self._drawn_in, block))
        while len(self._by_round) <= history.number:
            self._open = []
            self._by_round.append(self._open)
            self._opened_in, self._drawn_in = block, ABSENT
            self._spool_old()

    def take_back(self, count: int) -> None:
        """See `Recorder`. Lists and arrays that a slice holds stay as they are."""
        gone = self._pop(count)
        self._lives.take_back(count)
        self._rare = self._rare[: len(self._rare) - sum(not isinstance(one.event, _USUAL) for one in gone)]
        settled = sum(isinstance(one.event, Settled) for one in gone)
        if settled:
            self._table.take_back(self._table.count - settled)
        before = self._list(len(self._by_round) - 2) if len(self._by_round) > 1 else []
        self._opened_in = before[-1].position[0] if before else ABSENT
        drawn = [one.position[0] for one in self._open if isinstance(one.event, Drawn)]
        self._drawn_in = drawn[-1] if drawn else ABSENT

    def _pop(self, count: int) -> list[PlacedEvent]:
        """Take the newest events off; a round whose opening event goes has not begun."""
        gone: list[PlacedEvent] = []
        self._by_round = self._by_round[:]
        while len(gone) < count:
            entries = self._list(len(self._by_round) - 1)
            taken = min(count - len(gone), len(entries))
            gone = entries[len(entries) - taken :] + gone
            self._by_round[-1] = entries[: len(entries) - taken]
            if len(gone) < count:
                self._by_round.pop()
        last = self._list(len(self._by_round) - 1)
        self._open = last
        self._by_round[-1] = last
        return gone

    def _list(self, number: int) -> list[PlacedEvent]:
        kept = self._by_round[number]
        return kept.read() if isinstance(kept, Spooled) else kept

    def _spool_old(self) -> None:
        old = len(self._by_round) - KEPT_ROUNDS - 1
        entries = self._by_round[old] if old >= 0 else None
        if isinstance(entries, list):
            # On a full disk they stay in memory.
            with contextlib.suppress(OSError):
                self._by_round[old] = self._spool.put(old, entries)

    def cut(self) -> LogSlice:
        """As it is now."""
        return LogSlice(
            self._by_round,
            len(self._open),
            self._rare,
            len(self._rare),
            len(self._by_round) - 1,
            self._table.cut(),
            self._lives.cut(),
        )
