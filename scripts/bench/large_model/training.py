"""The job: 784-3000-2500-10, 9.88 million float32 parameters (39.5 MB), on Fashion-MNIST. Both systems train by this.

It needs torch, numpy and the room `node/tasks`, so that it can be imported where only the other system is installed.
"""

from typing import Any

import torch
from torch import nn

from node.tasks.fashion_mnist import FashionMnist

RATE, BATCH, JUDGED = 0.05, 32, 500


class Large(FashionMnist):
    """A wide perceptron; a round is one pass over the peer's examples."""

    def model(self) -> nn.Module:
        return nn.Sequential(nn.Linear(784, 3000), nn.ReLU(), nn.Linear(3000, 2500), nn.ReLU(), nn.Linear(2500, 10))

    def train(self, model: nn.Module, data: Any, *, round: int, seed: int) -> None:  # noqa: ARG002
        """Plain SGD, in place."""
        x, y = data
        order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
        parameters = list(model.parameters())
        for rows in order.split(BATCH):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            with torch.no_grad():
                for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                    parameter.sub_(gradient, alpha=RATE)

    @torch.no_grad()
    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """On few examples, for it is the round that is measured."""
        x, y = (part[:JUDGED] for part in self.test_set())
        return {"accuracy": float((model(x).argmax(1) == y).float().mean())}
