"""What a tracker is told of a simulated round: the honest peers' figures, and what befell the attackers."""

from collections.abc import Mapping, Sequence
from math import isfinite, isnan, nan

import numpy as np

from node.operating.merit import ACCURACY, find_main
from node.simulator.results import Row

_COUNTS = ("hostile_accepted", "hostile_rejected", "honest_accepted", "honest_rejected", "hostile_mixed")


def figures_by_round(rows: Sequence[Row]) -> dict[int, dict[str, float]]:
    """Round → name → figure: each of the task's by its name, the mean of the honest peers.

    Of the main one the worst too: an error where that is accuracy, else `worst/NAME` where its name says which way
    is better.
    """
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row.round, []).append(row)
    return {number: _figures_of(some) for number, some in found.items()}


def _figures_of(rows: Sequence[Row]) -> dict[str, float]:
    honest = [row for row in rows if row.is_honest]
    hostile = [row for row in rows if not row.is_honest]
    errors = [row.error for row in honest if not isnan(row.error)]
    names = dict.fromkeys(name for row in honest for name in row.figures)
    sent = [row.payload_bytes for row in honest if row.committed]
    return {
        **_mean({name: [row.figures[name] for row in honest if name in row.figures] for name in names}),
        **({"error/mean": float(np.mean(errors)), "error/worst": max(errors)} if errors else {}),
        **_worst(honest),
        **_mean({"reputation/honest": [row.reputation for row in honest]}),
        **_mean({"reputation/hostile": [row.reputation for row in hostile]}),
        **{f"verdicts/{name}": sum(getattr(row, name) for row in honest) for name in _COUNTS},
        **_mean({"round/bytes_an_update": sent}),
    }


def _worst(honest: Sequence[Row]) -> dict[str, float]:
    """The main figure's; of accuracy the error says it."""
    judged = [row for row in honest if row.figures]
    main = find_main(judged[0].figures) if judged else None
    if main is None or main.name == ACCURACY:
        return {}
    value = main.find_worst(row.figures.get(main.name, nan) for row in judged)
    return {f"worst/{main.name}": value} if isfinite(value) else {}


def _mean(values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: float(np.mean(some)) for name, some in values.items() if len(some)}
