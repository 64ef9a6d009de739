"""Screening rules: the boundary to the last count, who may be mixed, and the cases in which nobody is left."""

import dataclasses
from collections.abc import Collection
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.arithmetic.exact import ONE_Q15
from ledger.errors import UsageError
from ledger.rules import RULES, ScreeningInput, rule_of
from ledger.rules.interface import ScreeningResult
from tests.support.screenings import array
from tests.support.specification import arithmetic

pytestmark = pytest.mark.rule("R12")

LARGEST = 127 << 17
# γ = 1, κ = 0, α = ½: accept iff ‖own − other‖ ≤ ‖own‖, in every round.
PLAIN = {"gamma_milli": 1000, "kappa_milli": 0, "alpha_q15": ONE_Q15 // 2}


def situation(
    own: list[int],
    neighbours: dict[int, list[int]],
    *,
    eligible: Collection[int] | None = None,
    round_number: int = 1,
    rounds: int = 10,
) -> ScreeningInput:
    states = {seat: array(values) for seat, values in neighbours.items()}
    chosen = frozenset(states) if eligible is None else frozenset(eligible)
    return ScreeningInput(array(own), array(own), states, chosen, round_number, rounds)


def balance(
    own: list[int], neighbours: dict[int, list[int]], parameters: dict[str, int] = PLAIN, **rest: Any
) -> ScreeningResult:
    return rule_of("balance", parameters).screen(situation(own, neighbours, **rest))


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[int], dict[int, list[int]], frozenset[int]]:
    length, seats = draw(st.integers(1, 6)), draw(st.sets(st.integers(0, 255), max_size=6))
    scale = draw(st.sampled_from([3, 1000, LARGEST]))
    states = st.lists(st.integers(-scale, scale), min_size=length, max_size=length)
    neighbours = {seat: draw(states) for seat in draw(st.permutations(sorted(seats)))}
    eligible = draw(st.sets(st.integers(0, 255))) | {seat for seat in seats if draw(st.booleans())}
    return draw(states), neighbours, frozenset(eligible)


@pytest.mark.rule("R12.1")
@given(situations(), st.integers(1, 4000), st.integers(0, 3000), st.integers(0, ONE_Q15), st.integers(1, 9))
def test_balance_does_what_the_specification_says(
    given_situation: tuple[list[int], dict[int, list[int]], frozenset[int]],
    gamma: int,
    kappa: int,
    alpha: int,
    round_number: int,
) -> None:
    own, neighbours, eligible = given_situation
    parameters = {"gamma_milli": gamma, "kappa_milli": kappa, "alpha_q15": alpha}
    found = balance(own, neighbours, parameters, eligible=eligible, round_number=round_number, rounds=9)
    factor = Fraction(arithmetic.decaying_square_q30(gamma, kappa, round_number - 1, 9), 1 << 30)
    verdicts, mixed, next_base = arithmetic.balance(own, neighbours, eligible, factor, Fraction(alpha, ONE_Q15))
    assert {seat: judgement.accepted for seat, judgement in found.judgements.items()} == verdicts
    assert found.mixed == mixed
    assert found.next_base.tolist() == next_base
    assert found.next_base.dtype == np.int32


@pytest.mark.rule("R12.1")
@pytest.mark.parametrize(("offset", "accepted"), [([5, 0], True), ([0, -5], True), ([5, 1], False), ([4, 3], True)])
def test_balance_accepts_on_the_boundary_and_rejects_one_count_outside(offset: list[int], accepted: bool) -> None:
    found = balance([3, 4], {7: [3 + offset[0], 4 + offset[1]]})
    assert found.judgements[7].accepted is accepted
    assert found.judgements[7].figures == {"distance2": offset[0] ** 2 + offset[1] ** 2, "limit2": 25}


def test_the_boundary_is_exact_where_floats_no_longer_tell_apart() -> None:
    """‖own‖² has 60 bits: one count more in one of 4,097 coordinates is beyond a double's precision."""
    own = np.full(4097, LARGEST, np.int32)
    inside, outside = np.zeros(4097, np.int32), np.zeros(4097, np.int32)
    outside[4096] = -1
    rule = rule_of("balance", PLAIN)
    found = rule.screen(ScreeningInput(own, own, {0: inside, 1: outside}, frozenset({0, 1}), 1, 1))
    assert found.judgements[0].accepted
    assert not found.judgements[1].accepted


def test_the_radius_shrinks_from_gamma_in_the_first_round() -> None:
    parameters = {"gamma_milli": 1000, "kappa_milli": 1000, "alpha_q15": 0}
    limits = [
        balance([1 << 20], {1: [0]}, parameters, round_number=number).judgements[1].figures["limit2"]
        for number in range(1, 11)
    ]
    assert limits[0] == 1 << 40
    assert limits == sorted(set(limits), reverse=True)
    assert limits[-1] == pytest.approx((1 << 40) * np.exp(-1.8), rel=1e-8)


