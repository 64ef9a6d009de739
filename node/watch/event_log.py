"""A circle's placed events by the round that they came in, and its settled rounds as columns."""

from dataclasses import dataclass
from typing import Final

from ledger.audit.findings import MembershipChange
from ledger.chain.placed_event import PlacedEvent
from ledger.circle.events import Attested, Committed, Drawn, Settled
from ledger.circle.history import History
from node.watch.life_log import LifeLog
from node.watch.round_table import ABSENT, RoundTable, TableSlice

# What every round is full of; all else is rare, and about seats and disputes.
_USUAL: Final = (Committed, Drawn, Attested, Settled)


@dataclass(frozen=True)
class LogSlice:
    """The events up to one moment. What comes later, or is taken back, does not change it."""

    entries: list[PlacedEvent]
    """At least `count` of them, in order."""
    starts: list[int]
    """Place n: where the events of round n begin, round 0 being all that came before the first."""
    rare: list[PlacedEvent]
    """Those that are no round's usual ones, at least `rare_count`."""
    count: int
    """So many of the entries belong to it."""
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
        end = self.starts[number + 1] if number < self.rounds else self.count
        return self.entries[self.starts[number] : end]

    def list_rare(self) -> list[PlacedEvent]:
        """All events but commits, draws, attestations and settlements."""
        return self.rare[: self.rare_count]

    def find_opening(self, number: int) -> PlacedEvent | None:
        """The event with which a round opened; None for what is no round."""
        if not 1 <= number <= self.rounds:
            return None
        return self.entries[self.starts[number] - 1]


class EventLog:
    """All events as the tracker folds them: its `Recorder`."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """See `Recorder`."""
        self._entries: list[PlacedEvent] = []
        self._starts = [0]
        self._rare: list[PlacedEvent] = []
        self._opened_in = self._drawn_in = ABSENT
        self._table = RoundTable()
        self._lives = LifeLog()

    def record(self, entry: PlacedEvent, history: History) -> None:
        """See `Recorder`."""
        block = entry.position[0]
        self._entries.append(entry)
        self._lives.record(entry, history)
        if not isinstance(entry.event, _USUAL):
            self._rare.append(entry)
        if isinstance(entry.event, Drawn):
            self._drawn_in = block
        if isinstance(entry.event, Settled):
            settled = history.rounds[entry.event.round - 1]
            self._table.add(settled, history.terms.degree, (self._opened_in, self._drawn_in, block))
        while len(self._starts) <= history.number:
            self._starts.append(len(self._entries))
            self._opened_in, self._drawn_in = block, ABSENT

    def take_back(self, count: int) -> None:
        """See `Recorder`. Lists and arrays that a slice holds stay as they are."""
        kept, gone = self._entries[: len(self._entries) - count], self._entries[len(self._entries) - count :]
        self._entries = kept
        self._lives.take_back(count)
        self._rare = self._rare[: len(self._rare) - sum(not isinstance(one.event, _USUAL) for one in gone)]
        self._starts = [0, *(start for start in self._starts[1:] if start <= len(kept))]
        settled = sum(isinstance(one.event, Settled) for one in gone)
        if settled:
            self._table.take_back(self._table.count - settled)
        begun = self._starts[-1]
        self._opened_in = kept[begun - 1].position[0] if len(self._starts) > 1 else ABSENT
        drawn = [one.position[0] for one in kept[begun:] if isinstance(one.event, Drawn)]
        self._drawn_in = drawn[-1] if drawn else ABSENT

    def cut(self) -> LogSlice:
        """As it is now."""
        return LogSlice(
            self._entries,
            self._starts,
            self._rare,
            len(self._entries),
            len(self._rare),
            len(self._starts) - 1,
            self._table.cut(),
            self._lives.cut(),
        )
