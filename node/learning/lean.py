"""What a peer learns apart from the others, and how its training corrects that.

A mixture holds only some of the circle's peers, others each round, so a base leans towards the data of those that
were in it last. What a peer's training adds beyond what the circle makes of it is much the same from round to round
where its data are one-sided: its *lean*. Training moves against it in each of its steps, so that it finds what its
data have to teach at models near the others', and it matters less who was in a mixture. All leans together are
nothing, so what peers learn as a whole stays.

Where others push the circle aside, honest trainings lean against them, and who corrected that would help them. So a
peer begins with little, until it has seen whom to reject, and who rejects many corrects nothing.

Nothing that anybody checks knows of it: a peer publishes what it likes, and is judged by that.
Source: SCAFFOLD, Karimireddy et al. 2020, arXiv:1910.06378, with the moves of a peer's own base in place of a
server's control variate, and less than the whole of it: docs/decisions/0055-a-step-may-correct-its-peers-lean.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ledger.arithmetic.exact import GridState, to_float
from ledger.circle.round import Round
from node.learning.layout import Vector

MEMORY: Final = 0.9
"""What the average keeps of itself in a round."""
LOOKED_BACK: Final = 20
"""Rounds whose verdicts count."""
OF_LATE: Final = 10
"""Of these, rounds whose rejections count."""
FEW: Final = 40
"""With so many verdicts or fewer, nothing is corrected."""
ENOUGH: Final = 80
"""With so many the whole share is; in between in proportion."""
TOLERATED: Final = 0.15
"""The share of rejected neighbours up to which the whole share is corrected."""
REJECTED_AT_MOST: Final = 0.3
"""That from which on nothing is."""


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
        """What part of its share the peer corrects, 0..1."""
        trusting = (REJECTED_AT_MOST - self.rejected) / (REJECTED_AT_MOST - TOLERATED)
        seen = (self.judged - FEW) / (ENOUGH - FEW)
        return min(max(seen, 0.0), 1.0) * min(max(trusting, 0.0), 1.0)


@dataclass(frozen=True)
class Corrected:
    """What of a peer's lean its training corrects."""

    share: float
    """How much of it, 0..1."""
    values: npt.NDArray[np.bool_] | None = None
    """Which of a state's values training moves by gradients, (d,); None for all. The others keep their lean."""


NOTHING: Final = Corrected(0.0)


class Leaning:
    """One peer's lean over its rounds. It is lost with the process, and then begins anew."""

    def __init__(self, corrected: Corrected) -> None:
        """corrected: where the peer rejects nobody."""
        self._corrected = corrected
        # The moving average of what training added by itself, less that of what its base moved by, from zero.
        self._lean: Vector | None = None
        # The base that the last training began from, and how far that went; None once what became of it is known.
        self._pending: tuple[GridState, float] | None = None
        self._has_moved = False

    def find(self, base: GridState, verdicts: Verdicts) -> Vector | None:
        """What a training from this base, (d,), int32, is to move by beside its gradients: (d,), float32.

        None before anything is known, and where nothing is corrected. A base that moved further than the training
        went counts as moved that far: one that was thrown about, as a newcomer's, says nothing of the circle's way.
        """
        if self._pending is not None and not np.array_equal(self._pending[0], base):
            before, length = self._pending
            assert self._lean is not None
            move = _cut(self._of_corrected(to_float(base) - to_float(before)), length)
            self._lean -= np.float32(1 - MEMORY) * move
            self._pending, self._has_moved = None, True
        share = self._corrected.share * verdicts.weight
        if self._lean is None or not self._has_moved or not share:
            return None
        return np.float32(-share) * self._lean

    def note(self, base: GridState, start: Vector, trained: Vector, correction: Vector | None) -> None:
        """Take in a training from this base. start: what it began from, trained: what it gave; (d,), float32.

        correction: what it moved by beside its gradients.
        """
        # What became of the last one is not known yet: two steps would be held against one move.
        if self._pending is not None or not self._corrected.share or not np.isfinite(trained).all():
            return
        step = self._of_corrected(trained - start)
        if correction is not None:
            step -= correction
        if self._lean is None:
            self._lean = np.zeros_like(step)
        self._lean *= np.float32(MEMORY)
        self._lean += np.float32(1 - MEMORY) * step
        self._pending = base, _length(step)

    def _of_corrected(self, vector: Vector) -> Vector:
        values = self._corrected.values
        return vector if values is None else np.where(values, vector, np.float32(0))


def _length(vector: Vector) -> float:
    return float(np.linalg.norm(vector))


def _cut(vector: Vector, length: float) -> Vector:
    own = _length(vector)
    return vector if own <= length else vector * np.float32(length / own)
