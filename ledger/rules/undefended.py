"""No defence: accept all and average, to show what a rule is for."""

from dataclasses import dataclass
from typing import ClassVar

from ledger.arithmetic.exact import mean
from ledger.rules.interface import Judgement, ScreeningInput, ScreeningResult, Weights


@dataclass(frozen=True)
class Undefended:
    """Accept every state that decodes and average them all with one's own, all weights equal.

    Quarantine does not hold anyone out either: nobody is ever rejected for more than a blob that does not decode.
    Source: decentralised FedAvg, e.g. Lian et al. 2017, arXiv:1705.09056.
    """

    needs_base: ClassVar[bool] = False
    needs_memory: ClassVar[bool] = False
    judges_each_alone: ClassVar[bool] = True
    is_replayable: ClassVar[bool] = True

    def screen(self, inputs: ScreeningInput) -> ScreeningResult:
        """Accept every neighbour and mix (R12.2)."""
        judgements = {seat: Judgement(True, {}) for seat in inputs.neighbours}
        seats = sorted(inputs.neighbours)
        next_base = mean([inputs.own, *(inputs.neighbours[seat] for seat in seats)])
        return ScreeningResult(judgements, frozenset(seats), next_base, weights=Weights(1, dict.fromkeys(seats, 1)))
