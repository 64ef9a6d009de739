"""A task tried out before anything is paid for it: a round as a peer does it, a trip through the codec, a look."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import torch

from ledger.arithmetic.exact import to_float
from ledger.codec import PLAIN, encode, quantise
from ledger.errors import SetupError
from node.learning.grid_ranges import choose_exponents, find_misfits
from node.learning.layout import Vector, flatten
from node.learning.private.mechanism import PrivateTraining
from node.learning.private_part import PrivatePart
from node.learning.template import Template
from node.learning.training import Trainer
from node.tasks.interface import Task

# Slips of the task's author: it would fail alike on every machine, whatever data lie there.
_SLIPS: Final = (NameError, AttributeError, TypeError)


@dataclass(frozen=True)
class Rehearsal:
    """What came of it."""

    template: Template
    """The model, in the units that its tensors ask for."""
    figures: Mapping[str, float]
    """The task's figures for the last state, after its trip through the codec."""
    untried: str | None = None
    """Why training was not tried: data() gave nothing on this machine."""


def rehearse(
    task: Task,
    *,
    seed: int,
    seats: int,
    codec: str,
    private: PrivateTraining | None = None,
    template: Template | None = None,
    rounds: int | None = None,
) -> Rehearsal:
    """Make the model, train a round of seat 0 where it has data here, encode, decode, evaluate.

    seats: how many the circle starts with. private: of a circle with differential privacy. template: the model with
    the values to begin with; those that model() gives where it is None. rounds: the circle's last. Raises
    SetupError, naming tensor and method, where any of it fails.
    """
    plain = template or Template.of(task, seed)
    genesis = plain.make_initial()
    trained, kept, untried = _trained(task, plain, seats, seed, private, rounds)
    template = plain.in_units_of(choose_exponents(plain.layout, genesis, trained))
    blocks, first = template.layout.blocks, template.make_initial()
    _check_held(task.spec, "model()", template, first)
    state = quantise(first, blocks, PLAIN).state
    if trained is not None:
        wanted = flatten(plain.fill(trained, {}), template.layout)
        _check_held(task.spec, "train()" if task.trainer else "training on data()", template, wanted, first)
        state = encode(wanted, codec, blocks, None, state, state).state
    try:
        with torch.no_grad():
            return Rehearsal(
                template, task.evaluate(template.fill_for_answering(to_float(state), kept, None), 0), untried
            )
    except SetupError:
        if untried is None:
            raise
        return Rehearsal(template, {}, untried)  # what it judges by may be on other machines as well


def _trained(
    task: Task, template: Template, seats: int, seed: int, private: PrivateTraining | None, rounds: int | None
) -> tuple[Vector | None, PrivatePart, str | None]:
    """The state after a round of seat 0, its private part then, and why there is none."""
    try:
        trainer = Trainer(
            task,
            template.layout,
            seat=0,
            seats=seats,
            seed=seed,
            template=template,
            private=private,
            rounds=rounds,
        )
    except SetupError as error:
        if error.__cause__ is None or isinstance(error.__cause__, _SLIPS):
            raise
        # Its data() failed; what it gave was not wrong. The founder need not take part: others have data.
        return None, {}, str(error)
    return trainer.train(template.make_initial(), 1), trainer.private_parts.latest, None


def _check_held(spec: str, method: str, template: Template, vector: Vector, before: Vector | None = None) -> None:
    """before: what training began with. A tensor of zeros has nothing to lose by staying where it was.

    Such is a bias that the layer behind it takes out again: before a normalisation, or of an attention's keys.
    """
    parts = zip(template.layout.names, template.layout.blocks.tensors, strict=True)
    zeros = set() if before is None else {name for name, here in parts if not before[here].any()}
    for misfit in find_misfits(vector, template.layout):
        if not misfit.is_clipped and misfit.name in zeros:
            continue
        raise SetupError(
            f"{spec}: after {method}, {misfit}: scale its values, or keep it at home with"
            f" private = ({misfit.name!r},)"
        )
