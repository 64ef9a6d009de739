"""What simulated peers keep of their leans from round to round."""

from collections.abc import Mapping, Sequence

from ledger.arithmetic.exact import GridState, to_float
from ledger.circle.round import Round
from node.learning.layout import Vector
from node.learning.lean import Corrected, Leaning, Verdicts
from node.simulator.learning import GridStates, TrainedModel


class Leans:
    """All seats'."""

    def __init__(self, corrected: Corrected) -> None:
        """corrected: of its lean, what a peer's training corrects."""
        self._corrected = corrected
        self._leanings: dict[int, Leaning] = {}

    def find(
        self, seats: Sequence[int], bases: Mapping[int, GridState], rounds: Sequence[Round]
    ) -> list[Vector | None]:
        """What the trainings of these seats are to move by beside their gradients, (d,), float32 each.

        bases: seat → its base now; rounds: all until now.
        """
        if not self._corrected.share:
            return [None] * len(seats)
        return [self._of(seat).find(bases[seat], Verdicts.of(rounds, seat)) for seat in seats]

    def note(
        self,
        seats: Sequence[int],
        bases: Mapping[int, GridState],
        starts: GridStates,
        trained: Sequence[TrainedModel],
        corrections: Sequence[Vector | None],
    ) -> None:
        """Take in a round's trainings. starts: what they began from, (seats, d), int32."""
        if self._corrected.share:
            for seat, start, one, correction in zip(seats, to_float(starts), trained, corrections, strict=True):
                self._of(seat).note(bases[seat], start, one.state, correction)

    def _of(self, seat: int) -> Leaning:
        return self._leanings.setdefault(seat, Leaning(self._corrected))
