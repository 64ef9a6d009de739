"""What differential privacy costs: accuracy of circles with and without it, and the CPU time of a private round.

Accuracy: 8 peers of 1,000 Fashion-MNIST images, degree 4, TETHER, in the simulator, whose noise is predictable; so two
runs give the same. Time: a private round beside a plain epoch, for each kind of model that ships, on one thread.
Writes docs/results/privacy.md from docs/results/privacy.jsonl, which keeps every cell that was run.

Usage: python -m scripts.bench.privacy [--rounds 10 30] [--seeds 0] [--times-only | --screening | --tables-only]
With --screening, --epsilons 2 8 (both by default) says which rows are run.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import fmean
from typing import Any

# Before numpy is loaded.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import torch

from ledger.privacy.accountant import compute_rate, find_steps_within
from node.learning.layout import Vector
from node.learning.private.mechanism import Privacy
from node.learning.private.randomness import SystemRandomness
from node.learning.template import Template
from node.learning.training import Trainer
from node.simulator.predictable_randomness import PredictableTraining
from node.simulator.scenario import Scenario
from node.simulator.simulation import simulate
from node.tasks.interface import load_task
from scripts.bench import private_screening

RESULTS = Path(__file__).parents[2] / "docs" / "results"
CELLS, PAGE = RESULTS / "privacy.jsonl", RESULTS / "privacy.md"
SAMPLES, DELTA = 1000, Decimal("1e-5")
NOISELESS = 1e-9


@dataclass(frozen=True)
class Way:
    """How peers train."""

    epsilon: float | None
    """None for no privacy, infinite for cut gradients without noise."""
    batch: int = 250
    """Examples a step on average."""
    noise: float = 0.036
    """The deviation of the noise in each value of a published step; the learning rate follows from it."""
    steps: int = 4
    """Noisy steps a round."""
    clip: float = 1.0
    """The greatest length of one example's gradient."""

    @property
    def name(self) -> str:
        """As a heading."""
        if self.epsilon is None:
            return "no privacy"
        return "cut, no noise" if self.epsilon == float("inf") else f"ε {self.epsilon:g}"


WAYS = (
    Way(None),
    Way(float("inf")),
    Way(8),
    Way(8, batch=500),
    Way(8, noise=0.024),
    Way(4),
    Way(2),
    Way(2, batch=500),
    Way(2, noise=0.072),
    Way(1),
)
NOISELESS_RATE = 2.3


def find_sigma(way: Way, rounds: int) -> float:
    """The least noise, to four digits, with which the rounds stay within ε."""
    if way.epsilon == float("inf"):
        return NOISELESS
    assert way.epsilon is not None
    rate, milli = compute_rate(way.batch, SAMPLES), int(way.epsilon * 1000)
    low, high = 0.1, 1000.0
    while high / low > 1.00001:
        middle = (low * high) ** 0.5
        enough = find_steps_within(rate, Decimal(f"{middle:.6g}"), DELTA, milli) >= rounds * way.steps
        low, high = (low, middle) if enough else (middle, high)
    return float(f"{high * 1.00005:.5g}")


def choose_numbers(way: Way, rounds: int) -> dict[str, float]:
    """What peers train with, empty without privacy."""
    if way.epsilon is None:
        return {}
    sigma, lr = find_sigma(way, rounds), NOISELESS_RATE
    if sigma > NOISELESS:
        lr = float(f"{way.noise * way.batch / (way.steps**0.5 * sigma * way.clip):.2g}")
    return {"steps": way.steps, "batch": way.batch, "clip": way.clip, "sigma": sigma, "lr": lr}


def run_cell(way: Way, rounds: int, seed: int, skew: float) -> dict[str, Any]:
    """One simulated circle."""
    privacy = choose_numbers(way, rounds)
    scenario = Scenario(
        task="fashion-mnist",
        peers=8,
        rounds=rounds,
        degree=4,
        skew=skew,
        samples=SAMPLES,
        seed=seed,
        evaluate_every=rounds,
        test_examples=None,
        privacy=privacy,
    )
    found = simulate(scenario).summary
    return {
        "way": way.name,
        "rounds": rounds,
        "seed": seed,
        "skew": skew,
        "privacy": privacy,
        "accuracy": found.mean,
        "worst": found.worst,
        "rejected": found.false_reject,
    }


