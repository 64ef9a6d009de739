"""Settled rounds as columns: what is asked of all rounds at once comes from here, whatever their number.

A row takes some 1.8 KiB at 256 seats; a round as the history has it takes a hundred times that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.circle.history import MAX_SEATS, Round

_FIRST_ROWS: Final = 64
ABSENT: Final = -1
"""In the place of a reputation that there was none of, or of a block that is not known."""


@dataclass(frozen=True)
class Tally:
    """What one round's verdicts come to. Arrays have an entry a seat, (256,), uint8."""

    accepting: NDArray[np.uint8]
    """How many of a seat's judges accepted it."""
    rejecting: NDArray[np.uint8]
    """How many rejected it."""
    silent: NDArray[np.uint8]
    """How many attested and had no verdict about it."""

    @property
    def totals(self) -> tuple[int, int, int]:
        """Accepted, rejected and unjudged, over all seats."""
        accepted, rejected, silent = (int(one.sum()) for one in (self.accepting, self.rejecting, self.silent))
        return accepted, rejected, silent


def tally(round_: Round, degree: int) -> Tally:
    """Count a round's verdicts; of a round under way, those that are there."""
    counts = np.zeros((3, MAX_SEATS), np.uint8)
    if round_.seed is not None and round_.attestations:
        neighbours, said = round_.find_neighbours(degree), round_.attestations.values()
        seats = np.array([neighbours[judge] for judge in round_.attestations], np.intp)
        judged, accepted = (
            _spread(masks) for masks in zip(*((one.judged, one.accepted) for one in said), strict=True)
        )
        asked = np.zeros(judged.shape, np.bool_)
        asked[np.arange(len(seats))[:, None], seats] = True
        counts[0] = (asked & judged & accepted).sum(0)
        counts[1] = (asked & judged & ~accepted).sum(0)
        counts[2] = (asked & ~judged).sum(0)
    return Tally(counts[0], counts[1], counts[2])


def _spread(masks: Sequence[int]) -> NDArray[np.bool_]:
    """(masks, 256): whether a seat is in a mask."""
    packed = np.frombuffer(b"".join(one.to_bytes(MAX_SEATS // 8, "little") for one in masks), np.uint8)
    return np.unpackbits(packed.reshape(len(masks), -1), axis=1, bitorder="little").view(np.bool_)


_COLUMNS: Final[dict[str, Any]] = {
    "opened_in": np.int64,
    "drawn_in": np.int64,
    "settled_in": np.int64,
    "committed": np.int32,
    "attested": np.int32,
    "accepted": np.int32,
    "rejected": np.int32,
    "unjudged": np.int32,
}
_SEAT_COLUMNS: Final[dict[str, Any]] = {
    "reputations": np.int32,
    "accepting": np.uint8,
    "rejecting": np.uint8,
    "silent": np.uint8,
    "took_part": np.uint8,
}
COMMITTED: Final = 1
"""In `took_part`: the seat committed."""
ATTESTED: Final = 2
"""In `took_part`: the seat attested."""


@dataclass(frozen=True)
class TableSlice:
    """The rows of rounds 1 to `count`. What comes later, or is taken back, does not change them."""

    columns: dict[str, NDArray[Any]]
    """At least so many rows each."""
    count: int
    """Settled rounds."""

    def column(self, name: str) -> NDArray[Any]:
        """(count,): blocks `opened_in`, `drawn_in`, `settled_in`; numbers of commits, attestations, verdicts.

        (count, 256): `reputations` as each round opened, `accepting`, `rejecting`, `silent`, `took_part`.
        """
        return self.columns[name][: self.count]


class RoundTable:
    """Grows by a row with every settlement."""

    def __init__(self) -> None:
        self.count = 0
        self._columns = _make_columns(_FIRST_ROWS)

    def add(self, round_: Round, degree: int, blocks: tuple[int, int, int]) -> None:
        """A round was settled. blocks: of its opening, its draw and its settlement."""
        if self.count == len(self._columns["committed"]):
            self._columns = {name: _grow(one) for name, one in self._columns.items()}
        counted = tally(round_, degree)
        took_part = np.zeros(MAX_SEATS, np.uint8)
        took_part[list(round_.commits)] |= COMMITTED
        took_part[list(round_.attestations)] |= ATTESTED
        reputations = np.full(MAX_SEATS, ABSENT, np.int32)
        reputations[list(round_.reputations)] = list(round_.reputations.values())
        row = (*blocks, len(round_.commits), len(round_.attestations), *counted.totals)
        seats = (reputations, counted.accepting, counted.rejecting, counted.silent, took_part)
        for name, value in zip((*_COLUMNS, *_SEAT_COLUMNS), (*row, *seats), strict=True):
            self._columns[name][self.count] = value
        self.count += 1

    def cut(self) -> TableSlice:
        """As it is now."""
        return TableSlice(self._columns, self.count)

    def take_back(self, count: int) -> None:
        """Keep so many rows. Arrays that a slice holds stay as they are."""
        self.count = count
        self._columns = {name: one.copy() for name, one in self._columns.items()}


def _make_columns(rows: int) -> dict[str, NDArray[Any]]:
    one = {name: np.zeros(rows, kind) for name, kind in _COLUMNS.items()}
    return one | {name: np.zeros((rows, MAX_SEATS), kind) for name, kind in _SEAT_COLUMNS.items()}


def _grow(column: NDArray[Any]) -> NDArray[Any]:
    grown = np.zeros((2 * len(column), *column.shape[1:]), column.dtype)
    grown[: len(column)] = column
    return grown
