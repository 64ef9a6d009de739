"""Riding goes to just inside what the real rules accept, by the rules' own verdicts."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ledger.codec import Blocks, quantise
from ledger.rules import ScreeningInput
from ledger.rules.balance import Balance
from ledger.rules.tether import Tether
from ledger.rules.undefended import Undefended
from node.attacks.riding import estimate_thresholds
from node.attacks.view import PeerView
from tests.support.sights import chosen, sight, sight_of

SIZE = 400
BLOCKS = Blocks((SIZE,))
# TETHER without its test of directions, which a ride does not hide from.
GATE_ALONE = Tether(few=0, spectral_milli=10**6, hidden_milli=10**6, unseen_milli=10**6)


def honest_round(rule: Balance | Tether, **fields: int) -> PeerView:
    """Eight peers that took similar steps from one base."""
    rng = np.random.default_rng(7)
    base = rng.normal(size=SIZE).astype(np.float32)
    way = 0.05 * rng.normal(size=SIZE)
    states = {seat: (base + way + 0.05 * rng.normal(size=SIZE)).astype(np.float32) for seat in range(8)}
    return sight(base, base, honest=states, bases=dict.fromkeys(states, base), rule=rule, **fields)


def acceptances(rule: Balance | Tether, seen: PeerView, poison: NDArray[np.float32]) -> int:
    """How many honest peers accept the poison, each judging it among all the others."""
    grid = {seat: quantise(state, BLOCKS).state for seat, state in seen.honest.items()}
    count = 0
    for judge, own in grid.items():
        neighbours = {seat: state for seat, state in grid.items() if seat != judge} | {
            9: quantise(poison, BLOCKS).state
        }
        situation = ScreeningInput(
            base=quantise(seen.bases[judge], BLOCKS).state,
            own=own,
            neighbours=neighbours,
            eligible=frozenset(neighbours),
            round=seen.round,
            rounds=seen.rounds,
            judge=judge,
        )
        count += rule.screen(situation).judgements[9].accepted
    return count


@pytest.mark.parametrize("rule", [Balance(), Balance(gamma_milli=200, kappa_milli=1000), GATE_ALONE])
@pytest.mark.parametrize("round", [1, 8])
def test_most_victims_accept_a_ride_and_few_what_lies_a_little_further(rule: Balance | Tether, round: int) -> None:
    seen = honest_round(rule, round=round)
    inside, outside = (chosen("ride", {"share": share}).plan(seen) for share in (0.95, 1.05))
    assert acceptances(rule, seen, inside) >= 4
    assert acceptances(rule, seen, outside) <= 4
    bold, shy = (chosen("ride", {"share": 1.0, "victims": share}).plan(seen) for share in (0.01, 1.0))
    assert np.linalg.norm(bold - seen.centre) >= np.linalg.norm(shy - seen.centre)


def test_a_ride_on_balance_ends_at_its_radius_opposite_to_the_step() -> None:
    rule = Balance(gamma_milli=300, kappa_milli=0)
    poison = chosen("ride", {"share": 1.0}).plan(sight_of([[10, 0], [10, 0]], [9, 0], rule=rule))
    assert poison == pytest.approx([7.0, 0.0], abs=1e-5)


def test_balances_radius_shrinks_with_the_rounds_from_zero() -> None:
    rule = Balance(gamma_milli=300, kappa_milli=1000)
    for round, factor in ((1, 1.0), (6, np.exp(-0.5))):
        found = estimate_thresholds(sight_of([[10, 0]], [9, 0], rule=rule, round=round, rounds=10))
        assert found.radii == pytest.approx((3 * factor,))


def test_tethers_gate_stands_around_the_base_at_three_lower_medians_or_steps_of_its_own() -> None:
    # From base 0 the others of the second peer are at 2, 3 and 4: the lower median is 3. The others went further
    # than their lower medians.
    seen = sight_of([[4, 0], [1, 0], [2, 0], [3, 0]], [0, 0], rule=Tether())
    found = estimate_thresholds(seen)
    assert found.centres.tolist() == [[0, 0]] * 4
    assert found.radii == pytest.approx((12.0, 9.0, 9.0, 9.0))


def test_tethers_reach_is_at_most_four_own_steps() -> None:
    seen = sight_of([[0.1, 0], [9, 0], [9, 0]], [0, 0], rule=Tether())
    assert estimate_thresholds(seen).radii[0] == pytest.approx(3 * 0.4)


def test_under_any_other_rule_a_ride_goes_as_far_as_the_furthest_honest_peer() -> None:
    found = estimate_thresholds(sight_of([[0, 0], [3, 0], [9, 0]], [0, 0], rule=Undefended()))
    assert found.radii == (9.0, 6.0, 9.0)


def test_half_a_ride_is_half_as_far() -> None:
    seen = honest_round(Balance())
    whole, half = (chosen(name).plan(seen) - seen.centre for name in ("ride", "half-ride"))
    assert half == pytest.approx(whole / 2, abs=1e-6)


def test_in_a_large_circle_a_part_of_the_victims_stands_for_all() -> None:
    states = np.random.default_rng(0).normal(size=(100, 3)).tolist()
    seen = sight_of(states, [0, 0, 0], rule=Tether())
    assert len(estimate_thresholds(seen).radii) == 16
