"""A model as one flat vector: its shared tensors, float32, in ascending order of their names.

Each tensor is in a unit of its own, 2**exponent, so that the grid of public states holds all its values. A complex
tensor counts as a real one with a last dimension of two. A model keeps its own dtypes: values are cast where they
are taken out and where they are put back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ledger.circle.manifest import Tensor
from ledger.codec import Blocks, blocks_of
from ledger.errors import SetupError
from node.learning.domains import find_least
from node.tasks.sharing import DEFAULT, Parts, Sharing, parts_of

Vector = npt.NDArray[np.float32]

_NEXT: Final = "start the peer with the circle's own task file, its `shared` and `private` included"


@dataclass(frozen=True)
class Layout:
    """Which tensors lie in the flat vector, in order."""

    names: tuple[str, ...]
    """Ascending."""
    shapes: tuple[tuple[int, ...], ...]
    """One a name."""
    exponents: tuple[int, ...]
    """One a name: a tensor's unit, see `ledger.circle.manifest.Tensor`."""

    @classmethod
    def from_tensors(cls, tensors: Sequence[Tensor]) -> Self:
        """The layout that a manifest pins."""
        return cls(
            tuple(tensor.name for tensor in tensors),
            tuple(tensor.shape for tensor in tensors),
            tuple(tensor.exponent for tensor in tensors),
        )

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The layout as a manifest pins it."""
        return tuple(map(Tensor, self.names, self.shapes, self.exponents))

    @property
    def size(self) -> int:
        """Values in the flat vector."""
        return sum(prod(shape) for shape in self.shapes)

    @property
    def blocks(self) -> Blocks:
        """How codecs cut the flat vector."""
        return blocks_of(tuple(prod(shape) for shape in self.shapes))


def layout_of(model: nn.Module, sharing: Sharing = DEFAULT) -> Layout:
    """The layout of what is shared of a model, its values as they are. Raises SetupError; see parts_of."""
    return make_layout(model, parts_of(model, sharing))


def make_layout(model: nn.Module, parts: Parts) -> Layout:
    """The layout of a model whose parts are known, its values as they are."""
    state, names = model.state_dict(), parts.shared
    return Layout(names, tuple(tuple(as_real(state[name]).shape) for name in names), (0,) * len(names))


def check_layout(own: Layout, pinned: Layout) -> None:
    """Compare what a task shares with what the circle's manifest pins; the units are the manifest's to say.

    Raises SetupError naming the first difference.
    """
    ours, theirs = (dict(zip(layout.names, layout.shapes, strict=True)) for layout in (own, pinned))
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in theirs:
            raise SetupError(f"this task shares {name} {ours[name]}, which the circle does not: {_NEXT}")
        if name not in ours:
            raise SetupError(f"the circle shares {name} {theirs[name]}, which this task does not: {_NEXT}")
        if ours[name] != theirs[name]:
            raise SetupError(
                f"this is a model whose shapes differ from the circle's task: {name} is {ours[name]} here and"
                f" {theirs[name]} there; {_NEXT}"
            )


def flatten(model: nn.Module, layout: Layout) -> Vector:
    """Copy what is shared of a model into a new vector, each tensor in its unit. Returns (d,), float32."""
    vector = np.empty(layout.size, np.float32)
    state = model.state_dict()
    for tensor, here in zip(layout.tensors, layout.blocks.tensors, strict=True):
        vector[here] = as_real(state[tensor.name].detach()).to("cpu", torch.float32).reshape(-1).numpy()
        if tensor.exponent:
            vector[here] *= np.float32(2.0**-tensor.exponent)
    return vector


def load_into(model: nn.Module, layout: Layout, vector: Vector) -> None:
    """Copy a vector, each tensor in its unit, into a model; what is not shared stays, and what cannot be stays too.

    vector: (layout.size,), float32. Raises ValueError for another shape.
    """
    if vector.shape != (layout.size,):
        raise ValueError(f"the vector has shape {vector.shape}, the layout wants {(layout.size,)}")
    values = torch.from_numpy(vector if vector.flags.writeable else vector.copy())
    state = model.state_dict()
    with torch.no_grad():
        for tensor, here in zip(layout.tensors, layout.blocks.tensors, strict=True):
            part, target = values[here].view(tensor.shape), as_real(state[tensor.name])
            part = part * 2.0**tensor.exponent if tensor.exponent else part
            target.copy_(replace_outside_domain(tensor.name, part, target))


def replace_outside_domain(name: str, values: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """Values of a tensor whose domain is known, with one's own in place of those outside it.

    values, own: of one shape. Running statistics come from others: one negative variance, and a model answers NaN.
    """
    least = find_least(name)
    if least is None:
        return values
    return torch.where(torch.isfinite(values) & (values >= least), values, own.to(values.dtype))


def find_not_finite(layout: Layout, vector: Vector) -> list[str]:
    """The names of the tensors that hold NaN or infinity. vector: (layout.size,), float32."""
    parts = zip(layout.names, layout.blocks.tensors, strict=True)
    return [name for name, here in parts if not np.isfinite(vector[here]).all()]


def as_real(tensor: torch.Tensor) -> torch.Tensor:
    """A complex tensor seen with a last dimension of two; any other as it is."""
    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor
