"""The part of a model that nobody trains: named by a digest in the manifest, the same on all peers, never sent."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import nn

from ledger.circle.manifest import FROZEN_MARK_DIGITS
from ledger.errors import SetupError
from node.tasks.frozen_values import FrozenValues
from node.tasks.sharing import format_names, tensors_of

_NEXT: Final = (
    "start the peer with the circle's own task file, and load what is frozen from the same file as all others"
    " (--frozen FILE, where the circle was deployed with --from-model): another release of torch may draw other"
    " values"
)


@dataclass(frozen=True)
class Frozen:
    """What the manifest says of the frozen tensors. Both are empty where there are none."""

    digest: str = ""
    """SHA-256 over the digests of all tensors in the order of their names, hex."""
    marks: str = ""
    """The first digits of each tensor's digest, one after the other: they tell which tensor differs."""


def digest_frozen(model: nn.Module, names: Sequence[str]) -> Frozen:
    """Digest a model's frozen tensors. names: ascending."""
    if not names:
        return Frozen()
    state = model.state_dict()
    digests = [digest_tensor(name, state[name]) for name in names]
    marks = "".join(digest.hex()[:FROZEN_MARK_DIGITS] for digest in digests)
    return Frozen(hashlib.sha256(b"".join(digests)).hexdigest(), marks)


def digest_tensor(name: str, tensor: torch.Tensor) -> bytes:
    """SHA-256 over name, dtype, shape and the values' bytes, in C order and little-endian (R3.2a). 32 bytes."""
    head = f"{name}\0{str(tensor.dtype).removeprefix('torch.')}\0{','.join(map(str, tensor.shape))}\0"
    return hashlib.sha256(head.encode() + read_tensor_bytes(tensor)).digest()


def read_tensor_bytes(tensor: torch.Tensor) -> bytes:
    """The values of a dense tensor, in C order."""
    flat = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes()


def load_frozen(model: nn.Module, names: Sequence[str], values: FrozenValues, spec: str) -> None:
    """Give a model's frozen tensors their values, in the model's own dtypes. names: of its frozen tensors.

    Raises SetupError where the file lacks one of them, or has it in another shape.
    """
    groups, state = tensors_of(model, spec), model.state_dict()
    places = {name: next((one for one in groups[name] if one in values.tensors), None) for name in names}
    if lacking := [name for name, place in places.items() if place is None]:
        raise SetupError(
            f"{values.path} lacks {format_names(lacking)}, frozen in {spec}: name the file that holds all that is"
            " frozen"
        )
    for name, place in places.items():
        assert place is not None
        there, here = values.tensors[place], state[name]
        if there.shape != here.shape:
            raise SetupError(
                f"{values.path} has {place} as {list(there.shape)}, and it is {list(here.shape)} in {spec}: name"
                " the file that belongs to this task"
            )
        if _find_kind(there) != _find_kind(here):
            raise SetupError(
                f"{values.path} has {place} as {there.dtype}, and it is {here.dtype} in {spec}: name a file whose"
                " frozen tensors are such numbers"
            )
        with torch.no_grad():
            here.copy_(there)


def _find_kind(tensor: torch.Tensor) -> str:
    if tensor.is_complex():
        return "complex"
    return "real" if tensor.is_floating_point() else "integer"


def check_frozen(names: Sequence[str], own: Frozen, pinned: Frozen) -> None:
    """Compare own frozen tensors with what the manifest pins. Raises SetupError naming the first that differs."""
    if own == pinned:
        return
    step = FROZEN_MARK_DIGITS
    ours, theirs = (
        [frozen.marks[i : i + step] for i in range(0, len(frozen.marks), step)] for frozen in (own, pinned)
    )
    if len(ours) != len(theirs):
        raise SetupError(
            f"this task's model has {len(ours)} frozen tensors, the circle's has {len(theirs)}: {_NEXT}"
        )
    different = [name for name, here, there in zip(names, ours, theirs, strict=True) if here != there]
    what = f"{different[0]}, which is frozen," if different else f"one of its {len(ours)} frozen tensors"
    raise SetupError(f"this task's model differs from the circle's in {what} by its values or its shape: {_NEXT}")
