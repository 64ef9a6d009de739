"""Coordinate-wise trimmed mean: drop the extremes of every coordinate, average the rest."""

from dataclasses import dataclass
from typing import ClassVar

from ledger.rules.interface import ScreeningInput, ScreeningResult
from ledger.rules.shared import (
    FearsAShare,
    accept_all,
    collect_mixable_states,
    count_hostile_minority,
    find_eligible_seats,
)
from ledger.rules.sorting import trimmed_mean


@dataclass(frozen=True)
class TrimmedMean(FearsAShare):
    """next_k = mean of {x_k : x own or an eligible neighbour's} without its f largest and f smallest values.

    hostile_milli: the share of the eligible neighbours assumed hostile, in thousandths. Of m neighbours
    f = ceil(share · m), at most floor(m / 2), so that with oneself at least one value is left. It judges
    coordinates, not peers: everyone is accepted, and the eligible count as mixed.
    Source: Yin et al. 2018, arXiv:1803.01498, definition 2 (β = f / (m + 1)), with the judge's own state as one of
    the vectors, as in decentralised use (BRIDGE-T, Fang et al. 2022, arXiv:1908.08098).
    """

    judges_each_alone: ClassVar[bool] = True

    def screen(self, inputs: ScreeningInput) -> ScreeningResult:
        """Accept every neighbour and mix (R12.4)."""
        seats = find_eligible_seats(inputs)
        trim = count_hostile_minority(self.hostile_milli, len(seats))
        return ScreeningResult(
            accept_all(inputs), frozenset(seats), trimmed_mean(collect_mixable_states(inputs), trim)
        )
