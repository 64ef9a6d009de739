"""A history that can go back a little: copies of it as it was, and the events since the oldest of them."""

from dataclasses import dataclass, field
from typing import Final

from ledger.chain.placed_event import PlacedEvent
from ledger.circle.events import Drawn
from ledger.circle.history import CircleTerms, History
from ledger.circle.snapshot import copy_history

KEPT_BLOCKS: Final = 128
"""So deep a reorganisation is undone from memory; after a deeper one everything is read again."""
MARK_BLOCKS: Final = 32
"""Copies of the history are made so far apart, and so much longer than KEPT_BLOCKS are events kept at most."""


@dataclass(frozen=True)
class Folded:
    """Where the base ends: its newest event's place and block; an empty hash for a base without events."""

    position: tuple[int, int] = (-1, -1)
    block_hash: str = ""


@dataclass(frozen=True)
class Mark:
    """The history at the end of a block."""

    history: History
    """A copy, which nothing is folded into."""
    place: Folded
    """Its newest event's."""
    drawn_in: int
    """The block of the newest draw in it; the first block where there is none."""
    count: int
    """So many events are in it."""


@dataclass
class Kept:
    """A history, and what a rollback starts from: copies of it as it was, and the events since the oldest of them.

    Copies share what cannot change any more, so that they cost little whatever the history's length.
    """

    history: History
    """With all events folded in."""
    marks: list[Mark]
    """At least one, the oldest first."""
    recent: list[PlacedEvent] = field(default_factory=list)
    """The events behind the oldest mark, in order."""

    @classmethod
    def begin(cls, terms: CircleTerms, first_block: int) -> "Kept":
        """Before the first event."""
        return cls(History(terms), [Mark(History(terms), Folded(), first_block, 0)])

    @property
    def floor(self) -> Folded:
        """Where the oldest mark ends."""
        return self.marks[0].place

    def take(self, entry: PlacedEvent) -> None:
        """Fold one more event. Raises HistoryFault."""
        self._mark(entry.position[0])
        self.history.apply(entry.event)
        self.recent.append(entry)

    def _mark(self, block: int) -> None:
        """Before the first event of a block: copy what the blocks before it gave, if the last copy is old."""
        newest, last = (self.recent[-1] if self.recent else None), self.marks[-1]
        if newest is None or not last.place.position[0] + MARK_BLOCKS <= newest.position[0] < block:
            return
        since = self.recent[last.count - self.marks[0].count :]
        drawn_in = next((one.position[0] for one in reversed(since) if isinstance(one.event, Drawn)), last.drawn_in)
        place = Folded(newest.position, newest.block_hash)
        self.marks.append(Mark(copy_history(self.history), place, drawn_in, last.count + len(since)))

    def drop_old(self) -> None:
        """Forget what is not needed to take back KEPT_BLOCKS."""
        deep = self.recent[-1].position[0] - KEPT_BLOCKS if self.recent else 0
        old = sum(mark.place.position[0] <= deep for mark in self.marks[1:])
        del self.recent[: self.marks[old].count - self.marks[0].count]
        del self.marks[:old]

    def go_back(self, count: int) -> "Kept":
        """As it was with so many of the recent events."""
        marks = [mark for mark in self.marks if mark.count - self.marks[0].count <= count]
        kept = Kept(copy_history(marks[-1].history), marks, self.recent[:count])
        for entry in kept.recent[marks[-1].count - marks[0].count :]:
            kept.history.apply(entry.event)
        return kept


def is_log(entry: PlacedEvent | Folded, log: PlacedEvent) -> bool:
    """The log of an event is at its place still, in the same block."""
    return log.position == entry.position and log.block_hash == entry.block_hash
