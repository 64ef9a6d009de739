"""A circle's placed events, by the round that they came in."""

from dataclasses import dataclass

from ledger.chain.placed_event import PlacedEvent
from ledger.circle.history import History


@dataclass(frozen=True)
class LogSlice:
    """The events up to one moment. What comes later, or is taken back, does not change it."""

    entries: list[PlacedEvent]
    """At least `count` of them, in order."""
    starts: list[int]
    """Place n: where the events of round n begin, round 0 being all that came before the first."""
    count: int
    """So many of the entries belong to it."""
    rounds: int
    """Round 0 to this one have begun."""

    def list_round(self, number: int) -> list[PlacedEvent]:
        """The events while a round was under way, its settlement included; 0 for those before the first."""
        if not 0 <= number <= self.rounds:
            return []
        end = self.starts[number + 1] if number < self.rounds else self.count
        return self.entries[self.starts[number] : end]

    def find_opening(self, number: int) -> PlacedEvent | None:
        """The event with which a round opened; None for what is no round."""
        if not 1 <= number <= self.rounds:
            return None
        return self.entries[self.starts[number] - 1]


class EventLog:
    """All events as the tracker folds them: its `Recorder`."""

    def __init__(self) -> None:
        self._entries: list[PlacedEvent] = []
        self._starts = [0]

    def begin(self) -> None:
        """See `Recorder`."""
        self._entries, self._starts = [], [0]

    def record(self, entry: PlacedEvent, history: History) -> None:
        """See `Recorder`."""
        self._entries.append(entry)
        while len(self._starts) <= history.number:
            self._starts.append(len(self._entries))

    def take_back(self, count: int) -> None:
        """See `Recorder`. Lists that a slice holds stay as they are."""
        self._entries = self._entries[: len(self._entries) - count]
        self._starts = [0, *(start for start in self._starts[1:] if start <= len(self._entries))]

    def cut(self) -> LogSlice:
        """As it is now."""
        return LogSlice(self._entries, self._starts, len(self._entries), len(self._starts) - 1)
