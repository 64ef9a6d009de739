"""Partitions by what is seen: all have the same mix of examples, and each its own camera."""

from math import isqrt

import numpy as np
import torch

from ledger.errors import UsageError
from node.partitions.interface import Partition


class Noise(Partition):
    """Each seat's examples carry noise of a strength of its own: seat i of n has x + N(0, variance · (i + 1) / n).

    variance: of the noisiest seat, in units of x² (the images here are standardised, to variance 1).
    Source: Li et al. 2022 (NIID-Bench), arXiv:2102.02079, section 4.2 (noise-based feature imbalance).
    """

    name = "noise"

    def __init__(self, variance: float = 0.1) -> None:
        if not 0 <= variance < float("inf"):
            raise ValueError(f"variance is {variance:g}, not a number from 0")
        self.variance = variance

    def see(self, x: torch.Tensor, seat: int, seats: int, rng: np.random.Generator) -> torch.Tensor:
        if not x.is_floating_point():
            raise UsageError("partition noise adds to numbers, and the task's x holds none that are not whole")
        noise = torch.from_numpy(rng.standard_normal(tuple(x.shape), dtype=np.float32))
        deviation = (self.variance * (seat + 1) / seats) ** 0.5
        return x + noise.to(x.dtype).mul_(deviation)


class Rotation(Partition):
    """Each seat sees its images turned: seat i by (i mod turns) quarter turns.

    turns: 2 to 4, how many directions there are. x holds square images, (n, …, side, side) or (n, side²).
    Source: Ghosh et al. 2020, arXiv:2006.04088, section 6 (rotated MNIST, by 0, 90, 180 and 270 degrees).
    """

    name = "rotation"

    def __init__(self, turns: float = 4) -> None:
        if turns not in (2, 3, 4):
            raise ValueError(f"turns is {turns:g}, not 2, 3 or 4")
        self.turns = int(turns)

    def see(self, x: torch.Tensor, seat: int, seats: int, rng: np.random.Generator) -> torch.Tensor:  # noqa: ARG002
        side = isqrt(x.shape[-1]) if x.ndim == 2 else x.shape[-1]
        if side * side != x.shape[-1] if x.ndim == 2 else x.ndim < 2 or x.shape[-2] != side:
            raise UsageError(
                f"partition rotation turns square images, and the task's x is of shape {tuple(x.shape)}"
            )
        images = x.reshape(len(x), side, side) if x.ndim == 2 else x
        return torch.rot90(images, seat % self.turns, (-2, -1)).reshape(x.shape).contiguous()
