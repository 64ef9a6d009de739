"""What anyone may read."""

import pytest

from tests.support.contract.copied import Deploy, after_a_round
from tests.support.contract.harness import DIGEST, NOBODY, WINDOW_S
from tests.support.contract.machines import Refusal
from tests.support.contract.trials import convict


def test_seats_and_peers_find_each_other(deploy: Deploy) -> None:
    circle = deploy()
    circle.join_all()
    for seat in range(3):
        peer = circle.peers[seat]
        assert circle.view("seat_of", peer) == (seat,)
        assert circle.view("is_seated", peer) == (True,)
        assert circle.view("seat_at", seat)[0][:2] == (peer.lower(), circle.colds[seat].lower())


def test_who_has_no_seat_is_told_so(deploy: Deploy) -> None:
    circle = deploy()
    circle.join(0)
    assert circle.view("is_seated", circle.peers[1]) == (False,)
    assert circle.view("seat_at", 1) == ((NOBODY, NOBODY, 0, 0, 0, 0, NOBODY, NOBODY, 0, 0, 0, 0, 0),)
    with pytest.raises(Refusal, match=r"^seat: caller has none$"):
        circle.view("seat_of", circle.peers[1])


def test_a_released_seat_keeps_its_tenure_alone(deploy: Deploy) -> None:
    circle = deploy(bond=3)
    circle.join_all()
    circle.do_cold(1, "leave", 1)
    circle.wait_until_free()
    circle.do(0, "release", 1)
    assert circle.view("seat_at", 1) == ((NOBODY, NOBODY, 0, 0, 1, 0, NOBODY, NOBODY, 0, 0, 0, 0, 0),)


@pytest.mark.parametrize("seat", [256, 2**256 - 1])
def test_strikes_are_of_seats(deploy: Deploy, seat: int) -> None:
    with pytest.raises(Refusal, match=r"^seat: no such number$"):
        deploy().view("strikes_of", seat)


def test_the_history_is_the_states_last_word(deploy: Deploy) -> None:
    circle = deploy()
    circle.join_all()
    assert circle.view("history") == (circle.state.history,) == (circle.twin.hash,)


@pytest.mark.rule("R4")
def test_every_event_changes_the_history(deploy: Deploy) -> None:
    circle = deploy(start_seats=2)
    seen = {circle.state.history}
    circle.join_all()
    for name, arguments in (("move", ("a",)), ("move", ("a",)), ("wake", ()), ("wake", ())):
        circle.do(0, name, *arguments)
        seen.add(circle.state.history)
    assert len(seen) == 5


def test_the_terms_are_read_as_they_were_set(deploy: Deploy) -> None:
    circle = deploy(start_seats=5, quorum=4, bond=77, jury_seats=9)
    (*words, court) = circle.terms.words
    assert circle.view("terms") == ((*words, str(court).lower()),)


def test_standing_tells_who_is_held_quarantined_vacant_and_about(deploy: Deploy) -> None:
    circle = deploy(
        start_seats=6, quorum=3, last_round=9, reputation_shift=1, reputation_floor=20000, bond=9, unbonding_s=0
    )
    circle.join_all()
    circle.commit_all(range(5))
    circle.machine.pass_time(WINDOW_S)
    circle.do(0, "advance")
    circle.attest_all(range(5), rejected=0b100)
    circle.settle()
    circle.do_cold(0, "leave", 0)
    circle.wait_until_free()
    circle.do(1, "release", 0)
    circle.do_cold(1, "leave", 1)
    circle.do(3, "wake")
    circle.do(5, "wake")
    # Held, below the floor (5 by its silence), released, woken, dozing, late, suspended.
    assert circle.view("standing") == (0b111100, 0b100100, 0b000001, 0b101000, 0b100000, 0b100000, 0)


def test_a_dispute_is_read_as_it_stands(deploy: Deploy) -> None:
    circle = after_a_round(deploy, start_seats=5, bond=8, dispute_bond=2)
    circle.do(9, "dispute", 1, 0, 1, DIGEST)
    now, block = circle.machine.now_s, circle.machine.moment.block
    claim = (1, 0, 1, circle.peers[9].lower(), NOBODY)
    votes = (0,) * 6
    assert circle.view("dispute_at", 0) == ((*claim, 0, now + WINDOW_S, block, 0b11111, 0b11100, *votes, 0),)
    circle.do(9, "summon", 0)
    assert circle.view("dispute_at", 0) == ((*claim, 1, now + WINDOW_S, block, 0b11111, 0b11100, *votes, 0),)
    assert circle.view("dispute_at", 1)[0] == (0, 0, 0, NOBODY, NOBODY, *[0] * 12)


def test_who_is_suspended_is_told(deploy: Deploy) -> None:
    circle = after_a_round(deploy, start_seats=5, last_round=9, bond=8, dispute_bond=2)
    convict(circle, 1, 0, 1, DIGEST)
    assert circle.view("standing")[6] == 0b00001
    assert circle.view("seat_at", 0)[0][9:] == (0, 1, 2 + 64, 0)
