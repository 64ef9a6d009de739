"""Search for the attacker that hurts a rule most, and write docs/results/search.md, resumable at any time.

A seeded (μ, λ) evolution strategy over the parameters of the attack `tuned`, simulated in small circles; the best are
then confirmed in large ones, under the rule, under BALANCE, and against the clean run. Every simulation is one line of
docs/results/search.jsonl at once. The search depends on nothing but its seed and these figures, so that one that is
started again finds its former simulations there and goes on.

    python -m scripts.search.attack --rule tether --malicious 0.4 --generations 8
    python -m scripts.search.attack --confirm 2
    python -m scripts.search.attack --tables
"""

import argparse
import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

# Before numpy and torch are loaded.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import numpy as np

from node.attacks import list_parameters
from node.simulator import Scenario, simulate
from scripts.running import run, tell
from scripts.search.attack_tables import render
from scripts.sweep import raw
from scripts.sweep.raw import scenario_digest
from scripts.sweep.sources import ROOT, code_digest

FOLDER = ROOT / "docs" / "results"
ATTACK: Final = "tuned"
# Searched in: a few CPU seconds each. A share of .17 is 2 of 12 peers.
SMALL: Final = Scenario(
    peers=12, rounds=16, degree=6, samples=300, test_examples=1000, evaluate_every=16, malicious=0.4, attack=ATTACK
)
MAIN: Final = replace(SMALL, peers=20, rounds=30, degree=10, samples=600, test_examples=2000, evaluate_every=30)
# Confirmed in.
LARGE: Final = (replace(MAIN, malicious=0.2), replace(MAIN, degree=4))
PARENTS: Final = 3
CHILDREN: Final = 8


@dataclass(frozen=True)
class Knob:
    """A parameter of the attack."""

    name: str
    """As the attack calls it."""
    low: float
    """The least that is tried."""
    high: float
    """The most that is tried."""
    is_whole: bool = False
    """Whether it is a whole number."""

    def value(self, place: float) -> float:
        """The parameter at a place in 0..1 of its range."""
        found = self.low + (self.high - self.low) * place
        return float(round(found) if self.is_whole else round(found, 3))

    def place(self, value: float) -> float:
        """Where in 0..1 a value lies."""
        return (value - self.low) / (self.high - self.low)


KNOBS: Final = (
    Knob("length", 0.4, 3.0),
    Knob("jitter", 0.0, 0.95),
    Knob("persist", 0.0, 1.0),
    Knob("margin", 0.5, 1.5),
    Knob("share", 0.2, 1.0),
    Knob("groups", 1, 4, True),
    Knob("asleep", 0, 8, True),
    Knob("on", 1, 4, True),
    Knob("off", 0, 3, True),
    Knob("direction", 0, 2, True),
    Knob("hide", 0, 12, True),
)

# Beside points drawn at random.
STARTS: Final[tuple[dict[str, float], ...]] = ({}, {"hide": 12}, {"jitter": 0.8, "persist": 1})


@dataclass
class Laboratory:
    """Simulates, and remembers in a file what it simulated."""

    path: Path
    """The file."""
    lines: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """(scenario's digest, code's digest) → what the file holds of it."""
    spent_s: float = 0.0
    """Processor time of this start."""

    def error(self, scenario: Scenario, origin: str) -> float:
        """The honest peers' mean error at the end. origin: what it is simulated for."""
        key = (scenario_digest(scenario), code_digest(scenario))
        if key not in self.lines:
            self.lines[key] = self._simulated(scenario, key, origin)
        return float(self.lines[key]["summary"]["mean_error"])

    def _simulated(self, scenario: Scenario, key: tuple[str, str], origin: str) -> dict[str, Any]:
        started = time.process_time()
        results = simulate(scenario)
        spent = time.process_time() - started
        self.spent_s += spent
        values = {
            "scenario_digest": key[0],
            "code_digest": key[1],
            "origin": origin,
            "scenario": raw.fields_of(scenario),
            "result_digest": results.digest,
            "summary": results.summary.to_fields(),
            "cpu_s": round(spent, 3),
        }
        raw.append(self.path, values)
        tell(f"{results.summary.mean_error:.3f} in {spent:.1f} s: {origin} {dict(scenario.attack_parameters)}")
        return values


