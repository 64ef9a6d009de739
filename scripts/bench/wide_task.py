"""A job of a million parameters, in which one seat may be slower than the others: 784-1024-192-10 on Fashion-MNIST."""

import time
from typing import Any

import torch
from torch import nn

from node.tasks.fashion_mnist import FashionMnist

PARAMETERS = 1_002_570
_RATE, _BATCH, _JUDGED = 0.05, 32, 2000


class Wide(FashionMnist):
    """A round is one pass over the peer's examples by plain SGD."""

    def __init__(
        self,
        skew: float = 0.0,
        seed: int = 0,
        samples: int = 1000,
        slow_seat: int = -1,
        times: float = 10.0,
        one_in: int = 1,
    ) -> None:
        """slow_seat: takes so many `times` what its steps take; in one of `one_in` rounds, in the others nothing more."""
        super().__init__(skew, seed, samples)
        self._slow_seat, self._times, self._one_in = slow_seat, times, one_in

    def model(self) -> nn.Module:
        return nn.Sequential(nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 192), nn.ReLU(), nn.Linear(192, 10))

    def train(self, model: nn.Module, data: Any, *, round: int, seed: int, seat: int) -> None:
        """In place."""
        x, y = data
        order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
        parameters = list(model.parameters())
        is_slow = seat == self._slow_seat and round % self._one_in == 0
        for rows in order.split(_BATCH):
            begun_s = time.monotonic()
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            with torch.no_grad():
                for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                    parameter.sub_(gradient, alpha=_RATE)
            if is_slow:
                time.sleep((self._times - 1) * (time.monotonic() - begun_s))

    @torch.no_grad()
    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """On a part of the test images, alike for all peers."""
        x, y = (part[:_JUDGED] for part in self.test_set())
        return {"accuracy": float((model(x).argmax(1) == y).float().mean())}
