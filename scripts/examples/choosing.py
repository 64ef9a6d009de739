"""Which settings of an example do best on a validation part, which is no part of what its table reports."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from ledger.errors import UsageError
from node.operating.merit import HIGHER, find_direction
from scripts.examples.example import Choice, Example
from scripts.examples.rows import make_rows
from scripts.examples.validating import hold_out_again


@dataclass(frozen=True)
class Weighed:
    """A choice and what came of it."""

    choice: Choice
    """The settings."""
    figure: float
    """The main one, the mean over its rows and seeds, on the validation part."""
    rejected: float
    """The share of verdicts about honest peers that reject them; NaN where nobody judges."""
    is_best: bool
    """Of the choices for the same rows."""


def weigh(example: Example, kinds: Sequence[str], seeds: Sequence[int]) -> Iterator[list[Weighed]]:
    """The choices for the same rows together. kinds: rows to look at. Raises UsageError, SetupError."""
    if not example.choices:
        raise UsageError(f"{example.title}: nothing is chosen here; leave --choose out")
    main = example.figures[0]
    better = max if find_direction(main) == HIGHER else min
    with tempfile.TemporaryDirectory(prefix="example-") as folder:
        parted = hold_out_again(example, Path(folder))
        for rows, choices in groupby(example.choices, lambda one: one.rows):
            if not set(rows) <= set(kinds):
                continue
            found = [(one, *_measure(one.apply(parted), one, seeds)) for one in choices]
            best = better(figure for _, figure, _ in found)
            yield [Weighed(one, figure, rejected, figure == best) for one, figure, rejected in found]


def _measure(example: Example, choice: Choice, seeds: Sequence[int]) -> tuple[float, float]:
    """The main figure and the share of honest peers rejected, means over the rows."""
    rows = list(make_rows(example, choice.rows, seeds))
    figure = np.mean([row.figures[example.figures[0]].mean for row in rows])
    return float(figure), float(np.mean([row.rejected for row in rows]))
