"""Which rows are whose: those held out, and, where one file is dealt to several peers, each one's share."""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ledger.errors import SetupError
from node.tasks.table.encoding import EncodedTable

Rows = npt.NDArray[np.int64]


def split_held_out(table: EncodedTable, share: float, groups: Sequence[str] | None) -> tuple[Rows, Rows]:
    """Split rows into those to train on and those to measure on, by what each row holds.

    So a row stays on its side on every machine, with every seed, and when others are added; equal rows lie on one
    side. groups: a name a row, such as a patient's; all rows of one name lie on one side. Raises SetupError where a
    side is empty.
    """
    if groups is None:
        keys = [x.tobytes() + y.tobytes() for x, y in zip(table.x, table.y, strict=True)]
    else:
        keys = [group.encode() for group in groups]
    drawn = [int.from_bytes(hashlib.blake2b(key, digest_size=8).digest()) for key in keys]
    is_held_out = np.array(drawn, np.uint64) < np.uint64(share * 2**64)
    train, test = np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)
    if not len(train) or not len(test):
        raise SetupError(
            f"of the table's {len(keys)} rows {len(test)} are held out and {len(train)} left to train on: give more"
            " rows, or another held_out"
        )
    return train, test


def deal_owners(owners: Sequence[str], seats: int) -> list[Rows]:
    """Each seat's rows, ascending: whole owners, the largest first to whoever has fewest rows.

    The same on every machine. Raises SetupError where there are fewer owners than seats.
    """
    names, numbers, counts = np.unique(np.asarray(owners, dtype=str), return_inverse=True, return_counts=True)
    if len(names) < seats:
        raise SetupError(f"the rows have {len(names)} owners, which do not go round {seats} seats: use fewer seats")
    seat_of, loads = np.zeros(len(names), np.int64), [0] * seats
    for owner in sorted(range(len(names)), key=lambda one: (-counts[one], names[one])):
        seat = min(range(seats), key=lambda one: (loads[one], one))
        seat_of[owner], loads[seat] = seat, loads[seat] + int(counts[owner])
    return [np.flatnonzero(seat_of[numbers] == seat) for seat in range(seats)]


def sort_into_bands(y: npt.NDArray[np.int64] | npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Labels for the usual skew: classes as they are, numbers in ten bands of equal many."""
    if y.dtype == np.int64:
        return np.asarray(y, np.int64)
    ranks = np.argsort(np.argsort(y, kind="stable"), kind="stable")
    return np.asarray(ranks * 10 // len(y), np.int64)
