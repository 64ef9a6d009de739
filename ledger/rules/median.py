"""Coordinate-wise median: take the middle of every coordinate."""

from dataclasses import dataclass
from typing import ClassVar

from ledger.rules.interface import ScreeningInput, ScreeningResult
from ledger.rules.shared import accept_all, collect_mixable_states, find_eligible_seats
from ledger.rules.sorting import trimmed_mean


@dataclass(frozen=True)
class Median:
    """next_k = median of {x_k : x own or an eligible neighbour's}.

    Of an even number of values: the mean of the middle two, rounded half up to the grid. It judges coordinates, not
    peers: everyone is accepted, and the eligible count as mixed.
    Source: Yin et al. 2018, arXiv:1803.01498, definition 1, with the judge's own state as one of the vectors.
    """

    needs_base: ClassVar[bool] = False
    needs_memory: ClassVar[bool] = False
    judges_each_alone: ClassVar[bool] = True
    is_replayable: ClassVar[bool] = True

    def screen(self, inputs: ScreeningInput) -> ScreeningResult:
        """Accept every neighbour and mix (R12.4)."""
        states = collect_mixable_states(inputs)
        # The median is what is left when all but the middle one or two are trimmed.
        middle = trimmed_mean(states, (len(states) - 1) // 2)
        return ScreeningResult(accept_all(inputs), frozenset(find_eligible_seats(inputs)), middle)
