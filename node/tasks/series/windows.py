"""From a series to examples: what was, and what it was some steps later; what is foretold is known to no input."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from node.tasks.series.columns import Column
from node.tasks.series.reading import RawSeries, Seconds

Inputs = npt.NDArray[np.float32]

_DAY_S: Final = 86_400
_WEEK_S: Final = 7 * _DAY_S
_YEAR_S: Final = 365.2425 * _DAY_S
CALENDAR: Final = 6
"""Inputs that tell the time to foretell: sine and cosine in the day, the week and the year."""


@dataclass(frozen=True)
class Examples:
    """Of one series or several, ascending in time within each."""

    x: Inputs
    """(n, window · columns + calendar), the oldest step first, each column scaled."""
    y: Inputs
    """(n,), the value to foretell, scaled."""
    truth: npt.NDArray[np.float64]
    """(n,), the same in its own unit."""
    last_value: npt.NDArray[np.float64]
    """(n,), the last one known, in its own unit."""
    last_season: npt.NDArray[np.float64]
    """(n,), the value a season before the one to foretell, in its own unit; NaN where that is not known then."""

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: slice) -> "Examples":
        """Some of them."""
        return Examples(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Split:
    """A series' examples."""

    train: Examples
    """What was to foretell lies before the end that is held out."""
    test: Examples
    """It lies in the end; of what was, some may lie before: that is known by then."""


def make_examples(
    series: RawSeries, columns: Sequence[Column], window: int, horizon: int, season: int, held_out: float
) -> Split:
    """Cut a series into examples, none of which spans a gap or an empty cell.

    window: steps that are looked at. horizon: how many steps after the last of them lies what is foretold. season:
    in steps, 0 for none. held_out: the share of the rows, the last ones, to measure on.
    """
    scaled = np.stack([column.scale(series.values[:, place]) for place, column in enumerate(columns)], 1)
    target = series.values[:, 0]
    ends = np.arange(window - 1, len(target) - horizon)
    is_whole = _find_whole(series.times, np.isfinite(scaled.sum(1)), window, ends)
    step = _find_step(series.times)
    is_next = series.times[ends + horizon] - series.times[ends] == horizon * step
    ends = ends[is_whole & is_next & np.isfinite(target[ends + horizon])]
    found = _gather(series.times, scaled, target, ends, window, horizon, season)
    first_held_out = len(target) - int(len(target) * held_out)
    count = int(np.searchsorted(ends + horizon, first_held_out))
    return Split(found.take(slice(0, count)), found.take(slice(count, None)))


def join(parts: Sequence[Examples]) -> Examples:
    """Those of several series, one after another."""
    return Examples(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in Examples.__dataclass_fields__)
    )


def _find_step(times: Seconds) -> int:
    """The commonest distance of two rows, in seconds."""
    steps, counts = np.unique(np.diff(times), return_counts=True)
    return int(steps[np.argmax(counts)])


def _find_whole(
    times: Seconds, is_known: npt.NDArray[np.bool_], window: int, ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Which windows hold no gap and no empty cell, by the row that they end in."""
    broken = np.cumsum(~is_known)
    before = np.concatenate([[0], broken])
    is_filled = broken[ends] == before[ends - window + 1]
    is_even = times[ends] - times[ends - window + 1] == (window - 1) * _find_step(times)
    whole: npt.NDArray[np.bool_] = is_filled & is_even
    return whole


def _gather(
    times: Seconds,
    scaled: npt.NDArray[np.float64],
    target: npt.NDArray[np.float64],
    ends: npt.NDArray[np.int64],
    window: int,
    horizon: int,
    season: int,
) -> Examples:
    rows = ends[:, None] + np.arange(1 - window, 1)
    aims = ends + horizon
    history = scaled[rows].reshape(len(ends), window * scaled.shape[1])
    # A season before must be known by then, and be as far back on the clock as by rows.
    back = np.maximum(aims - season, 0)
    is_season = (season >= horizon) & (aims >= season) & (times[aims] - times[back] == season * _find_step(times))
    return Examples(
        x=np.concatenate([history, _tell_calendar(times[aims])], 1).astype(np.float32),
        y=scaled[aims, 0].astype(np.float32),
        truth=target[aims],
        last_value=target[ends],
        last_season=np.where(is_season & (season > 0), target[back], np.nan),
    )


def _tell_calendar(times: Seconds) -> npt.NDArray[np.float64]:
    """(n, CALENDAR)."""
    # 1970 began on a Thursday: three days into the week.
    cycles = ((0, _DAY_S), (3 * _DAY_S, _WEEK_S), (0, _YEAR_S))
    turns = [2 * np.pi * ((times + shift) % length) / length for shift, length in cycles]
    return np.stack([wave(turn) for turn in turns for wave in (np.sin, np.cos)], 1)
