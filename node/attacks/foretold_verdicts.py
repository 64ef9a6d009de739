"""What honest judges would say to a poison, by the circle's own rule and what they are known to hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ledger.arithmetic.exact import GRID_BITS, LARGEST, GridState
from ledger.circle.draw import draw_neighbours, mask_of
from ledger.judging.noise_floor import find_noise_floor
from ledger.rules import ScreeningInput
from ledger.rules.judge_memory import JudgeMemory
from node.attacks.view import PeerView, Vector

_FIRST_TENURE: Final = 1
# What else a poisoner draws by the round's number uses other numbers.
_DRAW: Final = 3


@dataclass(frozen=True)
class ForetoldJudge:
    """An honest judge and whom it would meet."""

    judge: int
    """The judge's seat."""
    met: tuple[int, ...]
    """Its neighbours' seats."""
    poisoners: tuple[int, ...]
    """The seats of those of them that collude."""


def choose_judges(view: PeerView, most: int) -> list[ForetoldJudge]:
    """Some honest judges, and neighbours drawn for them as a round draws them, by a seed of one's own.

    Fewer than `most` where fewer are known or would meet a poisoner. The same for all poisoners of a round.
    """
    colluders = {*view.colluders, view.seat}
    drawn = view.make_agreed_generator(_DRAW, view.round)
    linked = draw_neighbours(drawn.bytes(32), mask_of([*{*view.honest, *colluders}]), view.degree)
    judges = [int(seat) for seat in drawn.permutation(sorted(view.honest))]
    found = [
        ForetoldJudge(seat, linked[seat], tuple(sorted(colluders.intersection(linked[seat])))) for seat in judges
    ]
    return [one for one in found if one.poisoners][:most]


def foretell_mixed_share(
    view: PeerView, judges: list[ForetoldJudge], honest: Mapping[int, GridState], poison: Mapping[int, GridState]
) -> float:
    """Which share of the poisoners met these judges would mix in; 1 where none is met, or where nobody
    but the judge can tell.

    honest, poison: seat → what it publishes, on the grid.
    """
    if not view.rule.is_replayable:
        return 1.0
    met = mixed = 0
    for one in judges:
        states = {seat: poison[seat] if seat in poison else honest[seat] for seat in one.met}
        memory = view.memories.get(one.judge, JudgeMemory())
        outcome = view.rule.screen(
            ScreeningInput(
                base=round_to_grid(view.bases.get(one.judge, view.base)),
                own=honest[one.judge],
                neighbours=states,
                eligible=frozenset(states),
                round=view.round,
                rounds=view.rounds,
                judge=one.judge,
                seed=view.make_agreed_generator(_DRAW, view.round, one.judge).bytes(32),
                tenures={seat: _tenure(memory, seat) for seat in (*states, one.judge)},
                memory=memory,
                noise_floors=_find_noise_floors(view, {**states, one.judge: honest[one.judge]}),
            )
        )
        met += len(one.poisoners)
        mixed += len(outcome.mixed.intersection(one.poisoners))
    return mixed / met if met else 1.0


def _find_noise_floors(view: PeerView, states: Mapping[int, GridState]) -> dict[int, int] | None:
    if (variance := view.noise_variance) is None:
        return None
    return {seat: find_noise_floor(state, view.layout, variance) for seat, state in states.items()}


def round_to_grid(vector: Vector) -> GridState:
    """The nearest public state, without the codec's rounding."""
    found: GridState = np.clip(np.rint(vector * np.float32(1 << GRID_BITS)), -LARGEST, LARGEST).astype(np.int32)
    return found


def _tenure(memory: JudgeMemory, seat: int) -> int:
    trace = memory.traces.get(seat)
    return _FIRST_TENURE if trace is None else trace.tenure
