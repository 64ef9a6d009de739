"""What a model's file is, by chain and blobs: which circle, round and seat, or where it is not what it says."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from ledger.arithmetic.exact import GridState
from ledger.blobs.contents.records import state_digest
from ledger.circle.manifest import Tensor
from ledger.errors import SetupError
from ledger.judging.circle_model import find_last_settled
from node.duties.circle_model import ModelState
from node.models.metadata import CIRCLE, ModelFacts
from node.models.model_file import FLOAT32, FileHead, encode_model_file, to_counts, to_values
from node.models.search import Progress, Search, find_model
from node.models.taking_out import Source
from node.models.tensor_differences import TensorDifference, measure_difference


@dataclass(frozen=True)
class MetadataDifference:
    """A line of the metadata that is not as it must be."""

    name: str
    """Of the line."""
    says: str | None
    """What the file has; None where it lacks the line."""
    should: str | None
    """What a file of this model has; None where it has no such line."""


@dataclass(frozen=True)
class Verification:
    """What came of it."""

    model: ModelFacts | None
    """The model of the circle that its values are; None where they are none."""
    claimed: ModelFacts | None
    """The model of the circle that it says to be; None where it names none that the circle has."""
    metadata: tuple[MetadataDifference, ...] = ()
    """Where its metadata are not those of the model that it is, or else says to be."""
    layout: tuple[str, ...] = ()
    """Where its tensors are other ones than the circle's, a sentence each."""
    tensors: tuple[TensorDifference, ...] = ()
    """Those whose values are not those of the model that it says to be."""
    off_grid: tuple[str, ...] = ()
    """The tensors with values that no model of the circle can have."""
    search: Search | None = None
    """Of the circle's other models, where it is not the one that it says to be."""
    is_same_file: bool = False
    """Whether it is, to the byte, what `folkmoot model export` writes."""

    @property
    def is_clean(self) -> bool:
        """Whether it is a model of the circle and says of itself what is so."""
        return self.model is not None and not self.metadata and not self.layout


async def verify_model(head: FileHead, source: Source, progress: Progress | None = None) -> Verification:
    """Compare a file with what chain and blobs give. progress: of the search for another model that it may be.

    Raises as `recompute_model` does where the model that it says to be cannot be recomputed.
    """
    claim = await _recompute_claimed(head.metadata, source)
    claimed = None if claim is None else source.make_facts(claim)
    if layout := compare_layout(head, source.layout):
        return Verification(None, claimed, compare_metadata(head.metadata, claimed), tuple(layout))
    state, off_grid = await asyncio.to_thread(read_state, head, source.layout)
    if claim is not None and claimed is not None:
        if not off_grid and np.array_equal(state, claim.state):
            same = await asyncio.to_thread(_is_same_file, head, claimed, source.layout, state)
            return Verification(claimed, claimed, compare_metadata(head.metadata, claimed), is_same_file=same)
        tensors = await asyncio.to_thread(compare_values, head, source.layout, claim.state)
    else:
        tensors = ()
    found, search = None, None
    if not off_grid:
        search = await find_model(source, state_digest(state), progress)
        found = None if search.found is None else source.make_facts(search.found)
    differing = compare_metadata(head.metadata, found or claimed)
    return Verification(found, claimed, differing, (), tensors, off_grid, search)


def compare_layout(head: FileHead, layout: tuple[Tensor, ...]) -> list[str]:
    """Where a file's tensors are not those of a circle, a sentence each."""
    told = [f"{tensor.name} is not in it" for tensor in layout if tensor.name not in head.tensors]
    known = {tensor.name: tensor for tensor in layout}
    for name, here in head.tensors.items():
        if name not in known:
            told.append(f"{name} is in it, and the circle shares no such tensor")
        elif here.shape != known[name].shape:
            told.append(f"{name} is {list(here.shape)}, and {list(known[name].shape)} in the circle")
        elif here.dtype != FLOAT32:
            told.append(f"{name} is {here.dtype}: a model is handed on as {FLOAT32}")
    return told


def compare_metadata(metadata: Mapping[str, str], facts: ModelFacts | None) -> tuple[MetadataDifference, ...]:
    """Where metadata are not those of a model. facts: None where there is nothing to compare them with."""
    if facts is None:
        return ()
    wanted = facts.encode()
    names = sorted(metadata.keys() | wanted.keys())
    pairs = [MetadataDifference(name, metadata.get(name), wanted.get(name)) for name in names]
    return tuple(pair for pair in pairs if pair.says != pair.should)


def compare_values(head: FileHead, layout: tuple[Tensor, ...], state: GridState) -> tuple[TensorDifference, ...]:
    """How far each tensor of a file of this layout is from a state's; those that are the same are left out."""
    found, at = [], 0
    for tensor in layout:
        wanted = to_values(state[at : at + prod(tensor.shape)], tensor.exponent)
        found.append(measure_difference(tensor.name, wanted, head.read_values(tensor.name)))
        at += tensor.size
    return tuple(one for one in found if one.differing)


def read_state(head: FileHead, layout: tuple[Tensor, ...]) -> tuple[GridState, tuple[str, ...]]:
    """The state, (d,), int32, of a file of this layout, and the names of tensors with values that none has."""
    state, off_grid, at = np.empty(sum(tensor.size for tensor in layout), np.int32), [], 0
    for tensor in layout:
        state[at : at + tensor.size], off = to_counts(head.read_values(tensor.name), tensor.exponent)
        at += tensor.size
        if off.any():
            off_grid.append(tensor.name)
    return state, tuple(off_grid)


def _is_same_file(head: FileHead, facts: ModelFacts, layout: tuple[Tensor, ...], state: GridState) -> bool:
    return head.path.read_bytes() == encode_model_file(facts, layout, state)


async def _recompute_claimed(metadata: Mapping[str, str], source: Source) -> ModelState | None:
    """The model that a file says to be, as far as it names one of this circle's; None where it names none."""
    number, seat = _parse(metadata.get("round", "")), metadata.get("seat", "")
    if number is None or number > find_last_settled(source.history):
        return None
    if seat == CIRCLE:
        return await source.recompute(number, None)
    of = _parse(seat)
    if of is None or of not in source.history.seats:
        return None
    try:
        return await source.recompute(number, of)
    except SetupError:
        return None  # it had none of its own then


def _parse(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
