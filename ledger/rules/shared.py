"""What several rules agree on: who is in the mix, how many of those to fear, how far apart they are."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ledger.arithmetic.exact import GridState, squared_distances
from ledger.rules.interface import Judgement, ScreeningInput

Distances = Sequence[Sequence[int]]


@dataclass(frozen=True)
class FearsAShare:
    """A rule that assumes a share of the neighbours that it may mix to be hostile. It needs neither base nor
    memory.
    """

    needs_base: ClassVar[bool] = False
    needs_memory: ClassVar[bool] = False
    is_replayable: ClassVar[bool] = True
    hostile_milli: int = 200
    """The share, in thousandths. Raises ValueError outside 0..1000."""

    def __post_init__(self) -> None:
        if not 0 <= self.hostile_milli <= 1000:
            raise ValueError(f"hostile_milli {self.hostile_milli} is not in 0..1000")


def count_assumed_hostile(hostile_milli: int, neighbours: int) -> int:
    """How many of the neighbours a rule assumes hostile: the share, rounded up, so 20 % of 4 are 1."""
    return -(-hostile_milli * neighbours // 1000)


def count_hostile_minority(hostile_milli: int, neighbours: int) -> int:
    """As many, but fewer than half of the neighbours and oneself: more than that no vote can bear."""
    return min(count_assumed_hostile(hostile_milli, neighbours), neighbours // 2)


def find_eligible_seats(inputs: ScreeningInput) -> list[int]:
    """The seats of the neighbours that may enter the next base, ascending."""
    return sorted(inputs.eligible & inputs.neighbours.keys())


def collect_mixable_states(inputs: ScreeningInput) -> list[GridState]:
    """The judge's own state, then those of `find_eligible_seats`."""
    return [inputs.own, *(inputs.neighbours[seat] for seat in find_eligible_seats(inputs))]


def accept_all(inputs: ScreeningInput) -> dict[int, Judgement]:
    """The verdicts of a rule that weighs coordinates and rejects nobody."""
    return {seat: Judgement(True, {}) for seat in inputs.neighbours}


def judge_by_pool(
    inputs: ScreeningInput, judge: Callable[[frozenset[int]], dict[int, Judgement]]
) -> dict[int, Judgement]:
    """Judgements of a rule that compares candidates with one another.

    judge: the seats that compete → a judgement of each. The eligible compete among themselves; a quarantined
    neighbour is judged as if it alone were let in with them. So it can come back, and yet changes nobody else's
    verdict and nothing in the mix.
    """
    eligible = frozenset(find_eligible_seats(inputs))
    judgements = judge(eligible)
    for seat in inputs.neighbours.keys() - eligible:
        judgements[seat] = judge(eligible | {seat})[seat]
    return judgements


def tabulate_distances(states: Sequence[GridState]) -> Distances:
    """‖a − b‖² of every two states, in grid units squared, as a full table."""
    table = [[0] * len(states) for _ in states]
    for right, state in enumerate(states):
        for left, distance in enumerate(squared_distances(state, states[:right])):
            table[left][right] = table[right][left] = distance
    return table


def sort_nearest(distances: Distances, centre: int, among: Iterable[int]) -> list[int]:
    """`among` by distance from `centre`, the nearest first, the lower number first where they tie."""
    return sorted(among, key=lambda other: (distances[centre][other], other))
