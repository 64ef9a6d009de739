"""A circle's first weights out of a file that anybody wrote: matched with the task's model, or refused by name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch

from ledger.arithmetic.exact import to_float
from ledger.blobs.contents.records import decode_genesis
from ledger.circle.manifest import Manifest
from ledger.errors import SetupError
from ledger.judging.circle_model import encode_model
from node.learning.layout import find_not_finite
from node.learning.learner import encode_genesis_blob
from node.learning.template import Template
from node.models.metadata import is_of_model
from node.models.model_file import FileHead, read_head
from node.models.verification import read_state
from node.tasks.frozen_values import FrozenValues
from node.tasks.interface import Task
from node.tasks.sharing import format_names, tensors_of

# What becomes float32 without a loss, and what is rounded to it. Anything else is refused: quantised weights, and
# what no training takes steps in.
_WIDENED: Final = {"F16": "float16", "BF16": "bfloat16"}
_ROUNDED: Final = {"F64": "float64"}
_TAKEN: Final = ("F32", "C64")


class FileTensors(Mapping[str, torch.Tensor]):
    """Name → tensor of a file, read when it is asked for."""

    def __init__(self, head: FileHead) -> None:
        self._head = head

    def __getitem__(self, name: str) -> torch.Tensor:
        if name not in self._head.tensors:
            raise KeyError(name)
        return torch.from_numpy(np.array(self._head.read_values(name)))

    def __contains__(self, name: object) -> bool:
        return name in self._head.tensors

    def __iter__(self) -> Iterator[str]:
        return iter(self._head.tensors)

    def __len__(self) -> int:
        return len(self._head.tensors)


def open_frozen(path: Path) -> FrozenValues:
    """The values of a file for a model's frozen tensors. Raises UnusableFile."""
    return FrozenValues(path, FileTensors(read_head(path)))


@dataclass(frozen=True)
class Beginning:
    """What a circle starts from, out of a file."""

    path: Path
    """The file."""
    task: Task
    """The task, its frozen part out of the file where that has one."""
    template: Template
    """Its model with the file's values."""
    frozen: tuple[str, ...]
    """The frozen tensors that came out of the file."""
    left: tuple[str, ...]
    """The file's tensors that stay at home with each peer, and so are nobody's first ones."""
    converted: tuple[str, ...]
    """Of shared tensors that were no float32: what became of them, a sentence each."""
    model: FileHead | None
    """The file, where it is a model taken out of a circle: its units and counts are gone on with."""


def begin_from(path: Path, task: Task, seed: int) -> Beginning:
    """Match a file with a task's model. Raises SetupError where names, shapes or kinds of numbers do not fit."""
    head = read_head(path)
    plain = Template.of(task, seed)
    groups = tensors_of(plain.model, task.spec)
    # By any of the names of tied tensors.
    places = {name: next((one for one in group if one in head.tensors), None) for name, group in groups.items()}
    _check_names(head, task, plain, places, {one for group in groups.values() for one in group})
    frozen = tuple(name for name in plain.parts.frozen if places[name] is not None)
    if frozen:
        task = replace(task, frozen_values=FrozenValues(path, FileTensors(head)))
        plain = Template.of(task, seed)
    shared, converted = _read_shared(head, task, plain, places)
    template = plain.holding(shared)
    if names := find_not_finite(template.layout, template.make_initial()):
        raise SetupError(f"{path}: {names[0]} has values that are not finite in float32: nothing can start from it")
    left = tuple(name for name in plain.parts.private if places[name] is not None)
    return Beginning(path, task, template, frozen, left, converted, head if is_of_model(head.metadata) else None)


