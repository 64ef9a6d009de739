"""Whose steps a model is made of, by which coefficients, and what each peer put in (R33). Pure.

A base is the genesis, and of every update a part of its step, and what rounding left. The parts follow from the
weights by which judges mixed, so they are found going back through the rounds, without any state: for each base
asked about, that takes a product for each state in each mixing. What was put in is summed going forward once more,
a state at a time.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.arithmetic.exact import GRID_BITS, GridState
from ledger.circle.history import History, Round
from ledger.judging.circle_model import find_lower_median, find_model_round, find_model_seats, find_reached
from ledger.rules import Weights

Holder = tuple[int, int]
"""A seat, and the round from which on its base follows from its own commits (R15)."""
Step = tuple[int, int]
"""The round and the seat of an update: its step is what it published less its author's base."""
Owner = tuple[int, int]
"""A seat, and which of its holders."""

MEAN_BITS: Final = 60
ONE_BITS: Final = 96
"""Coefficients are integers of 2**−96, and right to 2**−60 in any circle (R33.3)."""
_TALLY_BITS: Final = 24
_HALF_MASK: Final = (1 << _TALLY_BITS) - 1
# Of one value: so many steps of 25 bits, times 24 bits, fit in 63.
ROUNDS_MAX: Final = 1 << 14
_BLOCK: Final = 1 << 16
_VALUE_BY_VALUE: Final = (
    "it chooses or averages each value by itself, so that there is no one coefficient of a step"
)
_UNTRACEABLE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("median", "nnm-trimmed-mean", "trimmed-mean"), _VALUE_BY_VALUE),
    "ubar": "its bases follow from its members' private data, so that nobody can recompute them",
}


def explain_untraceable(rule: str) -> str | None:
    """Why there is no account under a rule; None where there is (R33.1)."""
    return _UNTRACEABLE.get(rule)


@dataclass(frozen=True)
class MixedRound:
    """How a round's bases were made."""

    number: int
    """From 1."""
    begun: Mapping[int, int]
    """Seat → where its line began, of all that committed."""
    mixings: Mapping[int, Weights]
    """Seat → the weights it mixed by, of those whose base this round changed."""

    def find_holder(self, seat: int) -> Holder:
        """Whose base an update of the seat in this round began from."""
        return seat, self.begun[seat]


@dataclass(frozen=True)
class Target:
    """What is accounted for: one base, or the circle's model of a round, which takes each value from a base."""

    model: GridState
    """(d,), int32."""
    holders: tuple[Holder, ...]
    """Whose bases it is made of, by seat; one alone, or those of the model's seats (R31)."""
    choice: NDArray[np.uint8] | None = None
    """Of each value, the place in `holders` of the base that it is from, (d,); None where there is but one."""

    def count_values(self) -> list[int]:
        """How many values are from each of the holders' bases."""
        if self.choice is None:
            return [self.model.size] * len(self.holders)
        return [int(count) for count in np.bincount(self.choice, minlength=len(self.holders))]


def choose_values(holders: Sequence[Holder], bases: Sequence[GridState]) -> Target:
    """The lower median of bases, and whose base each value is from: of those that have it, the lowest seat's.

    holders: of the bases, by seat; 256 at most (R33.5).
    """
    model = find_lower_median(bases)
    choice = np.full(model.size, 255, np.uint8)
    for place in reversed(range(len(bases))):
        choice[bases[place] == model] = place
    return Target(model, tuple(holders), choice)


def find_model_holders(history: History, number: int) -> tuple[Round, tuple[Holder, ...]] | None:
    """The round whose bases make the model of round `number`, and whose they are; None where it is the genesis."""
    round_ = find_model_round(history, number)
    if round_ is None:
        return None
    return round_, tuple((seat, round_.begun[seat]) for seat in find_model_seats(history, round_))


def may_follow(history: History, number: int, seat: int | None, of: int) -> bool:
    """Whether a model may have a part of an update of seat `of`, by the verdicts on chain alone, at their word.

    seat: whose base of round `number` it is; None: the circle's model of that round. It may also where the verdicts
    give that and the rule held all of it back; it has none where this is False and the verdicts are true.
    """
    if seat is None:
        found = find_model_holders(history, number)
        bases = [] if found is None else [one for one, _ in found[1]]
    else:
        bases = [seat]
    published = any(of in round_.commits for round_ in history.rounds[:number])
    reached = {other for other, first in find_reached(history, of).items() if first <= number}
    return published and (of in bases or not reached.isdisjoint(bases))


def find_owners(history: History, number: int) -> dict[Step, Owner]:
    """Whose each update up to a round is."""
    return {
        (round_.number, seat): (seat, tenure)
        for round_ in history.rounds[:number]
        for seat, tenure in round_.tenures.items()
    }


