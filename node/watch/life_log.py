"""Who came, went and fell below the floor, as the audit tells of it, written along with the tracker's fold."""

from dataclasses import dataclass

from ledger.audit.findings import MembershipChange
from ledger.audit.membership import MembershipLog
from ledger.chain.placed_event import PlacedEvent
from ledger.circle.history import History


@dataclass(frozen=True)
class _Mark:
    """How things stood after an event that changed them."""

    entries: int
    """So many events had been recorded."""
    changes: int
    """So many changes there were."""
    below: int
    """Mask of the seats below the floor."""


class LifeLog:
    """A `Recorder` of the tracker's."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """See `Recorder`."""
        self._entries = 0
        self._changes: list[MembershipChange] = []
        self._marks = [_Mark(0, 0, 0)]
        self._log: MembershipLog | None = None

    def record(self, entry: PlacedEvent, history: History) -> None:
        """See `Recorder`."""
        if self._log is None or self._log.history is not history:
            self._log = MembershipLog(history, below=self._marks[-1].below)
        self._log.note(entry)
        self._entries += 1
        self._changes += self._log.changes
        self._log.changes.clear()
        mark = _Mark(self._entries, len(self._changes), self._log.below)
        if (mark.changes, mark.below) != (self._marks[-1].changes, self._marks[-1].below):
            self._marks.append(mark)

    def take_back(self, count: int) -> None:
        """See `Recorder`."""
        self._entries -= count
        while self._marks[-1].entries > self._entries:
            self._marks.pop()
        self._changes = self._changes[: self._marks[-1].changes]
        self._log = None

    def cut(self) -> tuple[MembershipChange, ...]:
        """As it is now, in order."""
        return tuple(self._changes)
