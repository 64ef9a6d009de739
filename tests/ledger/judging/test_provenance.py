"""Coefficients and sums of steps, against fractions and whole vectors (R33)."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ledger.arithmetic.exact import GridState, mix_weighted
from ledger.judging.circle_model import find_lower_median
from ledger.judging.provenance import (
    ONE_BITS,
    ROUNDS_MAX,
    Holder,
    MixedRound,
    Step,
    Tally,
    Target,
    choose_values,
    count_mixings,
    explain_untraceable,
    find_mixed_from,
    trace_coefficients,
)
from ledger.rules import RULES, Weights
from tests.support.specification.provenance import follow_coefficients

pytestmark = pytest.mark.rule("R33")
SEATS, LENGTH = 4, 9


@st.composite
def histories(draw: st.DrawFn) -> list[MixedRound]:
    """Rounds of few seats, who are away at times, mix by odd weights, and now and then begin anew."""
    begun = dict.fromkeys(range(SEATS), 1)
    rounds = []
    for number in range(1, draw(st.integers(1, 7)) + 1):
        here = draw(st.sets(st.integers(0, SEATS - 1), min_size=1))
        for seat in draw(st.sets(st.sampled_from(sorted(here)), max_size=1)):
            begun[seat] = number
        mixings = {}
        for judge in draw(st.sets(st.sampled_from(sorted(here)))):
            others = draw(st.sets(st.sampled_from(sorted(here)))) - {judge}
            weight = st.integers(0, 1 << 18)
            weights = Weights(draw(weight), {seat: draw(weight) for seat in others}, draw(weight))
            mixings[judge] = weights if weights.total else Weights(1, {})
        rounds.append(MixedRound(number, {seat: begun[seat] for seat in here}, mixings))
    return rounds


@pytest.mark.rule("R33.3")
@settings(max_examples=40)
@given(histories())
def test_coefficients_are_those_of_fractions(rounds: list[MixedRound]) -> None:
    for holder, exact in follow_coefficients(rounds).items():
        found = trace_coefficients(rounds, holder)
        assert found.keys() == exact.keys()
        for step, coefficient in exact.items():
            assert abs(Fraction(found[step], 1 << ONE_BITS) - coefficient) < Fraction(1, 1 << 60)
        for number in range(1, len(rounds) + 1):
            assert sum(part for step, part in found.items() if step[0] == number) <= 1 << ONE_BITS


@settings(max_examples=40)
@given(histories(), st.integers(0, 6), st.integers(0, SEATS - 1))
def test_who_was_reached_by_a_seat_is_who_has_a_coefficient_of_it(
    rounds: list[MixedRound], until: int, seat: int
) -> None:
    steps = [(mixed.number, seat) for mixed in rounds]
    reached = find_mixed_from(rounds[:until], steps)
    exact = follow_coefficients(rounds[:until])
    authors = {mixed.find_holder(seat) for mixed in rounds if seat in mixed.begun}
    having = {holder for holder, parts in exact.items() if any(step in parts for step in steps)} - authors
    # A base that was mixed away again keeps its mark: it was reached once.
    assert having <= reached.keys()
    for holder, number in reached.items():
        assert any(step in follow_coefficients(rounds[:number])[holder] for step in steps)


def play(rounds: list[MixedRound], seed: int) -> tuple[dict[Holder, GridState], dict[Step, GridState], GridState]:
    """Bases after these rounds, of random steps; the steps; and the genesis."""
    random = np.random.default_rng(seed)
    genesis = random.integers(-(1 << 22), 1 << 22, LENGTH).astype(np.int32)
    bases: dict[Holder, GridState] = {}
    steps: dict[Step, NDArray[np.int32]] = {}
    for mixed in rounds:
        states = {}
        for seat in mixed.begun:
            steps[mixed.number, seat] = random.integers(-(1 << 16), 1 << 16, LENGTH).astype(np.int32)
            states[seat] = bases.get(mixed.find_holder(seat), genesis) + steps[mixed.number, seat]
        after = {}
        for seat, weights in mixed.mixings.items():
            base = bases.get(mixed.find_holder(seat), genesis)
            mixing = [base, states[seat], *map(states.__getitem__, weights.others)]
            after[mixed.find_holder(seat)] = mix_weighted(
                mixing, [weights.base, weights.own, *weights.others.values()]
            )
        bases |= after
    return bases, steps, genesis


def tally_of(rounds: list[MixedRound], target: Target, steps: dict[Step, GridState], genesis: GridState) -> Tally:
    tally = Tally(target, genesis, rounds, {step: (step[1], 1) for step in steps})
    for step, moved in steps.items():
        tally.add(step, moved)
    return tally


@pytest.mark.rule("R33.4")
@settings(max_examples=40)
@given(histories(), st.integers(0, 1 << 30))
def test_genesis_and_steps_and_residual_are_the_base_and_the_residual_is_bounded(
    rounds: list[MixedRound], seed: int
) -> None:
    bases, steps, genesis = play(rounds, seed)
    for holder, base in bases.items():
        tally = tally_of(rounds, Target(base, (holder,)), steps, genesis)
        account = tally.account()
        exact = follow_coefficients(rounds)[holder]
        left = [
            int(base[i])
            - int(genesis[i])
            - sum((part * int(steps[step][i]) for step, part in exact.items()), Fraction(0))
            for i in range(LENGTH)
        ]
        slack = len(exact) * 2.0**-23
        assert account.residual == pytest.approx(float(max(map(abs, left))), abs=slack)
        assert account.residual <= account.bound == account.mixings / 2 + slack
        assert account.mixings == count_mixings(rounds, [holder]) <= len(rounds)
        if account.length:
            share = sum(one.along for one in account.owners.values())
            way = [int(base[i]) - int(genesis[i]) for i in range(LENGTH)]
            rest = sum(part * w for part, w in zip(left, way, strict=True)) / sum(w * w for w in way)
            assert share + float(rest) == pytest.approx(1, abs=1e-6)
        for step, share_ in account.steps.items():
            put_in = float(exact[step]) * float(np.linalg.norm(steps[step].astype(float))) / 65536
            assert share_.coefficient == pytest.approx(float(exact[step]), rel=1e-12, abs=1e-18)
            assert share_.norm == pytest.approx(put_in, rel=1e-5, abs=1e-6)


@pytest.mark.rule("R33.5")
@settings(max_examples=40)
@given(histories(), st.integers(0, 1 << 30))
def test_a_model_that_takes_each_value_from_a_base_is_accounted_for_value_by_value(
    rounds: list[MixedRound], seed: int
) -> None:
    bases, steps, genesis = play(rounds, seed)
    if not bases:
        return
    holders = sorted(bases)
    target = choose_values(holders, [bases[holder] for holder in holders])
    assert np.array_equal(target.model, find_lower_median([bases[holder] for holder in holders]))
    assert target.choice is not None
    assert sum(target.count_values()) == LENGTH
    for i, place in enumerate(target.choice):
        having = [n for n, holder in enumerate(holders) if bases[holder][i] == target.model[i]]
        assert place == min(having)
    tally = tally_of(rounds, target, steps, genesis)
    account = tally.account()
    assert account.residual <= account.bound
    exact = follow_coefficients(rounds)
    for owner in {(seat, 1) for seat in range(SEATS)} & account.owners.keys():
        part = [
            sum(
                (c * int(steps[step][i]) for step, c in exact[holders[place]].items() if step[1] == owner[0]),
                Fraction(0),
            )
            for i, place in enumerate(target.choice)
        ]
        assert all(abs(a - b) <= 0.5 + 1e-5 for a, b in zip(tally.find_part(owner).tolist(), part, strict=True))


@pytest.mark.rule("R33.6")
def test_whose_step_is_in_no_base_has_no_share() -> None:
    rounds = [
        MixedRound(1, {0: 1, 1: 1, 2: 1}, {0: Weights(1, {1: 1}), 1: Weights(1, {0: 1}), 2: Weights(1, {0: 1})})
    ]
    bases, steps, genesis = play(rounds, 1)
    tally = tally_of(rounds, Target(bases[0, 1], ((0, 1),)), steps, genesis)
    assert (1, 2) not in tally.coefficients[0]
    share = tally.account().owners[2, 1]
    assert (share.updates, share.coefficient, share.norm, share.along) == (0, 0.0, 0.0, 0.0)
    assert not tally.find_part((2, 1)).any()
    assert find_mixed_from(rounds, [(1, 2)]) == {}
    assert find_mixed_from(rounds, [(1, 0)]) == {(1, 1): 1, (2, 1): 1}


def test_the_genesis_is_nobodys() -> None:
    genesis = np.arange(LENGTH, dtype=np.int32)
    account = Tally(Target(genesis, ()), genesis, [], {}).account()
    assert (account.steps, account.owners, account.length, account.residual, account.mixings) == ({}, {}, 0, 0, 0)


def test_too_many_rounds_to_sum_exactly_are_refused() -> None:
    rounds = [MixedRound(1, {}, {})] * (ROUNDS_MAX + 1)
    with pytest.raises(ValueError, match="can be summed exactly"):
        Tally(Target(np.zeros(1, np.int32), ()), np.zeros(1, np.int32), rounds, {})


@pytest.mark.rule("R33.1")
@pytest.mark.parametrize("rule", sorted(RULES))
def test_rules_of_which_there_is_no_account_say_why(rule: str) -> None:
    assert (explain_untraceable(rule) is None) == (
        rule not in {"median", "nnm-trimmed-mean", "trimmed-mean", "ubar"}
    )
