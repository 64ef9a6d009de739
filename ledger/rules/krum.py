"""Krum and Multi-Krum: trust the states that have the closest company."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from ledger.arithmetic.exact import mean
from ledger.rules.interface import Judgement, ScreeningInput, ScreeningResult, Weights
from ledger.rules.shared import (
    Distances,
    FearsAShare,
    count_assumed_hostile,
    find_eligible_seats,
    judge_by_pool,
    tabulate_distances,
)

OWN: Final = 0


@dataclass(frozen=True)
class Krum(FearsAShare):
    """Keep the one vector with the lowest score: the sum of its squared distances to its n − f − 2 closest others.

    The n vectors are one's own and the eligible neighbours'. hostile_milli: the share of these neighbours assumed
    hostile, in thousandths; of m neighbours f = ceil(share · m), but 2f + 2 < n as the paper demands, so none below
    5 vectors. Ties: one's own first, then the lower seat. Accepted are the neighbours that were kept, so at most
    one; if one's own was kept, nobody is, and one goes on with it.
    Source: Blanchard et al. 2017, arXiv:1703.02757 (Krum), with the judge's own state as one of the vectors.
    """

    judges_each_alone: ClassVar[bool] = False
    averages: ClassVar[bool] = False

    def screen(self, inputs: ScreeningInput) -> ScreeningResult:
        """Judge every neighbour and mix (R12.4)."""
        seats = sorted(inputs.neighbours)
        number = {seat: place for place, seat in enumerate(seats, OWN + 1)}
        states = [inputs.own, *(inputs.neighbours[seat] for seat in seats)]
        distances = tabulate_distances(states)

        def judge(competing: Iterable[int]) -> dict[int, Judgement]:
            scores = self._compute_scores(distances, [OWN, *(number[seat] for seat in competing)])
            kept = self._choose_kept(scores)
            limit = max(scores[place] for place in kept)
            return {
                seat: Judgement(number[seat] in kept, {"score": scores[number[seat]], "limit": limit})
                for seat in competing
            }

        eligible = find_eligible_seats(inputs)
        kept = self._choose_kept(self._compute_scores(distances, [OWN, *(number[seat] for seat in eligible)]))
        mixed = frozenset(seat for seat in eligible if number[seat] in kept)
        next_base = mean([states[place] for place in sorted(kept)])
        weights = Weights(int(OWN in kept), dict.fromkeys(sorted(mixed), 1))
        return ScreeningResult(judge_by_pool(inputs, judge), mixed, next_base, weights=weights)

    def _count_hostile(self, vectors: int) -> int:
        return max(0, min(count_assumed_hostile(self.hostile_milli, vectors - 1), (vectors - 3) // 2))

    def _compute_scores(self, distances: Distances, places: list[int]) -> dict[int, int]:
        closest = max(0, len(places) - self._count_hostile(len(places)) - 2)
        return {
            place: sum(sorted(distances[place][other] for other in places if other != place)[:closest])
            for place in places
        }

    def _choose_kept(self, scores: dict[int, int]) -> list[int]:
        keeps = len(scores) - self._count_hostile(len(scores)) if self.averages else 1
        return sorted(scores, key=lambda place: (scores[place], place))[:keeps]


@dataclass(frozen=True)
class MultiKrum(Krum):
    """Average the m = n − f vectors with the lowest scores; all else as in Krum.

    Source: Blanchard et al. 2017, arXiv:1703.02757 (Multi-Krum), with m = n − f.
    """

    averages: ClassVar[bool] = True
