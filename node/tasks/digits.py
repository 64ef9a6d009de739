"""Handwritten digits of 8 × 8 pixels: the smallest picture task, for machines without Fashion-MNIST.

Source: Alpaydin and Kaynak 1998, UCI Machine Learning Repository, doi:10.24432/C50P49 (its 1,797 test digits).
"""

import numpy as np
from torch import nn

from node.tasks.sklearn_tables import TableTask, read_table


class Digits(TableTask):
    """A 64-64-10 network on a peer's share of 1,438 digits; judged on the other 359."""

    classes = 10
    learning_rate = 0.05  # few examples a peer: few and therefore longer steps
    batch_size = 16

    def __init__(self, skew: float = 0.0, seed: int = 0, samples: int = 1000) -> None:
        table = read_table("digits.csv.gz", 65)
        pixels, labels = table[:, :64] / np.float32(16), table[:, 64].astype(np.int64)
        super().__init__(pixels, labels, skew=skew, seed=seed, samples=samples)

    def model(self) -> nn.Module:
        return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        x, y = self.test_set()
        return {"accuracy": (model(x).argmax(1) == y).float().mean().item()}
