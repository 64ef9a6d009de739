"""What anyone may read."""

from collections.abc import Callable

import pytest
from circle_harness import DAY_S, DIGEST, NOBODY, WINDOW_S, CircleUnderTest
from circle_machines import Refusal

Deploy = Callable[..., CircleUnderTest]


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
    assert circle.view("seat_at", 1) == ((NOBODY, NOBODY, 0, 0, 0, 0, NOBODY, NOBODY, 0, 0),)
    with pytest.raises(Refusal, match=r"^seat: caller has none$"):
        circle.view("seat_of", circle.peers[1])


def test_a_released_seat_keeps_its_tenure_alone(deploy: Deploy) -> None:
    circle = deploy(bond=3)
    circle.join_all()
    circle.do_cold(1, "leave", 1)
    circle.machine.pass_time(DAY_S)
    circle.do(0, "release", 1)
    assert circle.view("seat_at", 1) == ((NOBODY, NOBODY, 0, 0, 1, 0, NOBODY, NOBODY, 0, 0),)


@pytest.mark.parametrize("seat", [256, 2**256 - 1])
def test_strikes_are_of_seats(deploy: Deploy, seat: int) -> None:
    with pytest.raises(Refusal, match=r"^seat: no such number$"):
        deploy().view("strikes_of", seat)


def test_the_history_is_the_states_last_word(deploy: Deploy) -> None:
    circle = deploy()
    circle.join_all()
    assert circle.view("history") == (circle.state.history,) == (circle.history.hash,)


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
    assert circle.view("terms") == (circle.terms.words,)


def test_standing_tells_who_is_held_quarantined_vacant_and_woken(deploy: Deploy) -> None:
    circle = deploy(start_seats=5, last_round=9, reputation_shift=1, reputation_floor=20000, unbonding_s=0)
    circle.join_all()
    circle.whole_round(range(5), rejected=0b100)
    circle.do_cold(0, "leave", 0)
    circle.do(1, "release", 0)
    circle.do_cold(1, "leave", 1)
    circle.do(3, "wake")
    assert circle.view("standing") == (0b11100, 0b00100, 0b00001, 0b01000)


def test_a_dispute_is_read_as_it_stands(deploy: Deploy) -> None:
    circle = deploy(start_seats=5, dispute_bond=2)
    circle.join_all()
    circle.whole_round(range(5))
    circle.do(9, "dispute", 1, 0, 1, DIGEST)
    now, block = circle.machine.now_s, circle.machine.moment.block
    challenger = circle.peers[9].lower()
    assert circle.view("dispute_at", 0) == ((1, 0, 1, challenger, now + WINDOW_S, block, 0b11100, 0, 0),)
    circle.do(9, "summon", 0)
    assert circle.view("dispute_at", 0) == ((1, 0, 1, challenger, now + WINDOW_S, 0, 0b11100, 0, 0),)
