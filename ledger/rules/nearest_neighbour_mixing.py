"""Nearest-neighbour mixing before a trimmed mean: average everyone with its nearest, then trim."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ledger.arithmetic.exact import STATES_IN_INT32, GridState
from ledger.rules.interface import ScreeningInput, ScreeningResult
from ledger.rules.shared import (
    FearsAShare,
    accept_all,
    collect_mixable_states,
    count_hostile_minority,
    find_eligible_seats,
    sort_nearest,
    tabulate_distances,
)
from ledger.rules.sorting import BLOCK, Row, middle_mean


@dataclass(frozen=True)
class NearestNeighbourMixing(FearsAShare):
    """y_i = mean of the n − f vectors nearest to x_i, itself included; next = trimmed mean of the y, f on a side.

    The n vectors are one's own and the eligible neighbours'. hostile_milli: the share of these neighbours assumed
    hostile, in thousandths; of m neighbours f = ceil(share · m), at most floor(m / 2). Of equally near vectors
    one's own comes first, then the lower seat. The y stay exact sums: only the outcome is rounded, half up, to the
    grid. It judges coordinates, not peers: everyone is accepted, and the eligible count as mixed.
    Source: Allouah et al. 2023, arXiv:2302.01772 (NNM), before the trimmed mean of Yin et al. 2018.
    """

    judges_each_alone: ClassVar[bool] = True

    def screen(self, inputs: ScreeningInput) -> ScreeningResult:
        """Accept every neighbour and mix (R12.4)."""
        states, seats = collect_mixable_states(inputs), find_eligible_seats(inputs)
        hostile = count_hostile_minority(self.hostile_milli, len(seats))
        return ScreeningResult(accept_all(inputs), frozenset(seats), mix_and_trim(states, hostile))


def mix_and_trim(states: Sequence[GridState], hostile: int) -> GridState:
    """The trimmed mean of every state's mean with its nearest. states: (d,), int32, more than 2 * hostile."""
    distances = tabulate_distances(states) if hostile else [[0] * len(states)] * len(states)
    order = [sort_nearest(distances, centre, range(len(states))) for centre in range(len(states))]
    shares = len(states) - hostile
    result = np.empty(states[0].shape, np.int32)
    for start in range(0, result.size, BLOCK):
        part = slice(start, start + BLOCK)
        sums = _sum_without([state[part] for state in states], [others[shares:] for others in order])
        result[part] = middle_mean(sums, hostile, shares)
    return result


def _sum_without(states: list[GridState], left_out: list[list[int]]) -> list[Row]:
    """Per entry of left_out: the sum of all states but those. Short of the total, few have to be taken off."""
    dtype = np.int32 if len(states) <= STATES_IN_INT32 else np.int64
    total: Row = np.zeros(states[0].shape, dtype)
    for state in states:
        total += state
    sums = [total.copy() for _ in left_out]
    for place, others in enumerate(left_out):
        for other in others:
            sums[place] -= states[other]
    return sums
