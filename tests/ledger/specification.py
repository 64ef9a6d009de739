"""The arithmetic once more, slowly and with no library: Python integers and fractions. The tests compare."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import floor

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


def expand(codes: Numbers, shifts: Numbers, block: int) -> list[int]:
    """Codec v1: the value of each code."""
    return [code * 2 ** shifts[place // block] for place, code in enumerate(codes)]


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
