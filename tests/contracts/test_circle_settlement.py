"""Settlement of any verdicts over any reputations, through real calls, equals `ledger.reputation.settle`.

The comparison itself is in the harness: the `Settled` event must carry the words that the twin foretold.
"""

import random
from collections.abc import Mapping

from circle_harness import RECORD, CircleTerms, CircleUnderTest
from circle_machines import BareMachine
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ledger.reputation import pack
from ledger.topology import seats_of

FULL = 65535
SCALE = st.one_of(
    st.integers(0, FULL), st.sampled_from([0, 1, 255, 256, 16383, 16384, 32767, 32768, FULL - 1, FULL])
)
FLOOR = st.one_of(st.sampled_from([0, 255, 256, 16384, 32767]), st.integers(0, 32767))


def plant(circle: CircleUnderTest, reputations: Mapping[int, int]) -> None:
    """Give the contract and its twin these reputations."""
    machine, history = circle.machine, circle.twin.history
    assert isinstance(machine, BareMachine)
    held = pack(history.reputations)
    first = next(
        slot
        for slot in range(64)
        if all(machine.peek(circle.address, slot + word) == held[word] for word in range(16))
    )
    for word, value in enumerate(pack(reputations)):
        machine.poke(circle.address, first + word, value)
    history.reputations = dict(reputations)
    circle.check()


def play(circle: CircleUnderTest, committing: int, verdicts: Mapping[int, tuple[int, int]]) -> dict[int, int]:
    """One round: these commit, these attest (judged, accepted). Returns the reputations after it."""
    *before, last = seats_of(committing)
    circle.commit_all(before)
    # Whoever does not commit is not waited for, and the last commit closes the phase.
    circle.machine.pass_time(circle.terms.commit_window_s)
    circle.commit_all([last])
    assert circle.state.committed == committing
    for seat, (judged, accepted) in verdicts.items():
        allowed = judged & committing & ~(1 << seat)
        circle.do(seat, "attest", circle.state.round, allowed, accepted & allowed, RECORD)
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
    masks = st.integers(0, 2**seats - 1)
    terms = CircleTerms(
        start_seats=seats,
        reputation_shift=data.draw(st.integers(1, 8), "shift"),
        reputation_floor=data.draw(FLOOR, "floor"),
    )
    circle = CircleUnderTest(BareMachine(seats), terms, check_every=1 << 30)
    circle.join_all()
    plant(circle, {seat: data.draw(SCALE, "reputation") for seat in range(seats)})
    chosen = st.sets(st.integers(0, seats - 1), min_size=2)
    committing = data.draw(chosen, "committing")
    attesting = data.draw(st.sets(st.sampled_from(sorted(committing)), min_size=2), "attesting")
    verdicts = {seat: (data.draw(masks, "judged"), data.draw(masks, "accepted")) for seat in sorted(attesting)}
    play(circle, sum(1 << seat for seat in committing), verdicts)


def test_256_seats_at_full_weight_and_then_at_random() -> None:
    everyone, chance = 2**256 - 1, random.Random(5)
    circle = CircleUnderTest(
        BareMachine(256), CircleTerms(256, 2, last_round=2, reputation_shift=2), check_every=64
    )
    circle.join_all()
    # All lanes are as full as they get: 255 judges of weight 255 each. One carry would spoil a neighbour.
    plant(circle, dict.fromkeys(range(256), FULL))
    assert play(circle, everyone, dict.fromkeys(range(256), (everyone, everyone))) == dict.fromkeys(
        range(256), FULL
    )
    plant(circle, {seat: chance.choice([chance.randrange(FULL + 1), 16383, 16384, 0]) for seat in range(256)})
    committing = chance.getrandbits(256) | chance.getrandbits(256)
    attesting = [seat for seat in seats_of(committing) if chance.random() < 0.8]
    play(
        circle,
        committing,
        {seat: (chance.getrandbits(256), chance.getrandbits(256)) for seat in attesting},
    )
