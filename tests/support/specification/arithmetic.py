"""The arithmetic once more, slowly and with no library: Python integers and fractions. The tests compare."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import ceil, floor

Numbers = Sequence[int]


def squared_distance(left: Numbers, right: Numbers) -> int:
    return sum((a - b) ** 2 for a, b in zip(left, right, strict=True))


def round_half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def mean(states: Sequence[Numbers]) -> list[int]:
    return [round_half_up(Fraction(sum(column), len(states))) for column in zip(*states, strict=True)]


def weighted_mean(own: Numbers, others: Sequence[Numbers], own_weight: Fraction) -> list[int]:
    if not others:
        return list(own)
    return [
        round_half_up(own_weight * mine + (1 - own_weight) * Fraction(sum(theirs), len(others)))
        for mine, theirs in zip(own, zip(*others, strict=True), strict=True)
    ]


def decaying_square_q30(scale_milli: int, rate_milli: int, step: int, steps: int) -> int:
    """floor(2**30 · (scale · e**(−rate · step / steps))²) from the series of e**x in 700-bit fixed point.

    All terms are positive; each division rounds down by less than one unit, so the sum is low by less than the
    number of terms. The floor is the same at both ends of that interval, or this raises.
    """
    unit = 1 << 700
    numerator, denominator = 2 * rate_milli * step, 1000 * steps
    term, low, terms = unit, unit, 1
    while term:
        term = term * numerator // (denominator * terms)
        low, terms = low + term, terms + 1
    # What a term lost is multiplied by up to x in the next ones: e**x, at most 2**289, covers it generously.
    high = low + (terms << 300)
    value = (scale_milli**2 << 30) * unit
    ends = {value // (10**6 * low), value // (10**6 * high)}
    # Exactly e**0: no error to bracket.
    ends = ends if numerator else {(scale_milli**2 << 30) // 10**6}
    assert len(ends) == 1
    return ends.pop()


def expand(codes: Numbers, shifts: Numbers, blocks: Numbers) -> list[int]:
    """Codec v1: the value of each code. blocks: which block each lies in."""
    return [code * 2 ** shifts[block] for code, block in zip(codes, blocks, strict=True)]


def balance(
    own: Numbers,
    neighbours: Mapping[int, Numbers],
    eligible: frozenset[int],
    threshold_squared: Fraction,
    own_weight: Fraction,
) -> tuple[dict[int, bool], set[int], list[int]]:
    """Verdicts, who was mixed, next base. threshold_squared: (γ · exp(−κ · t / T))²."""
    limit = threshold_squared * squared_distance(own, [0] * len(own))
    verdicts = {seat: squared_distance(own, state) <= limit for seat, state in neighbours.items()}
    mixed = {seat for seat, accepted in verdicts.items() if accepted and seat in eligible}
    return verdicts, mixed, weighted_mean(own, [neighbours[seat] for seat in sorted(mixed)], own_weight)


def hostile(share_milli: int, neighbours: int) -> int:
    """How many of so many neighbours are assumed hostile."""
    return ceil(Fraction(share_milli, 1000) * neighbours)


def trimmed_mean(states: Sequence[Numbers] | Sequence[Sequence[Fraction]], trim: int) -> list[int]:
    """Definition 2 of Yin et al. 2018, rounded."""
    columns = (sorted(column)[trim : len(states) - trim] for column in zip(*states, strict=True))
    return [round_half_up(Fraction(sum(column)) / len(column)) for column in columns]


def median(states: Sequence[Numbers]) -> list[int]:
    return [
        round_half_up(Fraction(statistics.median(map(Fraction, column)))) for column in zip(*states, strict=True)
    ]


def nearest_neighbour_mixing(states: Sequence[Numbers], feared: int) -> list[list[Fraction]]:
    """Each state's mean with its n − f − 1 nearest; the earlier of equally near ones."""
    mixed = []
    for centre in states:
        near = sorted(states, key=lambda state: squared_distance(centre, state))[: len(states) - feared]
        mixed.append([Fraction(sum(column), len(near)) for column in zip(*near, strict=True)])
    return mixed


