"""The lines of an example's table: simulations and their baselines, with the same data and seeds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import Final

import numpy as np

from ledger.privacy.planning import parse_privacy_terms
from node.learning.training import use_one_thread
from node.operating.merit import MainFigure, find_direction
from node.simulator import Scenario, simulate
from node.simulator.estimates import Estimate, estimate
from node.simulator.privacy_budget import make_privacy_numbers
from scripts.examples.example import Example

ALONE, CENTRAL, NETWORKED, POISONED, PRIVATE = "alone", "central", "networked", "poisoned", "private"
ROWS: Final = (ALONE, NETWORKED, POISONED, PRIVATE, CENTRAL)


@dataclass(frozen=True)
class ExampleRow:
    """Honest peers' figures after the last round."""

    name: str
    """For people."""
    figures: Mapping[str, Estimate]
    """By name: over seeds, of the mean over peers."""
    worst: Estimate
    """Of the main figure, of the peer that is worst off."""
    rejected: float
    """The share of verdicts about honest peers that reject them, the mean over seeds; NaN where nobody judges."""
    quarantined: int
    """Honest peers in quarantine or ejected at the end, the most of any seed."""


@dataclass(frozen=True)
class Outcome:
    """One run's."""

    figures: Sequence[Mapping[str, float]]
    """Of each honest peer at the end, by name."""
    rejected: float
    """See `ExampleRow`."""
    quarantined: int
    """See `ExampleRow`."""


def make_rows(example: Example, kinds: Sequence[str], seeds: Sequence[int]) -> Iterator[ExampleRow]:
    """One at a time, as they take long. Raises UsageError, SetupError."""
    use_one_thread()
    for kind in kinds:
        found = [_MAKERS[kind](_make_scenario(example, seed), example) for seed in seeds]
        yield _add_up(_describe(kind, example), example.figures, found)


def _make_scenario(example: Example, seed: int) -> Scenario:
    return Scenario(
        task=example.task,
        options=example.options,
        data=None if example.data is None else example.data(),
        peers=example.peers,
        rounds=example.rounds,
        degree=example.degree,
        samples=example.samples,
        skew=example.skew,
        rule_parameters=example.rule_parameters,
        seed=seed,
        evaluate_every=example.rounds,
        test_examples=None,
    )


def _simulate(scenario: Scenario) -> Outcome:
    honest = [row for row in simulate(scenario).rows if row.is_honest]
    last = [row for row in honest if row.round == scenario.rounds]
    rejected = sum(row.honest_rejected for row in honest)
    judged = rejected + sum(row.honest_accepted for row in honest)
    out = sum(row.quarantined or row.ejected for row in last)
    return Outcome([row.figures for row in last if row.figures], rejected / judged if judged else nan, out)


def _train_privately(scenario: Scenario, example: Example) -> Outcome:
    terms = parse_privacy_terms(example.privacy, scenario.rounds, example.samples)
    return _simulate(replace(scenario, privacy=make_privacy_numbers(terms)))


_MAKERS: Final[Mapping[str, Callable[[Scenario, Example], Outcome]]] = {
    ALONE: lambda scenario, example: _simulate(
        replace(scenario, baseline="alone", options={**scenario.options, **example.alone_options})
    ),
    CENTRAL: lambda scenario, _: _simulate(replace(scenario, baseline="central")),
    NETWORKED: lambda scenario, _: _simulate(scenario),
    POISONED: lambda scenario, example: _simulate(
        replace(
            scenario,
            attack=example.attack,
            attack_parameters=example.attack_parameters,
            malicious=example.malicious,
        )
    ),
    PRIVATE: _train_privately,
}


def _describe(kind: str, example: Example) -> str:
    return {
        ALONE: "each alone",
        CENTRAL: "all data in one place",
        NETWORKED: "networked",
        POISONED: f"networked, {example.malicious:.0%} poisoned ({example.attack})",
        PRIVATE: f"networked, {example.privacy.split(',')[0].replace('epsilon=', 'ε ')}",
    }[kind]


def _add_up(name: str, shown: Sequence[str], found: Sequence[Outcome]) -> ExampleRow:
    means = {one: [_mean(figures[one] for figures in run.figures) for run in found] for one in shown}
    main = MainFigure(shown[0], find_direction(shown[0]))
    worst = estimate(main.find_worst(figures[main.name] for figures in run.figures) for run in found)
    return ExampleRow(
        name,
        {one: estimate(values) for one, values in means.items()},
        worst,
        _mean(run.rejected for run in found),
        max(run.quarantined for run in found),
    )


def _mean(values: object) -> float:
    known = [value for value in values if isfinite(value)]  # type: ignore[attr-defined]
    return float(np.mean(known)) if known else nan
