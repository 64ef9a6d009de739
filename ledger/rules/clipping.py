"""Self-centred clipping: let everyone pull, nobody further than a threshold.

The two rules differ in the threshold alone. Both weigh one's own state and the m eligible neighbours' alike, which
is the Metropolis weight 1 / (m + 1) of a regular topology.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import ClassVar, Final

import numpy as np

from ledger.arithmetic.exact import GridState, squared_distance
from ledger.rules.interface import Judgement, ScreeningInput, ScreeningResult
from ledger.rules.shared import check_hostile_milli, count_assumed_hostile, find_eligible_seats

# 255 differences of at most 2**25, each times a factor of at most 2**28, stay below 2**61.
FACTOR_BITS: Final = 28
_BLOCK: Final = 32_768


@dataclass(frozen=True)
class SelfCentredClipping:
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

    needs_base: ClassVar[bool] = False
    needs_memory: ClassVar[bool] = False
    judges_each_alone: ClassVar[bool] = True
    is_replayable: ClassVar[bool] = True
    hostile_milli: int = 200

    def __post_init__(self) -> None:
        check_hostile_milli(self.hostile_milli)

    def screen(self, situation: ScreeningInput) -> ScreeningResult:
        """Accept every neighbour and mix (R12.4)."""
        distances = {seat: squared_distance(situation.own, x) for seat, x in situation.neighbours.items()}
        seats = find_eligible_seats(situation)
        hostile = count_assumed_hostile(self.hostile_milli, len(seats))
        ascending = sorted(distances[seat] for seat in seats)
        # An unreachable limit where nobody is feared.
        limit = self.find_threshold2(ascending, hostile) if hostile else max(distances.values(), default=0)
        judgements = {
            seat: Judgement(True, {"distance2": distance, "limit2": limit}) for seat, distance in distances.items()
        }
        states = [situation.neighbours[seat] for seat in seats]
        factors = [clipping_factor_q28(limit, distances[seat]) for seat in seats]
        return ScreeningResult(judgements, frozenset(seats), self_centred_mean(situation.own, states, factors))

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


def clipping_factor_q28(limit2: int, distance2: int) -> int:
    """floor(2**28 · min(1, sqrt(limit2 / distance2)))."""
    if distance2 <= limit2:
        return 1 << FACTOR_BITS
    return isqrt((limit2 << 2 * FACTOR_BITS) // distance2)


def self_centred_mean(own: GridState, states: Sequence[GridState], factors: Sequence[int]) -> GridState:
    """own + Σ factor · (state − own) / 2**28 / (states + 1), rounded half up. States: (d,), int32; up to 255."""
    divisor = (len(states) + 1) << FACTOR_BITS
    result = np.empty(own.shape, np.int32)
    for start in range(0, result.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        centre = own[part].astype(np.int64)
        total = centre * divisor
        total += divisor // 2
        for state, factor in zip(states, factors, strict=True):
            total += (state[part] - centre) * factor
        result[part] = np.floor_divide(total, divisor)
    return result
