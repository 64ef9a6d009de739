"""What a peer learns apart from the others, and how much of it it holds back.

A mixture holds only some of the circle's peers, others each round, so a base leans towards the data of those that
were in it last. What a peer's training adds beyond what the circle makes of it is much the same from round to round
where its data are one-sided: its *lean*. A task may have a share of it, `hold_back`, left out of what a peer
publishes; by default none is. All leans together are nothing, so what peers learn as a whole stays; what is left of
their steps is alike, and it matters less who was in.

Where others push the circle aside, honest trainings lean against it, and who held that back would help them. So a
peer begins with little, until it has seen whom to reject, and who rejects many holds nothing back.

Nothing that anybody checks knows of it: a peer publishes what it likes, and is judged by that.
Source: a control variate for the sampling of neighbours, as MIFA's memory of absent clients, Gu et al. 2021,
arXiv:2106.04159, and SCAFFOLD's, Karimireddy et al. 2020, arXiv:1910.06378, from what a peer has anyway.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ledger.arithmetic.exact import GridState, to_float
from ledger.circle.round import Round
from node.learning.layout import Vector

MEMORY: Final = 0.8
"""What the averages keep of themselves in a round."""
LOOKED_BACK: Final = 20
"""Rounds whose verdicts count."""
OF_LATE: Final = 10
"""Of these, rounds whose rejections count."""
ENOUGH: Final = 80
"""So many verdicts, and the whole share is held back; of fewer as much less."""
TOLERATED: Final = 0.15
"""The share of rejected neighbours up to which the whole share is held back."""
REJECTED_AT_MOST: Final = 0.35
"""That from which on nothing is."""
_LONGEST: Final = 2.0
"""Times the usual move, the most that a step is taken to have along it."""


@dataclass(frozen=True)
class Verdicts:
    """How a peer has judged in the last rounds."""

    judged: int = ENOUGH
    """Neighbours in the last LOOKED_BACK rounds."""
    rejected: float = 0.0
    """The share of those that it rejected, in the last OF_LATE rounds."""

    @classmethod
    def of(cls, rounds: Sequence[Round], seat: int) -> "Verdicts":
        """A seat's. rounds: all until now, or the last LOOKED_BACK of them."""
        said = [(one.number, one.attestations[seat]) for one in rounds[-LOOKED_BACK:] if seat in one.attestations]
        late = [one for number, one in said if number > rounds[-1].number - OF_LATE]
        accepted = sum((one.accepted & one.judged).bit_count() for one in late)
        judged = sum(one.judged.bit_count() for one in late)
        return cls(sum(one.judged.bit_count() for _, one in said), (judged - accepted) / judged if judged else 0.0)

    @property
    def weight(self) -> float:
        """What part of its share the peer holds back, 0..1."""
        trusting = (REJECTED_AT_MOST - self.rejected) / (REJECTED_AT_MOST - TOLERATED)
        return min(self.judged / ENOUGH, 1.0) * min(max(trusting, 0.0), 1.0)


@dataclass(frozen=True)
class Lean:
    """What a peer's training usually adds, and what the circle usually makes of its base."""

    step: Vector
    """Moving average of what training added, from zero; (d,), float32."""
    move: Vector
    """That of what the base moved by, (d,), float32."""
    share: float
    """Of the lean, what is held back."""

    def hold_back(self, start: Vector, trained: Vector) -> Vector:
        """What to publish of a training, (d,), float32: less a share of the lean, at most as much as was trained.

        The lean is the usual step less its part along the usual move: what goes the circle's way stays whole,
        however much of it the others' rules cut. start: what training began from, trained: what it gave; (d,),
        float32 each.
        """
        along, length2 = float(np.vdot(self.step, self.move)), float(np.vdot(self.move, self.move))
        if not length2 or not self.share:
            return trained
        part = min(max(along / length2, 0.0), _LONGEST)
        lean = np.float32(self.share) * (self.step - np.float32(part) * self.move)
        return trained - _cut(lean, _length(trained - start))


class Leaning:
    """One peer's lean over its rounds. It is lost with the process, and then begins anew."""

    def __init__(self, share: float) -> None:
        """share: of its lean, what the peer holds back where it rejects nobody."""
        self._share = share
        self._step: Vector | None = None
        self._move: Vector | None = None
        # The base that the last training began from, and how far that went; None once what became of it is known.
        self._pending: tuple[GridState, float] | None = None

    def find(self, base: GridState, verdicts: Verdicts) -> Lean | None:
        """What to hold back from this base on, (d,), int32; None before anything is known.

        A base that moved further than the training went counts as moved that far: one that was thrown about, as a
        newcomer's, says nothing of the circle's way.
        """
        if self._pending is not None and not np.array_equal(self._pending[0], base):
            before, length = self._pending
            move = _cut(to_float(base) - to_float(before), length)
            self._move, self._pending = _average(self._move, move), None
        if self._step is None or self._move is None:
            return None
        return Lean(self._step, self._move, self._share * verdicts.weight)

    def note(self, base: GridState, start: Vector, trained: Vector) -> None:
        """Take in a training from this base. start: what it began from, trained: what it gave; (d,), float32."""
        if not self._share or not np.isfinite(trained).all():
            return
        step = trained - start
        self._step = _average(self._step, step)
        self._pending = base, _length(step)


def _average(total: Vector | None, one: Vector) -> Vector:
    new = np.float32(1 - MEMORY) * one
    return new if total is None else np.float32(MEMORY) * total + new


def _length(vector: Vector) -> float:
    return float(np.linalg.norm(vector))


def _cut(vector: Vector, length: float) -> Vector:
    own = _length(vector)
    return vector if own <= length else vector * np.float32(length / own)
