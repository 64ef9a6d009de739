"""The contract's twin in memory settles, quarantines and ejects as the fold of a real history does."""

import pytest

from ledger.circle.reputation import INITIAL, settle
from ledger.circle.round import Attestation
from node.simulator.contract import SimulatedContract, author_of
from node.simulator.scenario import Scenario, round_seed

SCENARIO = Scenario(task="digits", peers=4, rounds=30, degree=3, eject_after=2)
DIGESTS = {seat: bytes([seat + 1]) * 32 for seat in range(4)}


def twin_after(rounds: int, scenario: Scenario = SCENARIO) -> SimulatedContract:
    """Everybody accepts everybody but seat 3."""
    twin = SimulatedContract(scenario)
    twin.join(range(4))
    for _ in range(rounds):
        twin.open({seat: digest for seat, digest in DIGESTS.items() if seat not in twin.ejected})
        for seat in twin.rounds[-1].commits:
            others = 0b1111 & ~(1 << seat)
            twin.attest(seat, others, others & 0b0111, bytes(32))
        twin.settle()
    return twin


def test_reputations_are_those_of_the_contracts_settlement() -> None:
    verdicts = {seat: Attestation(0b1111 & ~(1 << seat), 0b0111 & ~(1 << seat), bytes(32)) for seat in range(4)}
    expected = settle(dict.fromkeys(range(4), INITIAL), 0b1111, verdicts, able=0b1111, shift=3, floor=16384)
    assert twin_after(1).reputations == expected


def test_who_is_below_the_floor_is_quarantined_and_later_ejected() -> None:
    twin = twin_after(6)
    assert twin.is_quarantined(3)
    assert not twin.ejected
    assert twin_after(7).ejected == {3: 7}
    assert twin.rounds[-1].find_eligible(twin.floor) == {0, 1, 2, 3}
    later = twin_after(7)
    later.open(DIGESTS)
    assert later.rounds[-1].find_eligible(later.floor) == {0, 1, 2}


def test_nobody_is_ejected_where_the_circle_never_ejects() -> None:
    assert not twin_after(20, Scenario(task="digits", peers=4, rounds=30, degree=3, eject_after=0)).ejected


def test_a_latecomer_starts_with_everyones_first_reputation() -> None:
    twin = twin_after(3)
    twin.join(range(5))
    assert twin.reputations[4] == INITIAL
    assert twin.reputations[0] != INITIAL


def test_seeds_are_a_chain_that_a_scenarios_seed_begins() -> None:
    assert round_seed(0, 1) != round_seed(1, 1)
    assert len({round_seed(0, number) for number in range(1, 50)}) == 49


@pytest.mark.parametrize("seat", [0, 1, 1000])
def test_every_simulated_author_has_an_address_of_its_own(seat: int) -> None:
    assert len(author_of(0, seat)) == 20
    assert author_of(0, seat) != author_of(0, seat + 1)
    assert author_of(0, seat) != author_of(1, seat)
