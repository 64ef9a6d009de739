"""A model's figures on the task's held-out data, beside those of a circle's model and of its seats' bases."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from ledger.arithmetic.exact import GridState, to_float
from ledger.circle.history import History
from ledger.circle.manifest import Manifest
from ledger.errors import SetupError
from ledger.judging.circle_model import find_base_round, find_lower_median, find_model_round, find_model_seats
from node.duties.circle_model import BaseLacking, ModelState
from node.learning.genesis import make_agreed_template
from node.learning.layout import Vector
from node.learning.private_part import PrivatePart, PrivateParts
from node.models.model_file import FileHead, UnusableFile
from node.models.taking_out import Source
from node.models.verification import compare_layout
from node.operating.data_folder import FolderPlaces
from node.state.peer_state import StateFile
from node.tasks.interface import Task
from node.tasks.losses import TaskLoss
from node.tasks.pairs import fit_dtype

LOSS = "loss"


@dataclass(frozen=True)
class OwnPart:
    """What a peer of the circle answers with beside the shared tensors."""

    seat: int
    """Its seat: whose data() are its examples."""
    seats: int
    """How many data() is told there are."""
    private: PrivatePart
    """The private part of its model."""


@dataclass(frozen=True)
class Evaluated:
    """One row."""

    name: str
    """Which model."""
    seat: int | None
    """Whose base, None where it is nobody's."""
    round: int | None
    """The round that it belongs to, None where that is not known."""
    figures: Mapping[str, float]
    """Name → figure; empty where there are none."""
    lacking: BaseLacking | None = None
    """Why there are none."""


class Judge:
    """A circle's task with its model, ready to answer."""

    def __init__(self, task: Task, manifest: Manifest, own: OwnPart | None) -> None:
        """own: answers as this peer does; None: with what the task makes. Raises SetupError for another task."""
        self._task, self._template = task, make_agreed_template(task, manifest)
        self._kept: PrivatePart = {}
        self._seat = None if own is None else own.seat
        self._examples: torch.Tensor | None = None
        if own is not None:
            self._kept = own.private
            self._template.check_kept(self._kept)
            if task.trainer is None:
                self._examples = fit_dtype(self._template.model, task.data(own.seat, own.seats)[0])

    @property
    def at_home(self) -> tuple[str, ...]:
        """The tensors that no shared model holds."""
        return self._template.parts.private

    def judge(self, vector: Vector) -> dict[str, float]:
        """The task's figures, and the mean loss where it can be told. vector: (d,), float32."""
        with torch.no_grad():
            model = self._template.fill_for_answering(vector, self._kept, self._examples)
            figures = self._task.evaluate(model, self._seat)
            loss = None if LOSS in figures else self._compute_loss(model)
        if not figures:
            raise SetupError(
                f"{self._task.spec} has no evaluate(), so there is nothing to measure a model by: give it one"
            )
        return figures if loss is None else figures | {LOSS: loss}

    def _compute_loss(self, model: nn.Module) -> float | None:
        """On the task's test_set(); None where it has none, or trains in a way of its own."""
        if self._task.trainer is not None or not hasattr(self._task.definition, "test_set"):
            return None
        with self._task.run_user_code("the model on test_set()"):
            x, y = (torch.as_tensor(part) for part in self._task.definition.test_set())
            if self._task.choices.loss is None and y.is_floating_point():
                return None
            loss = TaskLoss(self._task.spec, self._task.choices, y)
            return float(loss.compute_values(model, fit_dtype(model, x), y).mean())


def read_vector(head: FileHead, manifest: Manifest) -> Vector:
    """The values of a file with a circle's tensors, in the circle's units, (d,), float32. Raises UnusableFile."""
    if told := compare_layout(head, manifest.layout):
        raise UnusableFile(f"{head.path} is no model of that circle: {told[0]}")
    vector, at = np.empty(manifest.state_size, np.float32), 0
    for tensor in manifest.layout:
        values: Any = head.read_values(tensor.name).reshape(-1)
        vector[at : at + tensor.size] = values * np.float32(2.0**-tensor.exponent)
        at += tensor.size
    return vector


def find_own_part(places: FolderPlaces, history: History, network: bytes) -> OwnPart | None:
    """What the node of a folder answers with; None where it has published nothing in this circle."""
    if not places.state.exists():
        return None
    state = StateFile(places.state).load(network, history.manifest.state_size)
    made = {} if state is None else {one.round: one.digest for one in state.commits}
    for round_ in reversed(history.rounds):
        for seat, digest in round_.commits.items():
            if made.get(round_.number) == digest:
                seats = max(history.terms.start_seats, seat + 1)
                return OwnPart(seat, seats, PrivateParts.load(places.private, network).latest)
    return None


@dataclass(frozen=True)
class RoundModels:
    """All models of a round; in place of one what it lacks to be recomputed."""

    model: ModelState | BaseLacking
    """The circle's."""
    bases: Mapping[int, ModelState | BaseLacking]
    """Seat → its base, of those that have one of their own."""


async def recompute_round(source: Source, number: int) -> RoundModels:
    """All models of a settled round, 0 for the genesis. Raises as `recompute_model` does, but for BaseLacking."""
    history, bases = source.history, dict[int, ModelState | BaseLacking]()
    made_of = find_model_round(history, number)
    for seat in sorted(history.seats if number else ()):
        if find_base_round(history, number, seat) is None:
            continue
        try:
            bases[seat] = await source.recompute(number, seat)
        except BaseLacking as lacking:
            bases[seat] = lacking
    if made_of is None or made_of.number < number:
        try:
            return RoundModels(await source.recompute(number, None), bases)
        except BaseLacking as lacking:
            return RoundModels(lacking, bases)
    seats, states = find_model_seats(history, made_of), list[GridState]()
    for seat in seats:
        base = bases[seat]
        if isinstance(base, BaseLacking):
            return RoundModels(base, bases)
        states.append(base.state)
    return RoundModels(ModelState(number, None, seats, find_lower_median(states)), bases)


def evaluate_round(judge: Judge, found: RoundModels) -> list[Evaluated]:
    """A row for each model: the circle's, then the seats' bases."""
    named: list[tuple[str, int | None, ModelState | BaseLacking]] = [("the circle's model", None, found.model)]
    named += [(f"seat {seat}", seat, base) for seat, base in found.bases.items()]
    return [_evaluate(judge, *one) for one in named]


def _evaluate(judge: Judge, name: str, seat: int | None, found: ModelState | BaseLacking) -> Evaluated:
    if isinstance(found, BaseLacking):
        return Evaluated(name, seat, found.round_number, {}, found)
    return Evaluated(name, seat, found.round, judge.judge(to_float(found.state)))
