"""What a line says of its run, and in which order: the one place that knows the columns of every file and frame."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from math import isfinite
from typing import Any, Final

from ledger.judging.frame_chains import is_chained
from node.attacks import list_parameters
from node.operating.merit import ACCURACY
from node.own_code.own_objects import label_of
from node.simulator.results import Results, Row, Summary, summarise
from node.simulator.scenario import Scenario


def _show_attack_parameters(scenario: Scenario) -> str:
    return _show({**list_parameters(scenario.attack), **scenario.attack_parameters})


def _show_rule_parameters(scenario: Scenario) -> str:
    return "" if scenario.baseline else _show(scenario.rule_parameters)


RUN_COLUMNS: Final[Mapping[str, Callable[[Scenario], Any]]] = {
    "rule": lambda scenario: scenario.method,
    "rule_parameters": _show_rule_parameters,
    "attack": lambda scenario: label_of(scenario.attack),
    "attack_parameters": _show_attack_parameters,
    "malicious": lambda scenario: len(scenario.hostile) / scenario.peers,
    "sight": lambda scenario: scenario.sight,
    "task": lambda scenario: scenario.task,
    "partition": lambda scenario: label_of(scenario.partition),
    "partition_parameters": lambda scenario: _show(scenario.dealing),
    "skew": lambda scenario: scenario.skew,
    "samples": lambda scenario: scenario.samples,
    "peers": lambda scenario: scenario.peers,
    "rounds": lambda scenario: scenario.rounds,
    "topology": lambda scenario: label_of(scenario.topology),
    "topology_parameters": lambda scenario: _show(scenario.topology_parameters),
    "degree": lambda scenario: scenario.degree,
    "codec": lambda scenario: scenario.codec,
    "sent_share": lambda scenario: scenario.frame_share if is_chained(scenario.codec) else None,
    "options": lambda scenario: _show(scenario.options),
    "epsilon": lambda scenario: scenario.privacy.get("epsilon"),
    "drift": lambda scenario: scenario.drift,
    "churn": lambda scenario: scenario.churn,
    "seed": lambda scenario: scenario.seed,
}
"""Column → what it says of a run; every line has them all. A baseline stands in the rule's place."""
SEED: Final = "seed"
# Of a row: what it says of its peer in other words than a table.
_NOT_OF_A_ROW: Final = ("attack", "figures")
_NOT_OF_A_RUN: Final = ("out_after", "figures")
# Of runs that are judged by accuracy alone.
_ERRORS: Final = ("error", "mean_error", "worst_error")
SUMMARY_WORDS: Final = ("main", "direction")
"""Columns of a summary that hold words: which figure a task is judged by, and which way it is better."""


def describe_run(scenario: Scenario) -> dict[str, Any]:
    """A run's columns."""
    return {name: find(scenario) for name, find in RUN_COLUMNS.items()}


def row_columns(results: Sequence[Results]) -> list[str]:
    """The columns of a line a peer and round: the run's, the row's, and each figure that any task of them takes.

    An error is there where any run is judged by accuracy.
    """
    own = ["honest" if field.name == "attack" else field.name for field in fields(Row) if field.name != "figures"]
    own = _without_errors(own, results)
    return _with_figures([*RUN_COLUMNS, *own], (row.figures for one in results for row in one.rows))


def row_values(row: Row) -> dict[str, Any]:
    """A row's values by column, its run's left out. honest: whether the peer follows the protocol."""
    own = {field.name: getattr(row, field.name) for field in fields(row) if field.name not in _NOT_OF_A_ROW}
    return {"honest": row.is_honest, **own, **name_figures(row.figures)}


def summary_columns(results: Sequence[Results]) -> list[str]:
    """The columns of a line a run: the run's, the summary's and each figure; errors as in `row_columns`."""
    own = [name for name in summarise(()).to_fields() if name not in _NOT_OF_A_RUN]
    own = _without_errors(own, results)
    return _with_figures([*RUN_COLUMNS, *own], (one.summary.figures for one in results))


def summary_values(summary: Summary) -> dict[str, Any]:
    """A summary's values by column."""
    own = {name: value for name, value in summary.to_fields().items() if name not in _NOT_OF_A_RUN}
    return own | name_figures(summary.figures)


def name_figures(figures: Mapping[str, float]) -> dict[str, float]:
    """Figures by column: a task may call one as a column of ours is called."""
    return {_column_of(name): value for name, value in figures.items()}


def plain(value: Any) -> Any:
    """A value as every file takes it: None for what is no number."""
    return None if isinstance(value, float) and not isfinite(value) else value


def find_varying(scenarios: Sequence[Scenario]) -> list[str]:
    """The columns in which these runs differ, the seed left out.

    Parameters are among them where one rule, or one attack, has several.
    """
    told = [describe_run(one) for one in scenarios]
    return [name for name in RUN_COLUMNS if name != SEED and _varies(name, told)]


def _varies(column: str, told: Sequence[Mapping[str, Any]]) -> bool:
    owner = column.removesuffix("_parameters")
    found: dict[Any, set[Any]] = {}
    for one in told:
        found.setdefault(one[owner] if owner != column else None, set()).add(one[column])
    return any(len(values) > 1 for values in found.values())


def _without_errors(columns: list[str], results: Sequence[Results]) -> list[str]:
    mains = [main.name for one in results if (main := one.summary.main) is not None]
    return columns if ACCURACY in mains or not mains else [name for name in columns if name not in _ERRORS]


def _with_figures(columns: list[str], found: Iterable[Mapping[str, float]]) -> list[str]:
    names = dict.fromkeys(name for figures in found for name in figures)
    return [*columns, *map(_column_of, names)]


def _column_of(figure: str) -> str:
    own = (field.name for field in (*fields(Row), *fields(Summary)))
    taken = {*RUN_COLUMNS, *SUMMARY_WORDS, "honest", "mean_out_after", "share_out", *own}
    return f"figure_{figure}" if figure in taken else figure


def _show(pairs: Mapping[str, Any]) -> str:
    return " ".join(
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in pairs.items()
    )
