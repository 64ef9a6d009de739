"""Running statistics shared, or at home: the accuracy of a small ResNet with BatchNorm over the 8 x 8 digits.

Eight peers of 150 digits each, judged on the 359 held out. Three ways: `shared` mixes the statistics like parameters,
`as-left` keeps each peer's own as its training left them, `home` keeps them and takes them anew over own data before a
model is judged, as is the default. Printed as a Markdown table: mean error of honest peers (worst) after the last
round, for each skew and attack, means over the seeds.

Usage: python -m scripts.bench.running_statistics [--rounds 15] [--seeds 1 2] [--rule tether] [--ways shared]
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

# Before numpy is loaded.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import torch
from torch import nn

from node.learning.training import train_by_choices
from node.simulator import Scenario, simulate
from node.tasks.digits import Digits
from node.tasks.interface import Task

# Skew, attack, and the seats that attack.
SETTINGS = (
    (0.2, "honest", ()),
    (0.9, "honest", ()),
    (0.2, "sign-flip", (1, 5)),
    (0.9, "sign-flip", (1, 5)),
    (0.2, "buffer", (1,)),
    (0.9, "buffer", (1,)),
)


WAYS = {"shared": "Shared", "as-left": "AsLeft", "home": "Home"}


class Residual(nn.Module):
    """Two convolutions, each with its BatchNorm, beside a short way."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside)
        self.second, self.last = nn.Conv2d(outside, outside, 3, 1, 1, bias=False), nn.BatchNorm2d(outside)
        self.short = nn.Conv2d(inside, outside, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        way = self.last(self.second(torch.relu(self.norm(self.first(x)))))
        return torch.relu(way + self.short(x))


class Home(Digits):
    """The default."""

    learning_rate = 0.05

    def model(self) -> nn.Module:
        body = Residual(1, 8, 1), Residual(8, 16, 2), Residual(16, 32, 2)
        return nn.Sequential(nn.Unflatten(1, (1, 8, 8)), *body, nn.AvgPool2d(2), nn.Flatten(), nn.Linear(32, 10))


class Shared(Home):
    shared = ("*",)


class AsLeft(Home):
    """With a train() of its own, the program does not know what the model takes, and leaves the statistics alone."""

    def train(self, model: nn.Module, data: tuple[torch.Tensor, torch.Tensor], *, round: int, seed: int) -> None:  # noqa: ARG002
        train_by_choices(model, data, Task("as-left", self), seed)


def cells(options: argparse.Namespace) -> Iterator[tuple[str, float, str, float, float]]:
    """Way, skew, attack, mean and worst error."""
    for way in options.ways:
        name = WAYS[way]
        for skew, attack, hostile in SETTINGS:
            found = [
                simulate(
                    Scenario(
                        task=f"{Path(__file__).resolve()}:{name}",
                        peers=8,
                        rounds=options.rounds,
                        degree=4,
                        samples=150,
                        rule=options.rule,
                        skew=skew,
                        attack=attack,
                        malicious=hostile if attack != "honest" else 0.0,
                        seed=seed,
                        evaluate_every=options.rounds,
                        test_examples=None,
                    )
                ).summary
                for seed in options.seeds
            ]
            yield way, skew, attack, fmean(s.mean_error for s in found), fmean(s.worst_error for s in found)


def main() -> None:
    """Print the table, a cell a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rule", default="tether")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    options = parser.parse_args()
    print("| statistics | skew | attack | mean error | worst |\n|---|---|---|---|---|", flush=True)
    for way, skew, attack, mean, worst in cells(options):
        print(f"| {way} | {skew} | {attack} | {mean:.3f} | {worst:.3f} |", flush=True)


if __name__ == "__main__":
    main()
