"""What simulated peers keep of their leans from round to round."""

from collections.abc import Mapping, Sequence

import numpy as np

from ledger.arithmetic.exact import GridState, to_float
from ledger.circle.round import Round
from node.learning.lean import Lean, Leaning, Verdicts
from node.simulator.learning import GridStates, Matrix, TrainedModel


class Leans:
    """All seats'."""

    def __init__(self, share: float) -> None:
        """share: of its lean, what a peer holds back."""
        self._share = share
        self._leanings: dict[int, Leaning] = {}

    def find(
        self, seats: Sequence[int], bases: Mapping[int, GridState], rounds: Sequence[Round]
    ) -> list[Lean | None]:
        """What each of these seats holds back. bases: seat → its base now; rounds: all until now."""
        if not self._share:
            return [None] * len(seats)
        return [self._of(seat).find(bases[seat], Verdicts.of(rounds, seat)) for seat in seats]

    def note(
        self,
        seats: Sequence[int],
        bases: Mapping[int, GridState],
        starts: GridStates,
        trained: Sequence[TrainedModel],
    ) -> None:
        """Take in a round's trainings. starts: what they began from, (seats, d), int32."""
        if self._share:
            for seat, start, one in zip(seats, to_float(starts), trained, strict=True):
                self._of(seat).note(bases[seat], start, one.state)

    def _of(self, seat: int) -> Leaning:
        return self._leanings.setdefault(seat, Leaning(self._share))


def hold_back(leans: Sequence[Lean | None], starts: GridStates, trained: Sequence[TrainedModel]) -> Matrix:
    """What peers with these leans would publish, (seats, d), float32. starts: what training began from."""
    held = [
        one.state if lean is None else lean.hold_back(start, one.state)
        for lean, start, one in zip(leans, to_float(starts), trained, strict=True)
    ]
    return np.stack(held)