def _check_names(
    head: FileHead, task: Task, plain: Template, places: Mapping[str, str | None], known: set[str]
) -> None:
    missing = [name for name in plain.parts.shared if places[name] is None]
    # All of what is frozen, or none of it: then the task loads it by itself.
    frozen = plain.parts.frozen
    if any(places[name] is not None for name in frozen):
        missing += [name for name in frozen if places[name] is None]
    extra = [name for name in head.tensors if name not in known]
    if not missing and not extra:
        return
    told = [f"it lacks {format_names(sorted(missing))}"] if missing else []
    told += [f"it has {format_names(extra)}, which the model has not"] if extra else []
    prefix = _find_prefix(missing, extra)
    hint = (
        f"the names are the same but for {prefix!r} before them: take that off" if prefix else "give it the task's"
    )
    raise SetupError(
        f"{head.path} does not fit the model of {task.spec}: {', and '.join(told)}; {hint}"
        + ("" if prefix else " names, as state_dict() has them")
    )


def _find_prefix(missing: list[str], extra: list[str]) -> str:
    """What stands before each of the file's names; empty where it is not that."""
    for name in extra:
        for wanted in missing:
            prefix = name.removesuffix(wanted) if name.endswith(f".{wanted}") else ""
            if prefix and all(f"{prefix}{one}" in extra for one in missing):
                return prefix
    return ""


def _read_shared(
    head: FileHead, task: Task, plain: Template, places: Mapping[str, str | None]
) -> tuple[dict[str, torch.Tensor], tuple[str, ...]]:
    """Name → values in the model's shape, and what was converted."""
    state, found, told = plain.model.state_dict(), dict[str, torch.Tensor](), list[str]()
    for name in plain.parts.shared:
        place = places[name]
        assert place is not None
        entry, target = head.tensors[place], state[name]
        pair = (*target.shape, 2) if target.is_complex() else None
        if entry.shape not in (tuple(target.shape), pair):
            raise SetupError(
                f"{head.path} does not fit the model of {task.spec}: {place} is {list(entry.shape)} in the file and"
                f" {list(target.shape)} in the model"
            )
        if entry.dtype not in (*_TAKEN, *_WIDENED, *_ROUNDED) or (entry.dtype == "C64") > target.is_complex():
            raise SetupError(
                f"{head.path}: {place} is {entry.dtype}, and the model trains {target.dtype}: give it as F32, or as"
                f" {', '.join((*_WIDENED, *_ROUNDED))}, which are converted"
            )
        values = torch.from_numpy(np.array(head.read_values(place)))
        if entry.shape == pair:
            values = torch.view_as_complex(values.to(torch.float32))
        found[name] = values
        if entry.dtype in _WIDENED:
            told.append(f"{place} was {_WIDENED[entry.dtype]}: the same numbers in float32")
        elif entry.dtype in _ROUNDED:
            told.append(f"{place} was {_ROUNDED[entry.dtype]}: rounded to float32")
    return found, tuple(told)


def use_own_units(beginning: Beginning, template: Template) -> Template:
    """The template in the units of the circle that the file was taken out of; as it is where it was not."""
    if beginning.model is None:
        return template
    facts, layout = beginning.model.read_facts(), template.layout
    if tuple(beginning.model.tensors) != layout.names:
        return template
    return template.in_units_of(replace(layout, exponents=facts.exponents))


def encode_beginning(beginning: Beginning, template: Template) -> bytes:
    """The genesis blob. Of a model taken out of a circle, in its units, it is the one of R31."""
    if beginning.model is not None and tuple(beginning.model.tensors) == template.layout.names:
        state, off = read_state(beginning.model, template.layout.tensors)
        if not off:
            return encode_model(state, tuple(tensor.size for tensor in template.layout.tensors))
    return encode_genesis_blob(template.make_initial(), template.layout.blocks)


def measure_coarseness(manifest: Manifest, genesis: bytes, template: Template) -> float:
    """How far the state that the blob holds is from the file's values, over their length; 0 where they are zeros.

    In the model's own units, all tensors together.
    """
    held, wanted = to_float(decode_genesis(genesis, manifest)), template.make_initial()
    apart = length = 0.0
    for tensor, here in zip(template.layout.tensors, template.layout.blocks.tensors, strict=True):
        unit = 2.0 ** (2 * tensor.exponent)
        apart += unit * float(np.square(held[here].astype(np.float64) - wanted[here]).sum())
        length += unit * float(np.square(wanted[here].astype(np.float64)).sum())
    return float(np.sqrt(apart / length)) if length else 0.0