def trace_coefficients(rounds: Sequence[MixedRound], holder: Holder) -> dict[Step, int]:
    """The coefficient of each step that has a part in a holder's base after the last of the rounds, in 2**−96.

    R33.3. One that is smaller than that is 0 here; whoever is not named has no part at all.

    rounds: from the first, in order. Going back, what is left with a base is shared out among the states that it
    was mixed of: each of these is its author's base of before, and its step.
    """
    held: dict[Holder, int] = {holder: 1 << ONE_BITS}
    found: dict[Step, int] = {}
    for mixed in reversed(rounds):
        before: dict[Holder, int] = {}
        for one, amount in held.items():
            weights = mixed.mixings.get(one[0]) if mixed.begun.get(one[0]) == one[1] else None
            if weights is None:
                _add(before, one, amount)
                continue
            total, left = weights.total, amount
            for seat, weight in weights.others.items():
                if weight:
                    left -= (part := amount * weight // total)
                    _add(found, (mixed.number, seat), part)
                    _add(before, mixed.find_holder(seat), part)
            if weights.own:
                _add(found, (mixed.number, one[0]), amount * weights.own // total)
            if weights.own or weights.base:
                _add(before, one, left)
        held = before
    return found


def _add(sums: dict[tuple[int, int], int], key: tuple[int, int], part: int) -> None:
    sums[key] = sums.get(key, 0) + part


def count_mixings(rounds: Iterable[MixedRound], holders: Iterable[Holder]) -> int:
    """The most mixings that lie one behind the other in any of these bases: each rounds once."""
    longest: dict[Holder, int] = {}
    for mixed in rounds:
        after = dict(longest)
        for seat, weights in mixed.mixings.items():
            mixers = [seat, *(other for other, weight in weights.others.items() if weight)]
            after[mixed.find_holder(seat)] = 1 + max(longest.get(mixed.find_holder(one), 0) for one in mixers)
        longest = after
    return max((longest.get(holder, 0) for holder in holders), default=0)


def find_mixed_from(rounds: Iterable[MixedRound], steps: Iterable[Step]) -> dict[Holder, int]:
    """Holder → the round after which its base had a part of one of these steps; their authors are left out.

    As of `ledger.judging.circle_model.find_reached`, but by what was mixed and not by what was accepted.
    """
    wanted = set(steps)
    authors: set[Holder] = set()
    reached: dict[Holder, int] = {}
    for mixed in rounds:
        authors |= {mixed.find_holder(seat) for seat in mixed.begun if (mixed.number, seat) in wanted}
        tainted = {
            seat
            for seat in mixed.begun
            if (mixed.number, seat) in wanted
            or mixed.find_holder(seat) in reached
            or mixed.find_holder(seat) in authors
        }
        for seat, weights in mixed.mixings.items():
            if any(weight and other in tainted for other, weight in weights.others.items()):
                reached.setdefault(mixed.find_holder(seat), mixed.number)
    return {holder: number for holder, number in reached.items() if holder not in authors}


@dataclass(frozen=True)
class StepShare:
    """What is in a model of one update."""

    coefficient: float
    """Of its step, the mean over all values."""
    norm: float
    """How long what was put in is: the step times its coefficient, in the units of R9.1."""


@dataclass(frozen=True)
class OwnerShare:
    """What is in a model of one holder of a seat (R33.6)."""

    updates: int
    """How many of its updates have a part in it."""
    coefficient: float
    """The sum over its updates."""
    norm: float
    """How long the sum of all it put in is."""
    along: float
    """What of the way from genesis to model that sum is, along that way: 1 for all owners and the residual."""


@dataclass(frozen=True)
class Account:
    """Of a model: genesis + Σ coefficient · step + residual (R33.4)."""

    steps: Mapping[Step, StepShare]
    """Of the updates that have a part in it."""
    owners: Mapping[Owner, OwnerShare]
    """Of all that published anything up to its round; those of whom nothing is in it have zeros."""
    length: float
    """How far it is from the genesis, in the units of R9.1."""
    residual: float
    """The largest value of what is left, in grid units."""
    bound: float
    """What that may be: half a grid unit for each mixing one behind the other, and what this sum is told to."""
    mixings: int
    """So many lie one behind the other."""


Allocate = Callable[[tuple[int, ...]], NDArray[Any]]
"""Room for int64 zeros."""


def _allocate(shape: tuple[int, ...]) -> NDArray[Any]:
    return np.zeros(shape, np.int64)


class Tally:
    """Sums what each owner put into a target: all steps are shown to it once, in any order.

    Of one owner at a time it holds (d,) int64, of `allocate`, in 2**−24 of a grid unit.
    """

    def __init__(
        self,
        target: Target,
        genesis: GridState,
        rounds: Sequence[MixedRound],
        owners: Mapping[Step, Owner],
        allocate: Allocate = _allocate,
    ) -> None:
        """rounds: all up to the target's. owners: whose each update of them is.

        Raises ValueError for too many rounds.
        """
        if len(rounds) > ROUNDS_MAX:
            raise ValueError(f"{len(rounds)} rounds are more than the {ROUNDS_MAX} that can be summed exactly")
        self._target, self._genesis, self._owner_of = target, genesis, owners
        self._counts = target.count_values()
        self.coefficients = [
            trace_coefficients(rounds, holder) if count else {}
            for holder, count in zip(target.holders, self._counts, strict=True)
        ]
        """Of each of the target's holders whose base gave a value: step → its coefficient, in 2**−96."""
        self._mixings = count_mixings(rounds, target.holders)
        known = sorted({owners[step] for one in self.coefficients for step in one})
        self._rows = {owner: row for row, owner in enumerate(known)}
        self._sums = allocate((len(known), genesis.size))
        self._norms: dict[Step, float] = {}

    def find_owner(self, step: Step) -> Owner:
        """Whose an update is."""
        return self._owner_of[step]

    def find_means(self) -> dict[Step, int]:
        """Step → its coefficient, the mean over all values, in 2**−60, cut off."""
        size = max(1, self._genesis.size)
        return {
            step: sum(n * one.get(step, 0) for n, one in zip(self._counts, self.coefficients, strict=True)) // size
            >> ONE_BITS - MEAN_BITS
            for step in sorted({step for one in self.coefficients for step in one})
        }

    def needs(self, step: Step) -> bool:
        """Whether the target has any of it."""
        return any(step in one for one in self.coefficients)

    def add(self, step: Step, moved: GridState) -> None:
        """Take a step. moved: the public state less its author's base, (d,), int32."""
        if not self.needs(step):
            return
        # In 2**−48, each in two halves, so that no product has more than 49 bits.
        fine = [one.get(step, 0) >> ONE_BITS - 2 * _TALLY_BITS for one in self.coefficients]
        high = np.array([one >> _TALLY_BITS for one in fine], np.int64)
        low = np.array([one & _HALF_MASK for one in fine], np.int64)
        row, square = self._sums[self._rows[self._owner_of[step]]], 0.0
        for part in _blocks(moved.size):
            values = moved[part].astype(np.int64)
            places = 0 if self._target.choice is None else self._target.choice[part]
            put_in = values * high[places] + (values * low[places] >> _TALLY_BITS)
            row[part] += put_in
            square += _square(put_in)
        self._norms[step] = math.sqrt(square)

    def find_part(self, owner: Owner) -> GridState:
        """What an owner put in, all its steps together, rounded half up to the grid, (d,), int32."""
        if owner not in self._rows:
            return np.zeros_like(self._genesis)
        found = np.empty_like(self._genesis)
        np.right_shift(
            self._sums[self._rows[owner]] + (1 << _TALLY_BITS - 1), _TALLY_BITS, out=found, casting="unsafe"
        )
        return found

    def account(self) -> Account:
        """The account, once all steps were added."""
        way2, residual = 0.0, 0
        norms2, along = ([0.0] * len(self._rows) for _ in range(2))
        for part in _blocks(self._genesis.size):
            way = self._target.model[part].astype(np.int64) - self._genesis[part]
            way <<= _TALLY_BITS
            left, way_ = way.copy(), way * 2.0**-_TALLY_BITS
            way2 += _square(way)
            for row in self._rows.values():
                put_in = self._sums[row, part]
                left -= put_in
                norms2[row] += _square(put_in)
                along[row] += float(np.sum(way_ * (put_in * 2.0**-_TALLY_BITS)))
            residual = max(residual, int(np.abs(left).max(initial=0)))
        size = max(1, self._genesis.size)
        means = {
            step: sum(n * one.get(step, 0) for n, one in zip(self._counts, self.coefficients, strict=True)) / size
            for step in sorted({step for one in self.coefficients for step in one})
        }
        steps = {
            step: StepShare(mean / 2**ONE_BITS, _as_length(self._norms.get(step, 0.0)))
            for step, mean in means.items()
        }
        owners = {}
        for owner in sorted(set(self._owner_of.values())):
            own = [share for step, share in steps.items() if self._owner_of[step] == owner]
            norm2, part_along = (norms2[self._rows[owner]], along[self._rows[owner]]) if own else (0.0, 0.0)
            owners[owner] = OwnerShare(
                len(own),
                math.fsum(share.coefficient for share in own),
                _as_length(math.sqrt(norm2)),
                part_along / way2 if way2 else 0.0,
            )
        # Of each step at most two units of the last place go astray here.
        slack = 2.0 ** (1 - _TALLY_BITS) * len(steps)
        return Account(
            steps,
            owners,
            _as_length(math.sqrt(way2)),
            residual * 2.0**-_TALLY_BITS,
            self._mixings / 2 + slack,
            self._mixings,
        )


def _square(values: NDArray[np.int64]) -> float:
    """Σ values² of 2**−24 grid units, in grid units squared."""
    exact = values * 2.0**-_TALLY_BITS
    return float(np.sum(exact * exact))


def _as_length(grid_units: float) -> float:
    return grid_units * 2.0**-GRID_BITS


def _blocks(size: int) -> Iterable[slice]:
    return (slice(start, min(start + _BLOCK, size)) for start in range(0, size, _BLOCK))
