"""What anyone may read."""

from collections.abc import Callable

import pytest
from circle_harness import ENDPOINT, CircleUnderTest
from circle_machines import Refusal

Deploy = Callable[..., CircleUnderTest]
NOBODY = "0x" + "00" * 20


def test_seats_and_peers_find_each_other(deploy: Deploy) -> None:
    circle = deploy()
    circle.join_all()
    for seat in range(3):
        peer = circle.peers[seat]
        assert circle.view("seat_of", peer) == (seat,)
        assert circle.view("is_seated", peer) == (True,)
        assert circle.view("peer_at", seat)[0] == peer.lower()


def test_who_has_no_seat_is_told_so(deploy: Deploy) -> None:
    circle = deploy()
    circle.do(0, "join", ENDPOINT)
    assert circle.view("is_seated", circle.peers[1]) == (False,)
    assert circle.view("peer_at", 1) == (NOBODY,)
    with pytest.raises(Refusal, match=r"^seat: caller has none$"):
        circle.view("seat_of", circle.peers[1])


def test_the_history_is_the_states_last_word(deploy: Deploy) -> None:
    circle = deploy()
    circle.join_all()
    assert circle.view("history") == (circle.state.history,) == (circle.twin.history.hash,)


def test_every_event_changes_the_history(deploy: Deploy) -> None:
    circle = deploy(start_seats=2)
    seen = {circle.state.history}
    circle.join_all()
    for name, arguments in (("move", (ENDPOINT,)), ("move", (ENDPOINT,)), ("wake", ()), ("wake", ())):
        circle.do(0, name, *arguments)
        seen.add(circle.state.history)
    assert len(seen) == 5


def test_coin_is_not_taken(deploy: Deploy) -> None:
    circle = deploy()
    data = b""
    assert circle.machine.run(circle.peers[0], circle.address, data).reason is not None
