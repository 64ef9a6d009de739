"""A10: who was there when, from the chain alone (R22.4). It lists and judges nobody: absence proves no fault."""

from dataclasses import dataclass, fields
from typing import Final

from ledger.circle.draw import seats_of
from ledger.circle.history import History, Round

SPANS: Final = 10
"""Into so many spans, as equal as can be, a circle's life is cut; into its rounds where these are fewer."""


@dataclass(frozen=True)
class Attendance:
    """How one holder of a seat took part in some rounds whose commit phase is over."""

    held: int = 0
    """Rounds in which it had the seat when they opened, or committed."""
    waited_for: int = 0
    """Of these, in which it was on the roster when commits closed: waited for, or come by itself."""
    committed: int = 0
    """Of these, in which it committed."""
    attested: int = 0
    """Of these, in which it committed and attested."""
    dozed: int = 0
    """Of those held, that opened while it dozed: nobody waited for it (R3.5a)."""
    judges: int = 0
    """So often one who attested was to judge it."""
    unavailable: int = 0
    """Of these, so often its judge had no verdict about it: its update was not to be had, the judge says."""
    unreached: int = 0
    """Rounds in which more than half of the judges who attested had no verdict about it."""
    neighbours: int = 0
    """So many it was to judge itself, in the rounds in which it attested."""
    left_out: int = 0
    """Of these, about so many it had no verdict."""

    def __add__(self, other: "Attendance") -> "Attendance":
        """Of both together."""
        return Attendance(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Attendance)))


@dataclass(frozen=True)
class HolderAvailability:
    """How one holder of a seat took part, over time."""

    seat: int
    """Its seat."""
    tenure: int
    """From 1: so many sat there before it, plus 1."""
    peer: str
    """The key it committed with last, or else joined with."""
    spans: tuple[Attendance, ...]
    """Span by span of `find_spans`."""

    @property
    def total(self) -> Attendance:
        """Of all spans."""
        return sum(self.spans, Attendance())


def find_spans(history: History) -> list[tuple[int, int]]:
    """(first, last round) of each span; none before the first draw. The round under way counts once it is drawn."""
    drawn = sum(round_.seed is not None for round_ in history.rounds)
    count = min(SPANS, drawn)
    ends = [drawn * place // count for place in range(1, count + 1)]
    return [(start + 1, end) for start, end in zip([0, *ends], ends, strict=False)]


def list_availability(history: History) -> list[HolderAvailability]:
    """Each holder of a seat who was there when a round opened, or committed, by seat."""
    spans = find_spans(history)
    holders = _Holders(history, len(spans))
    for place, (first, last) in enumerate(spans):
        for round_ in history.rounds[first - 1 : last]:
            _count_round(round_, history.terms.degree, holders, place)
    return [
        HolderAvailability(seat, tenure, holders.peers[seat, tenure], tuple(Attendance(*counts) for counts in rows))
        for (seat, tenure), rows in sorted(holders.counts.items())
    ]


_FIGURES: Final = len(fields(Attendance))
_HELD, _WAITED, _COMMITTED, _ATTESTED, _DOZED, _JUDGES, _UNAVAILABLE, _UNREACHED, _NEIGHBOURS, _LEFT_OUT = range(
    _FIGURES
)


class _Holders:
    """The figures of each holder, span by span, in the order of `Attendance`."""

    def __init__(self, history: History, spans: int) -> None:
        self._spans = spans
        self._arrivals: dict[int, list[tuple[int, int]]] = {}
        """Seat → (round under way when it joined, tenure) of each holder, in order."""
        self.peers: dict[tuple[int, int], str] = {}
        for (seat, tenure), (number, peer) in sorted(history.arrivals.items()):
            self._arrivals.setdefault(seat, []).append((number, tenure))
            self.peers[seat, tenure] = peer
        self.counts: dict[tuple[int, int], list[list[int]]] = {}

    def find_row(self, round_: Round, seat: int, place: int) -> list[int]:
        """Of whoever committed or, where nobody did, had the seat when the round opened."""
        tenure = round_.tenures.get(seat)
        if tenure is None:
            arrivals = self._arrivals[seat]
            tenure = next(one for number, one in reversed(arrivals) if number < round_.number)
        else:
            self.peers[seat, tenure] = round_.peers[seat]
        rows = self.counts.get((seat, tenure))
        if rows is None:
            rows = self.counts[seat, tenure] = [[0] * _FIGURES for _ in range(self._spans)]
        return rows[place]

    def is_newcomer(self, round_: Round, seat: int) -> bool:
        """Whether its author joined after the round opened."""
        tenure = round_.tenures.get(seat)
        return tenure is not None and (round_.number, tenure) in self._arrivals[seat]


def _count_round(round_: Round, degree: int, holders: _Holders, place: int) -> None:
    committed, attestations = round_.committed, round_.attestations
    on_roster = round_.missed | committed
    rows = {seat: holders.find_row(round_, seat, place) for seat in seats_of(round_.members | committed)}
    for seat, row in rows.items():
        row[_HELD] += 1
        row[_WAITED] += on_roster >> seat & 1
        row[_COMMITTED] += committed >> seat & 1
        row[_ATTESTED] += seat in attestations
        if round_.dozing >> seat & 1 and not holders.is_newcomer(round_, seat):
            row[_DOZED] += 1
    judges, without = dict.fromkeys(rows, 0), dict.fromkeys(rows, 0)
    neighbours = round_.find_neighbours(degree)
    for judge, attested in attestations.items():
        row, judged = rows[judge], attested.judged
        for seat in neighbours[judge]:
            judges[seat] += 1
            if not judged >> seat & 1:
                without[seat] += 1
                row[_LEFT_OUT] += 1
        row[_NEIGHBOURS] += len(neighbours[judge])
    for seat, row in rows.items():
        row[_JUDGES] += judges[seat]
        row[_UNAVAILABLE] += without[seat]
        row[_UNREACHED] += 2 * without[seat] > judges[seat]
