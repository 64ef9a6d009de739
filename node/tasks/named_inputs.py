"""Examples of several named tensors, such as the token numbers and the attention mask of texts."""

from collections.abc import Callable, Mapping
from typing import Any

import torch


class NamedInputs:
    """Tensors of one length by the names of the arguments that a model's forward() takes them as.

    Rows are taken from all of them at once, so whoever handles examples as one tensor may be given these instead.
    """

    def __init__(self, parts: Mapping[str, Any]) -> None:
        """parts: tensors or arrays, at least one. Raises ValueError unless they have one length."""
        self.parts = {str(name): torch.as_tensor(part) for name, part in parts.items()}
        lengths = {name: len(part) if part.ndim else None for name, part in self.parts.items()}
        if len(set(lengths.values())) != 1 or None in lengths.values():
            told = ", ".join(f"{name} {tuple(part.shape)}" for name, part in self.parts.items()) or "nothing"
            raise ValueError(f"named inputs must be tensors of one length, and hold {told}")

    def __len__(self) -> int:
        return len(next(iter(self.parts.values())))

    def __getitem__(self, rows: Any) -> "NamedInputs":
        return self._map(lambda part: part[rows])

    @property
    def shape(self) -> tuple[int, ...]:
        """How many examples there are; the parts have shapes of their own."""
        return (len(self),)

    @property
    def ndim(self) -> int:
        """One: of examples."""
        return 1

    def to(self, target: torch.device | torch.dtype) -> "NamedInputs":
        """On another device; or the parts that are floats in another dtype."""
        if isinstance(target, torch.dtype):
            return self._map(lambda part: part.to(target) if part.is_floating_point() else part)
        return self._map(lambda part: part.to(target))

    def _map(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "NamedInputs":
        return NamedInputs({name: change(part) for name, part in self.parts.items()})
