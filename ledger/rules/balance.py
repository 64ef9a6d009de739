"""BALANCE: accept who is near, nearer as training goes on."""

from dataclasses import dataclass
from typing import ClassVar

from ledger.arithmetic.exact import ONE_Q15, decaying_square_q30, squared_distances, squared_norm, weighted_mean
from ledger.rules.interface import Judgement, ScreeningInput, ScreeningResult, Weights


@dataclass(frozen=True)
class Balance:
    """Accept iff ‖own − other‖ ≤ γ · exp(−κ · t / T) · ‖own‖; mix α · own + (1 − α) · mean(accepted).

    With nobody accepted the peer keeps its own state. Both sides are compared squared, as integers scaled by 2**30.
    t counts rounds from 0.

    Source: Fang et al., CCS 2024, arXiv:2406.10416, equations 6 and 7.
    """

    needs_base: ClassVar[bool] = False
    needs_memory: ClassVar[bool] = False
    judges_each_alone: ClassVar[bool] = True
    is_replayable: ClassVar[bool] = True
    gamma_milli: int = 300
    """γ in thousandths."""
    kappa_milli: int = 500
    """κ in thousandths."""
    alpha_q15: int = 16384
    """α in 1/32768."""

    def __post_init__(self) -> None:
        if not 1 <= self.gamma_milli <= 10**6:
            raise ValueError(f"gamma_milli {self.gamma_milli} is not in 1..1000000")
        if not 0 <= self.kappa_milli <= 10**5:
            raise ValueError(f"kappa_milli {self.kappa_milli} is not in 0..100000")
        if not 0 <= self.alpha_q15 <= 1 << 15:
            raise ValueError(f"alpha_q15 {self.alpha_q15} is not in 0..32768")

    def screen(self, inputs: ScreeningInput) -> ScreeningResult:
        """Judge every neighbour and mix (R12.1)."""
        factor = decaying_square_q30(self.gamma_milli, self.kappa_milli, inputs.round - 1, inputs.rounds)
        limit = factor * squared_norm(inputs.own) >> 30
        judgements: dict[int, Judgement] = {}
        distances = squared_distances(inputs.own, list(inputs.neighbours.values()))
        for seat, distance in zip(inputs.neighbours, distances, strict=True):
            judgements[seat] = Judgement(distance <= limit, {"distance2": distance, "limit2": limit})
        mixed = frozenset(s for s, j in judgements.items() if j.accepted) & inputs.eligible
        seats = sorted(mixed)
        next_base = weighted_mean(inputs.own, [inputs.neighbours[seat] for seat in seats], self.alpha_q15)
        own = self.alpha_q15 * len(seats) if seats else ONE_Q15
        weights = Weights(own, dict.fromkeys(seats, ONE_Q15 - self.alpha_q15))
        return ScreeningResult(judgements, mixed, next_base, weights=weights)
