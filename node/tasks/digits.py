"""Handwritten digits of 8 × 8 pixels: the smallest picture task, for machines without Fashion-MNIST.

Source: Alpaydin and Kaynak 1998, UCI Machine Learning Repository, doi:10.24432/C50P49 (its 1,797 test digits).
"""

import numpy as np
import torch
from torch import nn

from node.tasks.partition import partition
from node.tasks.sklearn_tables import read_table, split_held_out


class Digits:
    """A 64-64-10 network on a peer's share of 1,438 digits; judged on the other 359."""

    classes = 10
    learning_rate = 0.05  # few examples a peer: few and therefore longer steps
    batch_size = 16

    def __init__(self, skew: float = 0.0, seed: int = 0, samples: int = 1000) -> None:
        self.skew, self.seed, self.samples = skew, seed, samples
        table = read_table("digits.csv.gz", 65)
        self._pixels = torch.from_numpy(table[:, :64] / np.float32(16))
        self._labels = table[:, 64].astype(np.int64)
        self._train, self._test = split_held_out(len(table))

    def model(self) -> nn.Module:
        return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        """One seat's share: pixels (n, 64), float32 in 0..1, and labels (n,), int64."""
        labels = self._labels[self._train]
        shares = partition(labels, seats=seats, samples=self.samples, skew=self.skew, seed=self.seed)
        own = self._train[shares[seat]]
        return self._pixels[own], torch.from_numpy(self._labels[own])

    def test_set(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The digits held out, shaped as data() is."""
        return self._pixels[self._test], torch.from_numpy(self._labels[self._test])

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        x, y = self.test_set()
        return {"accuracy": (model(x).argmax(1) == y).float().mean().item()}
