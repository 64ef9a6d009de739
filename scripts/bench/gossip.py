"""What gossip costs against a server: FedAvg, and the network with and without the correction of its peers' leans.

    python -m scripts.bench.gossip --skew 0.9 --rounds 60 --seeds 0 1 2

Prints accuracies in points after the last round: of honest peers' bases the mean and the worst, of the circle's model
(R31: the lower median of all bases), and how far below FedAvg the three are. 20 peers of 1,000 Fashion-MNIST images with
10 neighbours each and all 10,000 test images take 30 CPU seconds a row.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ledger.arithmetic.exact import GridState
from ledger.errors import UsageError
from ledger.judging.circle_model import find_lower_median
from node.operating.merit import ACCURACY
from node.simulator import Scenario, simulate
from node.simulator.engine import LocalEngine
from node.simulator.simulation import SimulatedRound
from scripts.running import run


@dataclass(frozen=True)
class Line:
    """One way's accuracies, 0..1."""

    name: str
    """The way."""
    mean: float
    """Of honest peers' bases."""
    worst: float
    """Of the same."""
    circle: float
    """Of the circle's model."""
    rejected: float
    """Share of honest verdicts that reject an honest neighbour; NaN where nobody judges."""


def run_server(scenario: Scenario) -> Line:
    """FedAvg: everybody has the server's model."""
    summary = simulate(replace(scenario, baseline="fedavg")).summary
    if summary.main is None or summary.main.name != ACCURACY:
        raise UsageError(
            f"--task {scenario.task} is not judged by its accuracy, which is compared here: name another"
        )
    return Line("fedavg", summary.mean, summary.worst, summary.mean, float("nan"))


def run_network(name: str, scenario: Scenario) -> Line:
    """The network under the scenario."""
    engine, bases = LocalEngine(scenario), dict[int, GridState]()

    def keep(lap: SimulatedRound) -> None:
        bases.update({seat: one.carried.base for seat, one in lap.judged.items()})

    results = simulate(scenario, engine=engine, watch=keep)
    summary = results.summary
    circle = judge_model(engine, scenario, bases)
    return Line(name, summary.mean, summary.worst, circle, summary.false_reject)


def judge_model(engine: LocalEngine, scenario: Scenario, bases: Mapping[int, GridState]) -> float:
    """The accuracy of the lower median of these bases."""
    model = find_lower_median([bases[seat] for seat in sorted(bases)])
    return engine.evaluate(scenario.rounds, [0], model[None], [{}])[0]["accuracy"]


def compare(scenario: Scenario, correction: float) -> list[Line]:
    """All ways over the same data. correction: the share of the third."""
    ways = (("nothing corrected", 0.0), ("corrected", correction))
    lines = [run_network(name, replace(scenario, options={"correction": share})) for name, share in ways]
    return [run_server(scenario), *lines]


def show(lines: Sequence[Line], seed: int) -> None:
    server = lines[0].mean
    for one in lines:
        under = "  ".join(f"{100 * (server - figure):+6.2f}" for figure in (one.mean, one.worst, one.circle))
        print(
            f"seed {seed}  {one.name:17}  mean {100 * one.mean:5.2f}  worst {100 * one.worst:5.2f}"
            f"  circle {100 * one.circle:5.2f}  below fedavg {under}  honest rejected {one.rejected:.3f}",
            flush=True,
        )


def main() -> int:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--task", default="fashion-mnist")
    made.add_argument("--rule", default="tether")
    made.add_argument("--codec", default=Scenario.codec)
    made.add_argument("--peers", type=int, default=20)
    made.add_argument("--degree", type=int, default=10)
    made.add_argument("--samples", type=int, default=1000)
    made.add_argument("--rounds", type=int, default=60)
    made.add_argument("--skew", type=float, default=0.9)
    made.add_argument("--correction", type=float, default=0.9)
    made.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = made.parse_args()
    for seed in options.seeds:
        scenario = Scenario(
            task=options.task,
            rule=options.rule,
            codec=options.codec,
            peers=options.peers,
            degree=options.degree,
            samples=options.samples,
            rounds=options.rounds,
            skew=options.skew,
            seed=seed,
            evaluate_every=options.rounds,
            test_examples=None,
        )
        show(compare(scenario, options.correction), seed)
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
