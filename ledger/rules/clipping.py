"""Self-centred clipping: let everyone pull, nobody further than a threshold.

The two rules differ in the threshold alone. Both weigh one's own state and the m eligible neighbours' alike, which
is the Metropolis weight 1 / (m + 1) of a regular topology.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from ledger.arithmetic.exact import clipped_mean, clipping_factor, squared_distance
from ledger.rules.interface import Judgement, ScreeningInput, ScreeningResult, Weights
from ledger.rules.shared import FearsAShare, count_assumed_hostile, find_eligible_seats

_FACTOR_BITS: Final = 28


@dataclass(frozen=True)
class SelfCentredClipping(FearsAShare):
    """next = own + Σ_j min(1, τ / ‖x_j − own‖) · (x_j − own) / (m + 1), over the m eligible neighbours j.

    τ² = (1 / f) · Σ ‖x_j − own‖² over the m − f nearest neighbours, rounded down; no clipping where f = 0.
    hostile_milli: the share of these neighbours assumed hostile, in thousandths; f = ceil(share · m), so that one
    neighbour alone moves nothing. It clips and rejects nobody: everyone is accepted, and the eligible are mixed.
    Factors are rounded down to 2**-28, the outcome half up to the grid.
    Source: He, Karimireddy, Jaggi 2022, arXiv:2202.01545 (SSClip, later ClippedGossip): the algorithm's
    τ² = (1 / δ) · Σ over honest j of W_ij ‖x_i − x_j‖², made practical by taking the neighbours of least distance,
    of weight up to 1 − δ, for the honest, with W = 1 / (m + 1) and δ = f / (m + 1). The paper itself was not at
    hand when this was written, so no equation number is given; it was checked against the form under which Gaucher
    et al. run it in their published experiments (`cs_he`), which takes one neighbour fewer. The authors' own code,
    given no τ, clips by the second largest distance instead.
    """

    judges_each_alone: ClassVar[bool] = True

    def screen(self, inputs: ScreeningInput) -> ScreeningResult:
        """Accept every neighbour and mix (R12.4)."""
        distances = {seat: squared_distance(inputs.own, x) for seat, x in inputs.neighbours.items()}
        seats = find_eligible_seats(inputs)
        hostile = count_assumed_hostile(self.hostile_milli, len(seats))
        ascending = sorted(distances[seat] for seat in seats)
        # An unreachable limit where nobody is feared.
        limit = self.find_threshold2(ascending, hostile) if hostile else max(distances.values(), default=0)
        judgements = {
            seat: Judgement(True, {"distance2": distance, "limit2": limit}) for seat, distance in distances.items()
        }
        states = [inputs.neighbours[seat] for seat in seats]
        factors = [clipping_factor(limit, distances[seat], _FACTOR_BITS) for seat in seats]
        next_base = clipped_mean(inputs.own, inputs.own, states, factors, _FACTOR_BITS)
        own = (1 + len(seats) << _FACTOR_BITS) - sum(factors)
        weights = Weights(own, dict(zip(seats, factors, strict=True)))
        return ScreeningResult(judgements, frozenset(seats), next_base, weights=weights)

    def find_threshold2(self, ascending: Sequence[int], hostile: int) -> int:
        """τ², from the eligible neighbours' squared distances. hostile: f, 1..their number."""
        return sum(ascending[: len(ascending) - hostile]) // hostile


@dataclass(frozen=True)
class ClippedSumPlus(SelfCentredClipping):
    """next = own + Σ_j min(1, τ / ‖x_j − own‖) · (x_j − own) / (m + 1), τ such that the 2f furthest are clipped.

    τ is the distance of the (m − 2f)-th nearest of the m eligible neighbours: 0 where 2f >= m, no clipping where
    f = 0. Parameters, verdicts and rounding as in SelfCentredClipping.
    Source: Gaucher, Dieuleveut, Hendrikx 2025, "Unified Breakdown Analysis for Byzantine Robust Gossip",
    arXiv:2410.10418 (CS+ within F-RG, step 1). Checked against the authors' published code, where τ is the distance
    at which the weights of the nearer ones, one's own included, reach the total less 2b, b the hostile weight; the
    paper's text was not at hand, only its abstract.
    """

    def find_threshold2(self, ascending: Sequence[int], hostile: int) -> int:
        """τ², from the eligible neighbours' squared distances. hostile: f, 1..their number."""
        nearer = len(ascending) - 2 * hostile
        return ascending[nearer - 1] if nearer > 0 else 0