def measure_times() -> list[dict[str, Any]]:
    """CPU seconds of a plain round and of private ones, the best of several."""
    found = []
    for name in ("fashion-mnist", "fashion-mnist-cnn", "python-code"):
        task = load_task(name, skew=0.0, seed=0, samples=SAMPLES if name != "python-code" else 256)
        template = Template.of(task, 0)
        plain = Trainer(task, template.layout, seat=0, seats=8, seed=0, template=template)
        base = plain.make_initial()
        row: dict[str, Any] = {"task": name, "plain_s": best_of(plain, base)}
        examples = len(plain._data[1])
        for batch in (examples // 4, examples // 2):
            private = Trainer(
                task,
                template.layout,
                seat=0,
                seats=8,
                seed=0,
                template=template,
                private=SystemTraining({"steps": 4, "batch": batch, "clip": 1.0, "sigma": 2.0, "lr": 0.1}, 0, 0),
            )
            row[f"private_{4 * batch / examples:g}_s"] = best_of(private, base)
        found.append(row)
    return found


class SystemTraining(PredictableTraining):
    """With the noise that peers use."""

    def begin(self, round_number: int, examples: int) -> Privacy | None:
        predictable = super().begin(round_number, examples)
        return None if predictable is None else Privacy(predictable.mechanism, SystemRandomness())


def best_of(trainer: Trainer, base: Vector, times: int = 5) -> float:
    """The least CPU seconds of several rounds, after one to warm up."""
    trainer.train(base, 1)
    spent = []
    for _ in range(times):
        since = time.process_time()
        trainer.train(base, 1)
        spent.append(time.process_time() - since)
    return min(spent)


def write_page(
    cells: Iterable[dict[str, Any]], times: Iterable[dict[str, Any]], attacked: Iterable[dict[str, Any]]
) -> None:
    """The tables."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for cell in cells:
        key = (cell["skew"], cell["rounds"], cell["way"], json.dumps(cell["privacy"]))
        groups.setdefault(key, []).append(cell)
    lines = [
        "# What differential privacy costs",
        "",
        "Written by `scripts/bench/privacy.py` from `privacy.jsonl`. 8 peers of 1,000 Fashion-MNIST images, the perceptron of",
        "101,770 parameters, degree 4, rule `tether`, δ = 1e-5, in the simulator. Accuracy is that of the honest peers' next",
        "bases after the last round, on all 10,000 test images: mean, and the worst peer's. K steps a round of batch B at",
        "learning rate lr, gradients cut to length 1. s is the noise's deviation in each value of a published step.",
        "",
        "| skew | rounds | way | K | B | lr | σ | s | accuracy | worst | honest rejected | seeds |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (skew, rounds, way, _), some in sorted(groups.items(), key=lambda one: one[0][:2]):
        privacy = some[0]["privacy"]
        figures = ["", "", "", "", ""]
        if privacy:
            size = privacy["steps"] ** 0.5 * privacy["lr"] * privacy["sigma"] * privacy["clip"] / privacy["batch"]
            noisy = privacy["sigma"] > NOISELESS
            figures = [
                f"{privacy['steps']}",
                f"{privacy['batch']}",
                f"{privacy['lr']:g}",
                f"{privacy['sigma']:g}" if noisy else "0",
                f"{size:.4f}" if noisy else "0",
            ]
        means = [f"{fmean(one[name] for one in some):.4f}" for name in ("accuracy", "worst")]
        rejected = f"{100 * fmean(one['rejected'] for one in some):.1f} %"
        lines.append(
            "| " + " | ".join([f"{skew:g}", f"{rounds}", way, *figures, *means, rejected, f"{len(some)}"]) + " |"
        )
    lines += [
        "",
        *private_screening.describe_screening(attacked),
        "## CPU time of a round",
        "",
        "Training alone, on one thread: a plain round of the task beside four private steps that look at each example once",
        "(batch a quarter of the examples) and twice (half of them). `python-code` has no closed form here, so its gradients are taken",
        "one example at a time; its plain round is 16 steps of 16 windows, the private ones look at 256 windows once and twice.",
        "",
        "| task | plain, ms | private, once, ms | × | private, twice, ms | × |",
        "|---|---|---|---|---|---|",
    ]
    for row in times:
        plain, once, twice = (1000 * row[name] for name in ("plain_s", "private_1_s", "private_2_s"))
        lines.append(
            f"| {row['task']} | {plain:.0f} | {once:.0f} | {once / plain:.1f} | {twice:.0f} | {twice / plain:.1f} |"
        )
    lines.append(f"\n{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}.")
    PAGE.write_text("\n".join(lines) + "\n")


def main() -> None:
    """Run what is not there yet, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, nargs="+", default=[10, 30])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--skew", type=float, default=0.2)
    parser.add_argument("--times-only", action="store_true")
    parser.add_argument("--screening", action="store_true", help="attackers in noise alone")
    parser.add_argument("--epsilons", type=int, nargs="+", default=[2, 8], help="of --screening (default 2 8)")
    parser.add_argument("--tables-only", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = [json.loads(line) for line in CELLS.read_text().splitlines()] if CELLS.exists() else []
    cells, times = [row for row in rows if "way" in row], [row for row in rows if "task" in row]
    attacked = [row for row in rows if "attack" in row]
    if options.screening:
        numbers = {str(one): choose_numbers(Way(one), private_screening.ROUNDS) for one in options.epsilons}
        for cell in private_screening.run_screening(numbers, options.seeds, SAMPLES):
            print(json.dumps(cell), flush=True)
            attacked = [one for one in attacked if not private_screening.is_same(one, cell)] + [cell]
    elif not options.tables_only:
        times = measure_times()
        if not options.times_only:
            for rounds in options.rounds:
                for way in WAYS:
                    for seed in options.seeds:
                        cell = run_cell(way, rounds, seed, options.skew)
                        print(json.dumps(cell), flush=True)
                        cells = [one for one in cells if not is_same(one, cell)] + [cell]
    CELLS.write_text("".join(json.dumps(row) + "\n" for row in [*cells, *attacked, *times]))
    write_page(cells, times, attacked)


def is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two cells are of the same run."""
    return all(one[name] == other[name] for name in ("way", "rounds", "seed", "skew", "privacy"))


if __name__ == "__main__":
    main()
