"""Values for a model's frozen tensors out of a file, in place of those that model() gives them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch


@dataclass(frozen=True)
class FrozenValues:
    """Where frozen tensors come from."""

    path: Path
    """The file, to name it to a person."""
    tensors: Mapping[str, torch.Tensor]
    """Name → values. It may have more than are frozen, and may read each when it is asked for."""
