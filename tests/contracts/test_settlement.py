"""Settlement of any verdicts over any reputations, through real calls, equals `ledger.circle.reputation.settle`.

The comparison itself is in the harness: the `Settled` event must carry the words that the twin foretold.
"""

import random
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ledger.circle.draw import seats_of
from ledger.circle.reputation import pack
from ledger.circle.verdict_word import ACCEPTED_BIT, ROUND_BIT, SEED_BIT
from tests.support.contract.harness import RECORD, CircleUnderTest, ContractTerms
from tests.support.contract.machines import BareMachine

pytestmark = pytest.mark.rule("R13")

FULL, SAID = 65535, 2**21 - 1
SCALE = st.one_of(
    st.integers(0, FULL), st.sampled_from([0, 1, 255, 256, 16383, 16384, 32767, 32768, FULL - 1, FULL])
)
FLOOR = st.one_of(st.sampled_from([256, 16384, 32767]), st.integers(256, 32767))


def plant(circle: CircleUnderTest, reputations: Mapping[int, int]) -> None:
    """Give the contract and its twin these reputations, and who is below the floor with them."""
    machine, twin = circle.machine, circle.twin
    held = pack(twin.reputations)
    first = next(
        slot
        for slot in range(400)
        if all(machine.peek(circle.address, slot + word) == held[word] for word in range(16))
    )
    for word, value in enumerate(pack(reputations)):
        machine.poke(circle.address, first + word, value)
    below_slot = _below_slot(circle)
    twin.reputations, circle.history.reputations = dict(reputations), dict(reputations)
    machine.poke(circle.address, below_slot, twin.below)
    circle.check_words()


def _below_slot(circle: CircleUnderTest) -> int:
    """Where the contract keeps who is below the floor: what moves `standing()`'s second mask."""
    machine = circle.machine
    for slot in range(32):
        held = machine.peek(circle.address, slot)
        machine.poke(circle.address, slot, held ^ 1 << 255)
        moved = circle.view("standing")[1] != circle.twin.below
        machine.poke(circle.address, slot, held)
        if moved:
            return slot
    raise AssertionError("no slot tells who is below the floor")


def play(circle: CircleUnderTest, committing: int, verdicts: Mapping[int, tuple[int, int]]) -> dict[int, int]:
    """One round: these commit, these attest (judged, accepted) by places. Returns the reputations after it."""
    *before, last = seats_of(committing)
    for seat in seats_of(committing & ~circle.twin.roster):
        circle.do(seat, "wake")
    circle.commit_all(before)
    # Whoever does not commit is not waited for, and the last commit closes the phase.
    circle.machine.pass_time(circle.terms.commit_window_s)
    circle.commit_all([last])
    tail = int.from_bytes(circle.twin.draw[-8:], "big")
    for seat, (judged, accepted) in verdicts.items():
        said = (accepted & judged & SAID) << ACCEPTED_BIT | judged & SAID
        circle.do(seat, "attest", tail << SEED_BIT | circle.twin.number << ROUND_BIT | said, RECORD)
    circle.machine.pass_time(circle.terms.attest_window_s)
    return circle.settle()


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.data())
def test_any_verdicts_over_any_reputations(data: st.DataObject) -> None:
    seats = data.draw(st.integers(2, 40), "seats")
    places = st.one_of(st.integers(0, SAID), st.sampled_from([0, SAID]))
    terms = ContractTerms(
        start_seats=seats,
        degree=data.draw(st.integers(1, 20), "degree"),
        reputation_shift=data.draw(st.integers(1, 8), "shift"),
        reputation_floor=data.draw(FLOOR, "floor"),
        eject_after=3,
    )
    circle = CircleUnderTest(BareMachine(seats), terms, check_every=1 << 30)
    circle.join_all()
    plant(circle, {seat: data.draw(SCALE, "reputation") for seat in range(seats)})
    chosen = st.sets(st.integers(0, seats - 1), min_size=2)
    committing = data.draw(chosen, "committing")
    attesting = data.draw(st.sets(st.sampled_from(sorted(committing)), min_size=2), "attesting")
    verdicts = {seat: (data.draw(places, "judged"), data.draw(places, "accepted")) for seat in sorted(attesting)}
    play(circle, sum(1 << seat for seat in committing), verdicts)
    circle.check()


def test_256_seats_at_full_weight_and_then_at_random() -> None:
    everyone, chance = range(256), random.Random(5)
    terms = ContractTerms(256, 2, last_round=9, degree=20, reputation_shift=2)
    circle = CircleUnderTest(BareMachine(256), terms, check_every=64)
    circle.join_all()
    # All lanes are as full as they get: 20 judges of weight 255 each. One carry would spoil a neighbour.
    plant(circle, dict.fromkeys(everyone, FULL))
    for said, after in (((SAID, SAID), FULL), ((SAID, 0), (3 * FULL) >> 2)):
        assert play(circle, 2**256 - 1, dict.fromkeys(everyone, said)) == dict.fromkeys(everyone, after)
    plant(circle, {seat: chance.choice([chance.randrange(FULL + 1), 16383, 16384, 0]) for seat in everyone})
    committing = chance.getrandbits(256) | chance.getrandbits(256)
    attesting = [seat for seat in seats_of(committing) if chance.random() < 0.8]
    play(circle, committing, {seat: (chance.getrandbits(21), chance.getrandbits(21)) for seat in attesting})
    circle.check()
