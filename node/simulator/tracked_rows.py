"""What a tracker is told of a simulated round: the honest peers' figures, and what befell the attackers."""

from collections.abc import Mapping, Sequence
from math import isnan

import numpy as np

from node.simulator.results import Row

_COUNTS = ("hostile_accepted", "hostile_rejected", "honest_accepted", "honest_rejected", "hostile_mixed")


def figures_by_round(rows: Sequence[Row]) -> dict[int, dict[str, float]]:
    """Round → name → figure."""
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
        **_mean({"reputation/honest": [row.reputation for row in honest]}),
        **_mean({"reputation/hostile": [row.reputation for row in hostile]}),
        **{f"verdicts/{name}": sum(getattr(row, name) for row in honest) for name in _COUNTS},
        **_mean({"round/bytes_an_update": sent}),
    }


def _mean(values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: float(np.mean(some)) for name, some in values.items() if len(some)}
