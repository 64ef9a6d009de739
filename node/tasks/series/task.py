"""The task `series`: what a value will be some steps later, from what it was: a sensor, a meter, a turnstile.

    folkmoot deploy --task series --option columns=riders:0:25:log --option window=14 --option season=7 --peers 4
    folkmoot node --task series --data austin.csv ...

Every peer trains on its own CSV, less the rows of its end, on which it measures: in the order of time, so nothing
is told of the future. A demo or a simulation has one folder for all (`dealt`): each CSV in it is
somebody's, and whole series are dealt to the seats.
"""

import logging
from functools import lru_cache
from math import nan
from pathlib import Path
from typing import ClassVar, Final, Literal

import numpy as np
import torch
from torch import nn

from ledger.errors import SetupError, UsageError
from node.tasks.owners import deal_owners
from node.tasks.series.columns import Column, parse_columns
from node.tasks.series.networks import NETWORKS
from node.tasks.series.reading import find_series, read_series
from node.tasks.series.windows import CALENDAR, Examples, Split, join, make_examples

MOST_STEPS: Final = 10_000
WIDEST: Final = 1024
_MOST_INPUTS: Final = 1 << 16
_log = logging.getLogger(__name__)


class Series:
    """Foretells one column of a series.

    columns: NAME:LOW:HIGH of each, the one to foretell first (node.tasks.series.columns). time: the column of
    times. window: steps that are looked at. horizon: how many steps after the last of them lies what is foretold.
    season: steps of a season, e.g. 24 of an hourly series; 0 for none. network: see node.tasks.series.networks.
    width: of its layers. held_out: the share of each series, its end, to measure on. dealt: the folder is all
    peers'.
    """

    loss = "mae"
    figures: ClassVar = {
        "mae": "lower",
        "rmse": "lower",
        "r2": "higher",
        "mae_of_last_value": "lower",
        "mae_of_last_season": "lower",
    }
    optimizer = "adam"
    learning_rate = 0.001
    batch_size = 32

    def __init__(
        self,
        columns: str,
        time: str = "time",
        window: int = 24,
        horizon: int = 1,
        season: int = 0,
        network: Literal["linear", "mlp", "gru"] = "mlp",
        width: int = 64,
        held_out: float = 0.2,
        dealt: bool = False,
        samples: int = 1000,
        data: Path | None = None,
    ) -> None:
        self.columns = parse_columns(columns)
        bounds = (("window", window, 1), ("horizon", horizon, 1), ("season", season, 0))
        for name, number, least in bounds:
            if not least <= number <= MOST_STEPS:
                raise UsageError(f"{name} is {number}: give a number of steps from {least} to {MOST_STEPS}")
        if window * len(self.columns) > _MOST_INPUTS or not 1 <= width <= WIDEST:
            raise UsageError(f"window {window} and width {width}: give a width up to {WIDEST}, or a shorter window")
        if not 0 < held_out < 1:
            raise UsageError(f"held_out is {held_out:g}: give a number between 0 and 1")
        self._cut = (window, horizon, season, held_out)
        self._network, self._width, self._window, self._time = network, width, window, time
        self._dealt, self._samples, self._path, self._seats = dealt, samples, data, 1

    def model(self) -> nn.Module:
        return NETWORKS[self._network](self._window, len(self.columns), CALENDAR, self._width, self._find_known())

    def _find_known(self) -> int:
        """The step of the window that lies a season before what is foretold, else the last."""
        window, horizon, season, _ = self._cut
        back = season - horizon
        return window - 1 - back if 0 <= back < window else window - 1

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        """One peer's examples: x (n, inputs) and y (n,), float32, scaled by the public ranges.

        All of its own series; of those that are dealt the latest `samples`.
        """
        self._seats = seats
        examples = join([split.train for split in self._splits(seat)])
        if not len(examples):
            raise SetupError(
                f"{self._path}: the series of seat {seat} has no {self._window} values in a row and one after them:"
                " give a longer one, or a shorter window"
            )
        if self._dealt:
            examples = examples.take(slice(-self._samples, None))
        return torch.from_numpy(examples.x), torch.from_numpy(examples.y)

    def check_data(self) -> None:
        """Raises SetupError where there is no series, or none long enough to train or to measure on."""
        if not self._dealt:
            self.data(0, 1)
        self._judged(None)

    @torch.no_grad()
    def evaluate(self, model: nn.Module, seat: int | None = None) -> dict[str, float]:
        """By how much the end of the seat's own series is missed, in the column's unit; everybody's where it is
        nobody's model.

        Beside it, by how much it is missed by whoever says the last value known once more, and by whoever says the
        value of a season before: what a model must beat to be of use.
        """
        told = self._judged(seat)
        device = next(model.parameters()).device
        answers = model(torch.from_numpy(told.x).to(device)).double().cpu().numpy()
        misses = self.columns[0].unscale(answers) - told.truth
        spread = float(np.square(told.truth - told.truth.mean()).sum())
        seasons = told.last_season - told.truth
        has_season = np.isfinite(seasons)
        return {
            "mae": float(np.abs(misses).mean()),
            "rmse": float(np.sqrt(np.square(misses).mean())),
            "r2": 1 - float(np.square(misses).sum()) / spread if spread else nan,
            "mae_of_last_value": float(np.abs(told.last_value - told.truth).mean()),
            **({"mae_of_last_season": float(np.abs(seasons[has_season]).mean())} if has_season.any() else {}),
        }

    def _judged(self, seat: int | None) -> Examples:
        """What to measure on."""
        told = join([split.test for split in self._splits(seat)])
        if not len(told):
            raise SetupError(f"{self._path}: too little is held out to measure on: give more, or hold out more")
        return told

    def _splits(self, seat: int | None) -> list[Split]:
        """The series of a seat; everybody's where it is None."""
        if self._path is None:
            raise SetupError("there is no series to train on: name a CSV of your own with --data FILE")
        read = _read_splits(self._path, self._dealt, self._time, self.columns, self._cut)
        if not self._dealt or seat is None or seat >= self._seats:
            return list(read.values())
        sizes = {name: len(split.train) for name, split in read.items()}
        return [read[name] for name in deal_owners(sizes, self._seats)[seat]]


@lru_cache(maxsize=2)
def _read_splits(
    path: Path, is_dealt: bool, time: str, columns: tuple[Column, ...], cut: tuple[int, int, int, float]
) -> dict[str, Split]:
    """Read once, for all seats."""
    files = find_series(path)
    if is_dealt and not path.is_dir():
        raise SetupError(
            f"{path} is one series, and peers that share data need one each: name a folder of CSVs with --data"
        )
    window, horizon, season, held_out = cut
    found = {}
    for name, file in files.items():
        raw = read_series(file, time, [column.name for column in columns])
        found[name] = make_examples(raw, columns, window, horizon, season, held_out)
        _log.info(
            "series read file=%s rows=%d examples=%d held_out=%d",
            file.name,
            len(raw.times),
            len(found[name].train),
            len(found[name].test),
        )
    return found
