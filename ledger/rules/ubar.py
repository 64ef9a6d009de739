"""UBAR: shortlist the nearest, keep whose model does at least as well on one's own data."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from ledger.arithmetic.exact import ONE_Q15, squared_distance, weighted_mean
from ledger.errors import PeerFault
from ledger.rules.interface import Judgement, ScreeningInput, ScreeningResult
from ledger.rules.shared import FearsAShare, count_assumed_hostile, judge_by_pool


class PrivateJudgement(PeerFault):
    """A verdict that follows from the judge's private data: nobody but the judge can recompute it."""


@dataclass(frozen=True)
class Ubar(FearsAShare):
    """Shortlist the ρ · m nearest of m neighbours; accept those of them with loss(x_j) ≤ loss(own).

    next = α · own + (1 − α) · mean(accepted). hostile_milli: 1 − ρ, in thousandths; the shortlist leaves out
    ceil((1 − ρ) · m) neighbours, but never the nearest; of equally near ones the lower seat counts as nearer.
    alpha_q15: α in 1/32768. A loss that is no number accepts nobody.
    The losses are floats of the judge's private data, so this rule cannot be replayed, and its verdicts cannot be
    proved false.
    Departs from the source in one point: where no shortlisted state does as well, the source takes the best of them
    all the same; here no acceptance is forced and the peer keeps its own.
    Source: Guo et al. 2021, arXiv:1908.08649, the two stages of UBAR. The gradient step of its update rule is the
    training that made `own`.
    """

    judges_each_alone: ClassVar[bool] = False
    is_replayable: ClassVar[bool] = False
    alpha_q15: int = 16384
    """α in 1/32768."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.alpha_q15 <= ONE_Q15:
            raise ValueError(f"alpha_q15 {self.alpha_q15} is not in 0..{ONE_Q15}")

    def screen(self, inputs: ScreeningInput) -> ScreeningResult:
        """Judge every neighbour and mix. Raises PrivateJudgement without the judge's loss (R12.4)."""
        loss_of = inputs.loss
        if loss_of is None:
            raise PrivateJudgement("rule ubar judges by the judge's private data: nobody else can recompute it")
        distances = {seat: squared_distance(inputs.own, x) for seat, x in inputs.neighbours.items()}
        own_loss = loss_of(inputs.own) if distances else 0.0

        @cache
        def does_as_well(seat: int) -> bool:
            return loss_of(inputs.neighbours[seat]) <= own_loss

        def judge(competing: Iterable[int]) -> dict[int, Judgement]:
            by_distance = sorted(competing, key=lambda seat: (distances[seat], seat))
            trusted = len(by_distance) - count_assumed_hostile(self.hostile_milli, len(by_distance))
            listed = by_distance[: max(1, trusted)]
            return {
                seat: Judgement(
                    seat in listed and does_as_well(seat),
                    {"distance2": distances[seat], "shortlisted": int(seat in listed)},
                )
                for seat in by_distance
            }

        judgements = judge_by_pool(inputs, judge)
        mixed = frozenset(s for s, j in judgements.items() if j.accepted) & inputs.eligible
        states = [inputs.neighbours[seat] for seat in sorted(mixed)]
        return ScreeningResult(judgements, mixed, weighted_mean(inputs.own, states, self.alpha_q15))
