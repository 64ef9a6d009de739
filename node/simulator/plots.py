"""Pictures of simulations: the honest peers' error and everyone's reputation, round by round."""

from collections.abc import Callable, Sequence
from math import isnan
from pathlib import Path

import numpy as np

from node.operating.pictures import two_panels
from node.simulator.results import Results, Row

PLOT_FILE = "rounds.png"


def plot(results: Sequence[Results], path: Path) -> None:
    """Write a PNG: one colour a simulation. Solid: honest mean; dashed: honest worst, or the attackers."""
    with two_panels(path) as (_, left, right):
        for place, one in enumerate(results):
            colour, rule = f"C{place}", one.scenario.rule
            honest = [row for row in one.rows if row.is_honest]
            hostile = [row for row in one.rows if not row.is_honest]
            left.plot(*_by_round(honest, _error, np.mean), color=colour, label=f"{rule}, mean")
            left.plot(*_by_round(honest, _error, np.max), color=colour, linestyle="--", label=f"{rule}, worst")
            right.plot(*_by_round(honest, _reputation, np.mean), color=colour, label=f"{rule}, honest")
            if hostile:
                points = _by_round(hostile, _reputation, np.mean)
                right.plot(*points, color=colour, linestyle="--", label=f"{rule}, {one.scenario.attack}")
        left.set(title="error of honest peers", xlabel="round", ylabel="1 − test accuracy", ylim=(0, None))
        right.set(title="mean reputation after the round", xlabel="round", ylim=(0, 1.02))
        if results and results[0].scenario.reputation:
            right.axhline(
                results[0].scenario.reputation_floor / 65535, color="#888888", linewidth=0.8, linestyle=":"
            )
        for axes in (left, right):
            axes.legend(frameon=False, fontsize=8)


def _error(row: Row) -> float:
    return row.error


def _reputation(row: Row) -> float:
    return row.reputation


def _by_round(
    rows: Sequence[Row], value: Callable[[Row], float], gather: Callable[[list[float]], float]
) -> tuple[list[int], list[float]]:
    found: dict[int, list[float]] = {}
    for row in rows:
        if not isnan(value(row)):
            found.setdefault(row.round, []).append(value(row))
    return list(found), [float(gather(values)) for values in found.values()]
