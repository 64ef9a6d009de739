"""An example four ways: every peer alone, the network, the network with poisoners, and with differential privacy.

    python -m scripts.examples.four_ways keyboard|sensors

fetches the data and prints the table of docs/examples/NAME/README.md, on this machine's CPUs.
"""

import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any, Final

from ledger.errors import SetupError, UsageError
from ledger.privacy.planning import parse_privacy_terms
from node.learning.layout import layout_of
from node.learning.template import Template
from node.learning.training import Trainer, use_one_thread
from node.operating.merit import find_main
from node.simulator import Results, Scenario, simulate
from node.simulator.privacy_budget import make_privacy_numbers
from node.tasks.interface import Task, load_task
from scripts.examples.example import Example

NAMES: Final = ("keyboard", "sensors")


@dataclass(frozen=True)
class Way:
    """One row."""

    name: str
    """For people."""
    figures: Sequence[Mapping[str, float]]
    """Of each honest peer at the end, by name."""
    rejected: float | None = None
    """The share of verdicts about honest peers that reject them; None where nobody judges."""
    quarantined: int = 0
    """Honest peers in quarantine or ejected at the end."""


def measure(example: Example, rule_parameters: Mapping[str, int]) -> Iterator[Way]:
    """The four rows, one after another. Raises SetupError, UsageError."""
    use_one_thread()
    data = None if example.data is None else example.data()
    common: dict[str, Any] = {
        "task": example.task,
        "peers": example.peers,
        "rounds": example.rounds,
        "degree": example.degree,
        "samples": example.samples,
        "skew": example.skew,
        "options": dict(example.options),
        "data": data,
        "rule_parameters": dict(rule_parameters),
        "evaluate_every": example.rounds,
    }
    task = load_task(
        example.task,
        skew=example.skew,
        seed=0,
        samples=example.samples,
        options=example.options,
        typed=example.options.keys(),
        data=data,
    )
    yield Way("each peer alone", [_train_alone(example, task, seat) for seat in range(example.peers)])
    yield _way("in the network", simulate(Scenario(**common)))
    poisoned = Scenario(**common, attack=example.attack, malicious=example.malicious)
    yield _way(f"{example.malicious:.0%} poison by `{example.attack}`", simulate(poisoned))
    terms = parse_privacy_terms(example.privacy, example.rounds, example.samples, is_for_all=True)
    yield _way(
        f"ε = {terms.epsilon_milli / 1000:g}", simulate(Scenario(**common, privacy=make_privacy_numbers(terms)))
    )


def _train_alone(example: Example, task: Task, seat: int) -> Mapping[str, float]:
    template = Template.of(task, 0)
    trainer = Trainer(
        task,
        layout_of(template.model),
        seat=seat,
        seats=example.peers,
        seed=0,
        template=template,
        rounds=example.rounds,
    )
    state = trainer.make_initial()
    for number in range(1, example.rounds + 1):
        state = trainer.train(state, number)
    return trainer.evaluate(state)


def _way(name: str, found: Results) -> Way:
    honest = [row for row in found.rows if row.is_honest]
    last = [row for row in honest if row.round == max(row.round for row in honest)]
    rejected = sum(row.honest_rejected for row in honest)
    judged = rejected + sum(row.honest_accepted for row in honest)
    out = sum(row.quarantined or row.ejected for row in last)
    return Way(name, [row.figures for row in last], rejected / max(judged, 1), out)


def format_row(way: Way, figures: Sequence[str]) -> str:
    """A row of the table: each figure's mean over honest peers, and of the first the worst peer's."""
    main = find_main(figures)
    assert main is not None
    cells = [f"{mean(one[name] for one in way.figures):.3f}" for name in figures]
    worst = main.find_worst(one[main.name] for one in way.figures)
    rejected = "" if way.rejected is None else f"{way.rejected:.1%}, {way.quarantined}"
    return f"| {way.name} | {' | '.join([f'{cells[0]} / {worst:.3f}', *cells[1:]])} | {rejected} |"


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in NAMES:
        print(__doc__)
        return 0 if arguments[:1] in (["-h"], ["--help"]) else 2
    module = importlib.import_module(f"scripts.examples.{arguments[0]}")
    example: Example = module.EXAMPLE
    names = [f"{example.figures[0]}, mean / worst", *example.figures[1:]]
    try:
        print(f"|  | {' | '.join(names)} | honest peers rejected, quarantined |")
        print("|---|" + "---|" * (len(names) + 1))
        for way in measure(example, getattr(module, "RULE_PARAMETERS", {})):
            print(format_row(way, example.figures), flush=True)
    except (SetupError, UsageError) as error:
        print(error, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
