"""A rule of a user's own, whose faults become a sentence."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from ledger.arithmetic.exact import LARGEST, GridState
from ledger.errors import SetupError
from ledger.rules import trace_length
from ledger.rules.interface import Judgement, ScreeningInput, ScreeningResult, Weights
from ledger.rules.judge_memory import InvalidMemory, JudgeMemory
from node.own_code.own_objects import OwnObject

_MOST_FIGURES: Final = 16
_LONGEST_NAME: Final = 64
_LARGEST_FIGURE: Final = 1 << 127
_LARGEST_WEIGHT: Final = 1 << 53


class BadResult(SetupError):
    """What screen() gave is no outcome of a screening."""


class CheckedRule:
    """Judges as the user's object judges, once the outcome is one.

    What the object does not say is taken as the careful auditor takes it: that it needs the base, and all of a
    neighbour's company. Whether anyone can recompute it, it has to say. A rule that says so is asked twice about
    its first situation of each round, and has to answer alike.
    """

    def __init__(self, own: OwnObject) -> None:
        """Raises SetupError for an object that does not say whether it is replayable."""
        self._own = own
        said = own.read("is_replayable", None)
        if not isinstance(said, bool):
            raise SetupError(
                f"rule {own.spec} has no attribute is_replayable: set it to True where its outcome follows from"
                " public states in integers alone, so that anyone comes to the same bits, else to False"
            )
        self.is_replayable = said
        self.needs_base = bool(own.read("needs_base", True))
        self.needs_memory = bool(own.read("needs_memory", False))
        self.judges_each_alone = bool(own.read("judges_each_alone", False))
        self.trace_length = trace_length(own.value) if self.needs_memory else 0
        self._asked_twice_in = 0

    def screen(self, inputs: ScreeningInput) -> ScreeningResult:
        """What the object says of the situation; it sees no more of it than it says that it needs."""
        shown = _show(inputs, base=self.needs_base, memory=self.needs_memory, loss=not self.is_replayable)
        found = self._ask(shown)
        if self.is_replayable and inputs.round != self._asked_twice_in:
            self._asked_twice_in = inputs.round
            if not _is_same(found, self._ask(shown)):
                raise self._own.complain(
                    "screen",
                    "gave two outcomes for one situation: draw chance from inputs.seed and keep nothing between"
                    " calls, or set is_replayable to False",
                )
        return found

    def _ask(self, inputs: ScreeningInput) -> ScreeningResult:
        found = self._own.call("screen", inputs)
        try:
            with self._own.run("what screen() gave"):
                return check_result(found, inputs, self.trace_length)
        except BadResult as error:
            raise self._own.complain("screen", str(error)) from error


def check_result(found: Any, inputs: ScreeningInput, values: int) -> ScreeningResult:
    """The outcome in plain numbers. values: how many a trace of memory has. Raises BadResult."""
    if not isinstance(found, ScreeningResult):
        raise BadResult(f"gave a {type(found).__name__}: give a ScreeningResult")
    if set(found.judgements) != set(inputs.neighbours):
        raise BadResult(
            f"judged seats {sorted(found.judgements)}, and met {sorted(inputs.neighbours)}: judge each once"
        )
    mixed = frozenset(int(seat) for seat in found.mixed)
    if not mixed <= inputs.neighbours.keys():
        raise BadResult(f"mixed seats {sorted(mixed)}, and met {sorted(inputs.neighbours)}: mix neighbours alone")
    judgements = {seat: _check_judgement(seat, one) for seat, one in found.judgements.items()}
    base = _check_state(found.next_base, inputs.own.shape)
    return ScreeningResult(
        judgements, mixed, base, _check_memory(found.memory, values), _check_weights(found, mixed)
    )


def _check_judgement(seat: int, one: Any) -> Judgement:
    if not isinstance(one, Judgement) or not isinstance(one.accepted, bool | np.bool_):
        raise BadResult(f"judged seat {seat} with {one!r:.60}: give Judgement(True or False, figures)")
    figures = {str(name): int(value) for name, value in one.figures.items()}
    if figures != dict(one.figures):
        raise BadResult(f"gave seat {seat} figures that are no whole numbers: a record holds integers alone")
    if len(figures) > _MOST_FIGURES or any(len(name) > _LONGEST_NAME for name in figures):
        raise BadResult(f"gave seat {seat} more than {_MOST_FIGURES} figures, or one of a name too long")
    if any(abs(value) >= _LARGEST_FIGURE for value in figures.values()):
        raise BadResult(f"gave seat {seat} a figure beyond 2^127")
    return Judgement(bool(one.accepted), figures)


def _check_state(state: Any, shape: tuple[int, ...]) -> GridState:
    if not isinstance(state, np.ndarray) or state.shape != shape:
        given = f"of shape {state.shape}" if isinstance(state, np.ndarray) else f"a {type(state).__name__}"
        raise BadResult(f"gave a next_base {given}: give an array of shape {shape}")
    if state.dtype != np.int32:
        raise BadResult(f"gave a next_base of {state.dtype}: give int32 on the grid, see ledger.arithmetic.exact")
    if state.size and (int(state.max()) > LARGEST or int(state.min()) < -LARGEST):
        raise BadResult(f"gave a next_base with values beyond ±{LARGEST}, where the grid ends")
    return state


def _check_memory(memory: Any, values: int) -> JudgeMemory:
    if not isinstance(memory, JudgeMemory):
        raise BadResult(f"gave a memory that is a {type(memory).__name__}: give a JudgeMemory, or none")
    try:
        JudgeMemory.decode(memory.encode(), values)
    except InvalidMemory as error:
        raise BadResult(
            f"gave a memory that no checkpoint holds ({error}): see needs_memory, trace_length"
        ) from error
    return memory


def _check_weights(found: ScreeningResult, mixed: frozenset[int]) -> Weights | None:
    if (given := found.weights) is None:
        return None
    weights = Weights(int(given.own), {int(s): int(w) for s, w in given.others.items()}, int(given.base))
    parts = [weights.own, weights.base, *weights.others.values()]
    if not all(0 <= part <= _LARGEST_WEIGHT for part in parts) or weights.total == 0:
        raise BadResult("gave weights that are negative, or all 0")
    if not weights.others.keys() <= mixed:
        raise BadResult("gave weights of seats that it did not mix")
    return weights


def _show(inputs: ScreeningInput, *, base: bool, memory: bool, loss: bool) -> ScreeningInput:
    """The situation with states that nobody can write to, as all judges share them."""
    own = _locked(inputs.own)
    neighbours: Mapping[int, GridState] = {seat: _locked(state) for seat, state in inputs.neighbours.items()}
    return replace(
        inputs,
        base=_locked(inputs.base) if base else own,
        own=own,
        neighbours=neighbours,
        memory=inputs.memory if memory else JudgeMemory(),
        loss=inputs.loss if loss else None,
    )


def _locked(state: GridState) -> GridState:
    view = state.view()
    view.flags.writeable = False
    return view


def _is_same(one: ScreeningResult, other: ScreeningResult) -> bool:
    return (
        one.judgements == other.judgements
        and one.mixed == other.mixed
        and one.weights == other.weights
        and np.array_equal(one.next_base, other.next_base)
        and one.memory.digest() == other.memory.digest()
    )