def krum(states: Sequence[Numbers], feared: int, keeps: int) -> list[int]:
    """The places of the `keeps` states with the lowest scores; the earlier of those that tie."""
    scores = []
    for place, state in enumerate(states):
        distances = sorted(squared_distance(state, other) for at, other in enumerate(states) if at != place)
        scores.append(sum(distances[: max(0, len(states) - feared - 2)]))
    return sorted(range(len(states)), key=lambda place: scores[place])[:keeps]


def krum_verdicts(
    own: Numbers, neighbours: Mapping[int, Numbers], eligible: frozenset[int], share_milli: int, several: bool
) -> tuple[dict[int, bool], set[int], list[int]]:
    """Verdicts, who was mixed, next base. The quarantined are judged one by one beside the eligible."""

    def kept(seats: Sequence[int]) -> list[int | None]:
        count = len(seats) + 1
        feared = max(0, min(hostile(share_milli, len(seats)), (count - 3) // 2))
        places = krum([own, *(neighbours[seat] for seat in seats)], feared, count - feared if several else 1)
        return [None if place == 0 else seats[place - 1] for place in places]

    inside = sorted(seat for seat in neighbours if seat in eligible)
    mixed = kept(inside)
    verdicts = {seat: seat in kept(sorted({seat, *inside})) for seat in neighbours}
    chosen = [own if seat is None else neighbours[seat] for seat in mixed]
    return verdicts, {seat for seat in mixed if seat is not None}, mean(chosen)


def clipping_factor_q28(limit_squared: int, distance_squared: int) -> int:
    """The largest c of 0..2**28 with c · distance ≤ 2**28 · limit, by halving the interval."""
    low, high = 0, 1 << 28
    while low < high:
        middle = (low + high + 1) // 2
        if middle**2 * distance_squared <= limit_squared << 56:
            low = middle
        else:
            high = middle - 1
    return low


def clip(own: Numbers, neighbours: Sequence[Numbers], share_milli: int, plus: bool) -> list[int]:
    """The mean of own and the neighbours, each pulled towards own until it is within the threshold.

    plus: the threshold of Gaucher et al.; otherwise that of He et al.
    """
    distances = sorted(squared_distance(own, state) for state in neighbours)
    feared = hostile(share_milli, len(neighbours))
    if feared == 0:
        limit = max(distances, default=0)
    elif plus:
        limit = distances[-2 * feared - 1] if 2 * feared < len(distances) else 0
    else:
        limit = floor(Fraction(sum(distances[:-feared]), feared))
    factors = [Fraction(clipping_factor_q28(limit, squared_distance(own, x)), 1 << 28) for x in neighbours]
    return [
        round_half_up(
            mine + sum(c * (theirs - mine) for c, theirs in zip(factors, column, strict=True)) / (len(column) + 1)
        )
        for mine, column in zip(own, zip(*neighbours, strict=True) if neighbours else [()] * len(own), strict=True)
    ]


def ubar(
    own: Numbers,
    neighbours: Mapping[int, Numbers],
    eligible: frozenset[int],
    share_milli: int,
    own_weight: Fraction,
    loss: Callable[[Numbers], float],
) -> tuple[dict[int, bool], set[int], list[int]]:
    """Verdicts, who was mixed, next base. The quarantined are judged one by one beside the eligible."""

    def accepted(seats: Sequence[int]) -> list[int]:
        ordered = sorted(seats, key=lambda seat: squared_distance(own, neighbours[seat]))
        listed = ordered[: max(1, len(seats) - hostile(share_milli, len(seats)))]
        return [seat for seat in listed if loss(neighbours[seat]) <= loss(own)]

    inside = sorted(seat for seat in neighbours if seat in eligible)
    mixed = set(accepted(inside))
    verdicts = {seat: seat in accepted(sorted({seat, *inside})) for seat in neighbours}
    return verdicts, mixed, weighted_mean(own, [neighbours[seat] for seat in sorted(mixed)], own_weight)
