"""A simulated circle with differential privacy: noisy, and repeatable to the bit."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ledger.arithmetic.exact import to_float
from ledger.codec import PLAIN, quantise
from ledger.errors import UsageError
from ledger.privacy.planning import compute_outlook, parse_privacy_terms
from node.simulator.learning import PeersTraining
from node.simulator.privacy_budget import compute_epsilon, find_rounds_in_budget, make_privacy_numbers
from node.simulator.privacy_spending import compute_spent
from node.simulator.scenario import Scenario
from node.simulator.simulation import simulate
from tests.support.imports import find_reached, read_imports

PRIVATE = Scenario(
    task="digits",
    peers=3,
    rounds=2,
    degree=2,
    rule="none",
    samples=100,
    privacy={"steps": 4, "batch": 25, "clip": 1.0, "sigma": 2.0, "lr": 1.0},
)


def test_a_private_simulation_is_repeatable_and_its_noise_is_the_mechanisms() -> None:
    one, other = simulate(PRIVATE), simulate(PRIVATE)
    assert one.digest == other.digest
    assert simulate(replace(PRIVATE, seed=1)).digest != one.digest
    assert simulate(replace(PRIVATE, privacy={})).digest != one.digest


@pytest.mark.parametrize(
    ("privacy", "reason"),
    [({"sigma": 1.0}, "privacy takes steps"), ({**PRIVATE.privacy, "sigma": 0.0}, "privacy option sigma is 0")],
)
def test_half_a_mechanism_is_refused(privacy: dict[str, float], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        replace(PRIVATE, privacy=privacy)


def test_no_peer_can_come_by_predictable_noise() -> None:
    imports = read_imports()
    assert "node.learning.private.mechanism" in find_reached(
        ["node.peer", "node.cli.node", "node.cli.node_start"], imports
    )
    assert "node.simulator.predictable_randomness" not in find_reached(
        ["node.peer", "node.cli.node", "node.cli.node_start"], imports
    )


def test_an_attacker_that_trains_with_less_noise_does_so_in_a_simulation_too() -> None:
    def errors(**changes: Any) -> list[float]:
        """Of the first two, who mix in what the third publishes."""
        return [row.error for row in simulate(replace(PRIVATE, **changes)).rows if row.seat < 2]

    assert errors(attack="less-noise", malicious=(2,)) != errors()
    # What it says is a matter of blobs, which a simulation without records has none of.
    assert errors(attack="uncharged", malicious=(2,)) == errors()


def test_a_peer_that_has_spent_its_budget_publishes_its_base_from_then_on() -> None:
    """ε 2 of 100 examples holds two rounds of these, of twice as many all three."""
    numbers = {**PRIVATE.privacy, "epsilon": 2.1, "delta": 1e-5}
    budgeted = replace(PRIVATE, rounds=3, privacy=numbers)
    training = PeersTraining(budgeted, {})
    base = quantise(training.template.make_initial(), training.layout.blocks, PLAIN).state
    moved = [
        not np.array_equal(training.train(number, [0], base[None], [{}])[0].state, to_float(base))
        for number in (1, 2, 3)
    ]
    assert moved == [True, True, False]
    two_rounds = compute_epsilon(numbers, 100, 2)
    assert 1.5 < two_rounds <= 2.1 < compute_epsilon(numbers, 100, 3)
    assert compute_spent(budgeted) == {0: two_rounds, 1: two_rounds, 2: two_rounds}
    late = replace(budgeted, late={1: 3})
    assert compute_spent(late)[1] == compute_epsilon(numbers, 100, 1)
    assert compute_spent(PRIVATE) == {}


def test_a_simulation_spends_what_real_peers_with_the_same_terms_do() -> None:
    terms = parse_privacy_terms("epsilon=8,sigma=1.958,batch=25", 30, 100)
    numbers = make_privacy_numbers(terms)
    outlook = compute_outlook(terms, 30, 100)
    assert find_rounds_in_budget(numbers, 100) == outlook.rounds == 29
    assert compute_epsilon(numbers, 100, 29) == outlook.epsilon_milli / 1000


@pytest.mark.rule("R12.5")
def test_peers_whose_budget_is_spent_are_accepted_and_accept_others() -> None:
    numbers = {**PRIVATE.privacy, "epsilon": 4.0, "delta": 1e-5}
    assert find_rounds_in_budget(numbers, 100) == 8
    spent = replace(PRIVATE, peers=10, rounds=12, degree=4, rule="tether", evaluate_every=12, privacy=numbers)
    assert simulate(spent).summary.false_reject == 0


@pytest.mark.rule("R12.5")
def test_who_publishes_no_noise_or_pushes_in_it_is_out_and_the_honest_are_in() -> None:
    private = replace(PRIVATE, peers=10, rounds=12, degree=4, rule="tether", evaluate_every=12, malicious=(8, 9))
    lazy = simulate(replace(private, attack="lazy")).summary
    assert (lazy.false_accept, lazy.false_reject) == (0, 0)
    hidden = simulate(replace(private, attack="camouflage", attack_parameters={"part": 0.5})).summary
    assert hidden.false_accept < 0.35
    assert hidden.false_reject == 0