@pytest.mark.parametrize("neighbours", [{}, {1: [900, 900]}, {1: [-3, -4], 2: [900, 0], 9: [0, 900]}])
def test_with_nobody_accepted_a_peer_keeps_its_own_state(neighbours: dict[int, list[int]]) -> None:
    """All malicious, or nobody there: no acceptance is forced."""
    found = balance([3, 4], neighbours)
    assert not any(judgement.accepted for judgement in found.judgements.values())
    assert set(found.judgements) == set(neighbours)
    assert not found.mixed
    assert found.next_base.tolist() == [3, 4]


def test_a_quarantined_neighbour_is_judged_but_never_mixed() -> None:
    found = balance([100, 0], {1: [110, 0], 2: [120, 0]}, eligible={2})
    assert found.judgements[1].accepted
    assert found.judgements[2].accepted
    assert found.mixed == {2}
    assert found.next_base.tolist() == [110, 0]


def test_with_all_accepted_in_quarantine_a_peer_keeps_its_own_state() -> None:
    found = balance([100], {1: [101], 2: [102]}, eligible=())
    assert all(judgement.accepted for judgement in found.judgements.values())
    assert not found.mixed
    assert found.next_base.tolist() == [100]


def test_a_seat_that_is_eligible_but_no_neighbour_is_not_mixed() -> None:
    assert balance([100], {1: [101]}, eligible={1, 2, 3}).mixed == {1}


def test_a_zero_state_accepts_only_a_zero_state() -> None:
    found = balance([0, 0], {1: [0, 0], 2: [0, 1]})
    assert found.judgements[1].accepted
    assert not found.judgements[2].accepted
    assert found.next_base.tolist() == [0, 0]


def test_identical_states_stay_what_they_are() -> None:
    found = balance([7, -7], {seat: [7, -7] for seat in range(20)})
    assert len(found.mixed) == 20
    assert found.next_base.tolist() == [7, -7]


def test_the_order_in_which_neighbours_come_changes_nothing() -> None:
    neighbours = {1: [100, 1], 5: [99, 2], 9: [98, 3]}
    forwards = balance([100, 0], neighbours)
    backwards = balance([100, 0], dict(reversed(neighbours.items())))
    assert forwards.judgements == backwards.judgements
    assert forwards.next_base.tolist() == backwards.next_base.tolist()


@pytest.mark.parametrize(("alpha", "next_base"), [(0, 20), (ONE_Q15, 10), (ONE_Q15 // 2, 15)])
def test_alpha_is_the_weight_of_ones_own_state(alpha: int, next_base: int) -> None:
    found = balance([10], {1: [20]}, {**PLAIN, "alpha_q15": alpha})
    assert found.next_base.tolist() == [next_base]


@pytest.mark.rule("R12.2")
@given(situations())
def test_undefended_accepts_all_and_takes_the_mean_of_all(
    given_situation: tuple[list[int], dict[int, list[int]], frozenset[int]],
) -> None:
    own, neighbours, eligible = given_situation
    found = rule_of("none", {}).screen(situation(own, neighbours, eligible=eligible))
    assert all(judgement.accepted for judgement in found.judgements.values())
    assert found.mixed == frozenset(neighbours) == frozenset(found.judgements)
    assert found.next_base.tolist() == arithmetic.mean([own, *neighbours.values()])


@pytest.mark.parametrize("name", sorted(RULES))
def test_rules_do_not_write_to_what_they_are_given(name: str) -> None:
    given_situation = situation([5, 6], {1: [5, 7], 2: [90, 90]})
    for state in (given_situation.own, *given_situation.neighbours.values()):
        state.setflags(write=False)
    private = dataclasses.replace(given_situation, loss=lambda state: 0.0)
    assert rule_of(name, {}).screen(private).next_base.shape == (2,)


@pytest.mark.parametrize(
    ("name", "parameters", "says"),
    [
        ("krum-of-nowhere", {}, "unknown"),
        ("", {}, "unknown"),
        ("balance", {"beta": 1}, "beta"),
        ("balance", {"needs_base": 1}, "needs_base"),
        ("balance", {"self": 1}, "self"),
        ("none", {"gamma_milli": 1}, "gamma_milli"),
        ("balance", {"gamma_milli": 0}, "gamma_milli"),
        ("balance", {"gamma_milli": 10**6 + 1}, "gamma_milli"),
        ("balance", {"kappa_milli": -1}, "kappa_milli"),
        ("balance", {"kappa_milli": 10**5 + 1}, "kappa_milli"),
        ("balance", {"alpha_q15": ONE_Q15 + 1}, "alpha_q15"),
        ("balance", {"alpha_q15": -(10**4000)}, "alpha_q15"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_the_reason(name: str, parameters: dict[str, int], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        rule_of(name, parameters)
