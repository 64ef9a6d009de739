"""R33 once more, in fractions and forward: every base keeps the coefficient of every step."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from ledger.judging.provenance import Holder, MixedRound, Step


def follow_coefficients(rounds: Sequence[MixedRound]) -> Mapping[Holder, Mapping[Step, Fraction]]:
    """Of each holder's base after the last round: step → coefficient, without zeros."""
    bases: dict[Holder, dict[Step, Fraction]] = {}
    for mixed in rounds:
        states = {
            seat: {**bases.get(mixed.find_holder(seat), {}), (mixed.number, seat): Fraction(1)}
            for seat in mixed.begun
        }
        after = dict(bases)
        for seat, weights in mixed.mixings.items():
            holder = mixed.find_holder(seat)
            parts = [(weights.base, bases.get(holder, {})), (weights.own, states[seat])]
            parts += [(weight, states[other]) for other, weight in weights.others.items()]
            total: dict[Step, Fraction] = {}
            for weight, coefficients in parts:
                for step, coefficient in coefficients.items() if weight else ():
                    total[step] = total.get(step, Fraction(0)) + Fraction(weight, weights.total) * coefficient
            after[holder] = total
        bases = after
    return bases
