"""What nodes on this machine say of their own rounds: accuracy, loss, seconds, bytes, gas. Each its own word."""

import os
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

from ledger.untrusted.text import make_printable
from node.operating.round_log import ToldRound, UnusableRounds, read_rounds
from node.watch.folders import find_places
from node.watch.query import BadQuery, Query
from node.watch.source import Source
from node.watch.thinning import thin

POINTS: Final = 1000
"""So many points of a seat's row at most, unless fewer are asked for."""
_POINTS_MAX: Final = 5000
_FILES_KEPT: Final = 64
_SENTENCE_MAX: Final = 300
_SAYS: Final = "Each figure is its peer's own word, measured by its own task on its own machine: nobody checked it."


@dataclass(frozen=True)
class Metric:
    """Something that nodes report of a round."""

    name: str
    """As the page asks for it: a task's figures by their own names."""
    unit: str = ""
    """Of its values; empty for a figure of the task's."""
    better: str | None = None
    """`higher` or `lower`; None where nobody says so."""
    take: Callable[[ToldRound], float | None] = field(default=lambda _: None, compare=False)
    """Its value in a report."""


def list_figures(source: Source, query: Query) -> dict[str, Any]:
    """GET /api/figures. One metric's rows, by seat; `metric` names it, else it is the first one."""
    points = query.number("points", POINTS, least=10, most=_POINTS_MAX)
    told, folders, troubles = _gather(source)
    metrics = list(_list_metrics(told))
    wanted = query.text("metric")
    chosen = next((one for one in metrics if one.name == wanted or not wanted), None)
    if chosen is None and wanted and metrics:
        raise BadQuery(f"no node here reports {wanted}: there are {', '.join(one.name for one in metrics)}")
    return {
        "metrics": [{"name": one.name, "unit": one.unit, "better": one.better} for one in metrics],
        "metric": None if chosen is None else chosen.name,
        "seats": {
            str(seat): _draw(rows, chosen, points, folders[seat])
            for seat, rows in told.items()
            if chosen is not None
        },
        "folders": len(source.folders),
        "troubles": troubles,
        "says": _SAYS,
    }


def tell_files(source: Source) -> Hashable:
    """Changes with any of the files; for how long an answer holds."""
    if not source.revision:
        return 0
    return tuple(_stamp(places.rounds) for places in find_places(source))


def read_told(source: Source) -> Mapping[int, Sequence[ToldRound]]:
    """Seat → what its node reported, by round, of the folders here. Raises NotReady."""
    return _gather(source)[0]


def _gather(source: Source) -> tuple[dict[int, list[ToldRound]], dict[int, Path], list[str]]:
    """By seat the rounds, and the folder of the last report; sentences about what is wrong with files."""
    files = tuple((places.root, places.rounds, _stamp(places.rounds)) for places in find_places(source))
    return _merge(files, source.circle.network.domain_separator)


@lru_cache(4)
def _merge(
    files: tuple[tuple[Path, Path, Hashable], ...], network: bytes
) -> tuple[dict[int, list[ToldRound]], dict[int, Path], list[str]]:
    newest, folders, troubles = dict[tuple[int, int], ToldRound](), dict[int, Path](), list[str]()
    for root, path, stamp in files:
        found, trouble = _read_file(path, network, stamp)
        if trouble:
            troubles.append(make_printable(trouble, _SENTENCE_MAX))
        for one in found:
            # A seat may have moved from one folder to another: what was said last counts.
            before = newest.get((one.seat, one.round))
            if before is None or before.at_s <= one.at_s:
                newest[one.seat, one.round] = one
                folders[one.seat] = root
    told: dict[int, list[ToldRound]] = {}
    for seat, number in sorted(newest):
        told.setdefault(seat, []).append(newest[seat, number])
    return told, folders, troubles


@lru_cache(_FILES_KEPT)
def _read_file(path: Path, network: bytes, _: Hashable) -> tuple[Sequence[ToldRound], str]:
    """The rounds in a file, and a sentence about what is wrong with it, empty for nothing."""
    try:
        found = read_rounds(path, network)
    except UnusableRounds as error:
        return (), str(error)
    except OSError as error:
        return (), f"{path} cannot be read ({error.strerror}): make it readable for this user"
    if found is None:
        return (), f"{path.parents[3]} holds no reported round of this circle yet"
    if found.damaged:
        return found.rounds, f"{path}: {found.damaged} damaged line(s) left out"
    return found.rounds, ""


def _stamp(path: Path) -> Hashable:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _list_metrics(told: Mapping[int, Sequence[ToldRound]]) -> Iterator[Metric]:
    """The task's figures, the main one first, then what a round costs."""
    # A task's figures hardly change from round to round, so the last reports tell them.
    last = [rows[-1] for rows in told.values()]
    names = dict.fromkeys(name for one in last for name in one.figures)
    better = {name: way for one in last for name, way in one.better.items()}
    for name in names:
        yield Metric(name, "", better.get(name), partial(_take_figure, name))
    if not last:
        return
    costs = [
        Metric("seconds a round", "s", "lower", lambda one: one.seconds),
        Metric("bytes sent", "B", "lower", lambda one: float(one.bytes_sent)),
        Metric("gas", "gas", "lower", lambda one: float(one.gas)),
    ]
    if any(one.privacy is not None for one in last):
        costs.append(Metric("ε spent", "", "lower", _take_spent))
    sections = dict.fromkeys(name for one in last for name in one.cpu_s)
    costs += [Metric(f"CPU, {name}", "s", "lower", partial(_take_cpu, name)) for name in sections]
    yield from (one for one in costs if one.name not in names)


def _take_figure(name: str, told: ToldRound) -> float | None:
    return told.figures.get(name)


def _take_cpu(section: str, told: ToldRound) -> float | None:
    return told.cpu_s.get(section)


def _take_spent(told: ToldRound) -> float | None:
    return None if told.privacy is None else told.privacy.spent_epsilon


def _draw(rows: Sequence[ToldRound], metric: Metric, points: int, folder: Path) -> dict[str, Any]:
    values = [metric.take(one) for one in rows]
    kept = thin(values, points)
    return {
        "source": make_printable(str(folder), _SENTENCE_MAX),
        "reports": len(rows),
        "lastRound": rows[-1].round,
        "lastAtS": int(rows[-1].at_s),
        "rounds": [rows[place].round for place in kept],
        "values": {metric.name: [values[place] for place in kept]},
    }