def parameters_at(places: Sequence[float], fixed: Iterable[str]) -> dict[str, float]:
    """The attack at a point of the unit cube; whatever is fixed keeps the attack's default."""
    left = set(fixed)
    return {
        knob.name: knob.value(place) for knob, place in zip(KNOBS, places, strict=True) if knob.name not in left
    }


def evolve(laboratory: Laboratory, scenario: Scenario, options: argparse.Namespace, origin: str) -> None:
    """Search for the parameters with the largest error. Each child moves as far as its own step size says.

    Source: Beyer and Schwefel 2002, Natural Computing 1: the (μ + λ) strategy with self-adapted step size.
    """
    rng = np.random.default_rng(options.seed)
    usual = list_parameters(ATTACK)
    rate = 1 / (2 * len(KNOBS)) ** 0.5

    def judged(places: Any, size: float) -> tuple[float, Any, float]:
        parameters = parameters_at(places, options.fixed)
        return laboratory.error(replace(scenario, attack_parameters=parameters), origin), places, size

    starts = [[knob.place({**usual, **start}[knob.name]) for knob in KNOBS] for start in STARTS]
    starts += [rng.random(len(KNOBS)).tolist() for _ in range(CHILDREN - len(starts))]
    living = [judged(np.array(places), 0.2) for places in starts]
    for _ in range(options.generations):
        parents = sorted(living, key=lambda one: -one[0])[:PARENTS]
        children = []
        for _ in range(CHILDREN):
            # Two parents mixed knob by knob, then moved.
            mother, father = (parents[int(rng.integers(len(parents)))] for _ in range(2))
            places = np.where(rng.random(len(KNOBS)) < 0.5, mother[1], father[1])
            size = float(np.clip(mother[2] * np.exp(rate * rng.standard_normal()), 0.02, 0.5))
            moved = np.clip(places + size * rng.standard_normal(len(KNOBS)), 0, 1)
            children.append(judged(moved, size))
        living = parents + children


def confirm(laboratory: Laboratory, rule: str, count: int) -> None:
    """Simulate each search's best in the large circles, under the rule and under BALANCE, and without attack."""
    best: dict[str, list[dict[str, Any]]] = {}
    for line in laboratory.lines.values():
        if line["origin"].startswith(f"{rule} "):
            best.setdefault(line["origin"], []).append(line)
    chosen = [
        line["scenario"].get("attack_parameters", {})
        for _, lines in sorted(best.items())
        for line in sorted(lines, key=lambda one: -one["summary"]["mean_error"])[:count]
    ]
    for scenario in LARGE:
        for name in (rule, "balance"):
            laboratory.error(replace(scenario, rule=name, attack="honest", malicious=0.0), "clean")
            for parameters in chosen:
                laboratory.error(replace(scenario, rule=name, attack_parameters=parameters), "confirmed")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--rule", default="tether", help="whom to attack")
    made.add_argument("--malicious", type=float, default=0.4, metavar="SHARE", help="in the small circle")
    made.add_argument("--generations", type=int, default=0, metavar="N", help=f"of {CHILDREN} attackers each")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--fixed", action="append", default=[], choices=[knob.name for knob in KNOBS])
    made.add_argument(
        "--confirm", type=int, default=0, metavar="N", help="so many of each search, in large circles"
    )
    made.add_argument("--tables", action="store_true", help="only write the tables, from the raw file")
    made.add_argument("--folder", type=Path, default=FOLDER, help="where raw file and tables lie (docs/results)")
    return made


def main() -> int:
    """Search, confirm, and write the tables."""
    options = parser().parse_args()
    path = options.folder / "search.jsonl"
    with raw.held(path):
        lines = {(line.scenario, line.code): dict(line.values) for line in raw.read(path)}
        laboratory = Laboratory(path, lines)
        if not options.tables:
            small = replace(SMALL, rule=options.rule, malicious=options.malicious)
            fixed = f" without {', '.join(options.fixed)}" if options.fixed else ""
            origin = f"{options.rule} {options.malicious}{fixed}"
            laboratory.error(replace(small, attack="honest", malicious=0.0), "clean")
            if options.generations:
                evolve(laboratory, small, options, origin)
            if options.confirm:
                confirm(laboratory, options.rule, options.confirm)
        (options.folder / "search.md").write_text(render(list(laboratory.lines.values())))
    tell(f"{laboratory.spent_s:.0f} CPU s spent")
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
