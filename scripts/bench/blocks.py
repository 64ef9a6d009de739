"""Bytes a round of models with few and with many tensors: cut at each tensor, and as if all were one.

Every model trains for some rounds on Fashion-MNIST (the transformer on program text), and every codec publishes each
round's state: under `delta` a key frame first, then frames of differences, each relative to the last. Printed as a
Markdown table: the mean bytes of a round with blocks that begin anew at each tensor, with blocks that go on across
tensors, and how much more or less the former are; then, the one way : the other, how many tensors that moved have not
moved at all in what was published in the end (`silent`), and how far each tensor's published values are from the
wanted ones, as a part of how far it went, root of the mean square, mean over tensors (`off`).

Usage: python -m scripts.bench.blocks [--rounds 8] [--models mlp resnet]
"""

import argparse
import os
from collections.abc import Callable, Iterator

# Before numpy is loaded.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import numpy as np
import torch
from torch import nn

from ledger.arithmetic.exact import GridState, to_float
from ledger.codec import CODECS, Blocks, encode
from node.learning.layout import Layout, Vector, flatten, layout_of
from node.learning.training import train_by_choices
from node.tasks.interface import Task, load_task
from node.tasks.sharing import Sharing

CLASSES = 10


class Residual(nn.Module):
    """Two convolutions, each with its BatchNorm, beside a way straight through."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.way = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = nn.functional.relu(x + self.way(x))
        return found


def resnet() -> nn.Module:
    """Nine blocks of width 16: 19 convolutions and 19 BatchNorms of 16 channels."""
    stem = [nn.Conv2d(1, 16, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    return nn.Sequential(*stem, *(Residual(16) for _ in range(9)), nn.Flatten(), nn.Linear(16 * 14 * 14, CLASSES))


class Adapted(nn.Module):
    """A frozen linear layer and a pair of adapters of rank 4; the second of them starts from zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.frozen = nn.Linear(width, width).requires_grad_(False)
        self.a, self.b = nn.Parameter(torch.randn(4, width) * 0.1), nn.Parameter(torch.zeros(width, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = nn.functional.relu(x + self.frozen(x) + x @ self.a.T @ self.b.T)
        return found


def adapters() -> nn.Module:
    """Twelve such layers: 24 tensors of 256 values, and a head."""
    layers = (Adapted(64) for _ in range(12))
    return nn.Sequential(nn.AvgPool2d(4, 4, 2), nn.Flatten(), *layers, nn.Linear(64, CLASSES))


def loaded(name: str) -> Task:
    return load_task(name, skew=0.0, seed=0, samples=1000)


class Pictures:
    """Fashion-MNIST for a model of convolutions."""

    learning_rate = 0.01

    def __init__(self, model: Callable[[], nn.Module]) -> None:
        self.model = model

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        x, y = loaded("fashion-mnist").data(seat, seats)
        return x.reshape(-1, 1, 28, 28), y


def statistics_too(model: nn.Module) -> Layout:
    """The layout of all that is float, running statistics included."""
    return layout_of(model, Sharing(shared=("*",)))


# Name → the task, and what of its model is published.
MODELS: dict[str, tuple[Callable[[], Task], Callable[[nn.Module], Layout]]] = {
    "mlp": (lambda: loaded("fashion-mnist"), layout_of),
    "cnn": (lambda: loaded("fashion-mnist-cnn"), layout_of),
    "resnet": (lambda: Task("resnet", Pictures(resnet)), layout_of),
    "resnet and running statistics": (lambda: Task("resnet", Pictures(resnet)), statistics_too),
    "adapters": (lambda: Task("adapters", Pictures(adapters)), layout_of),
    "transformer": (lambda: loaded("python-code"), layout_of),
}


def states(task: Task, layout: Layout, model: nn.Module, rounds: int) -> Iterator[Vector]:
    """The untrained state, and that after each round."""
    data = task.data(0, 1)
    yield flatten(model, layout)
    for number in range(1, rounds + 1):
        model.train()
        if task.trainer is None:
            train_by_choices(model, data, task, number)
        else:
            task.train(model, data, round=number, seed=number, seat=0)
        yield flatten(model, layout)


def published(vectors: list[Vector], codec: str, blocks: Blocks) -> tuple[float, GridState]:
    """The mean bytes of a round, and the last public state."""
    genesis = encode(vectors[0], "int8", blocks).state
    last, payloads = genesis, []
    for number, vector in enumerate(vectors[1:]):
        previous = None if number == 0 else last
        frame = encode(vector, codec, blocks, previous, genesis, last)
        payloads.append(len(frame.payload))
        last = frame.state
    return float(np.mean(payloads)), last


def rows(name: str, rounds: int) -> Iterator[str]:
    made, chosen = MODELS[name]
    torch.manual_seed(0)
    task = made()
    model = task.model()
    layout = chosen(model)
    vectors = list(states(task, layout, model, rounds))
    for codec in CODECS:
        (apart, held), (joined, joint) = (
            published(vectors, codec, blocks) for blocks in (layout.blocks, Blocks((layout.size,)))
        )
        silence, error = zip(*(lost(layout, vectors, state) for state in (held, joint)), strict=True)
        facts = f"{layout.size:,} | {len(layout.names)} | {codec} | {apart:,.0f} | {joined:,.0f}"
        told = f"{silence[0]} : {silence[1]} | {100 * error[0]:.1f} : {100 * error[1]:.1f} %"
        yield f"| {name} | {facts} | {100 * (apart / joined - 1):+.1f} % | {told} |"


def lost(layout: Layout, vectors: list[Vector], state: GridState) -> tuple[int, float]:
    """How many tensors that moved are published where they began, and how far off tensors are of their way."""
    silent, off = 0, list[float]()
    for here in layout.blocks.tensors:
        wanted, moves = vectors[-1][here], vectors[-1][here] - vectors[0][here]
        if (length := float(np.linalg.norm(moves))) > 0:
            missed = float(np.linalg.norm(to_float(state[here]) - wanted))
            silent, off = silent + (missed >= 0.999 * length), [*off, missed / length]
    return silent, float(np.mean(off))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| model | values | tensors | codec | a block a tensor | blocks across | more | silent | off |")
    print("| --- | ---: | ---: | --- " + "| ---: " * 5 + "|")
    for name in options.models:
        for line in rows(name, options.rounds):
            print(line, flush=True)


if __name__ == "__main__":
    main()
