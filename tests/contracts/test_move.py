"""Publishing a new endpoint."""

import pytest

from ledger.circle.events import Moved
from tests.support.contract.copied import Deploy
from tests.support.contract.harness import ENDPOINT

pytestmark = pytest.mark.rule("R3.6")


def test_a_seat_may_move_at_any_time(deploy: Deploy) -> None:
    circle = deploy(start_seats=2, last_round=1)
    circle.join(0)
    assert circle.do(0, "move", "wss://new:1 http://new:2") == [Moved(0, "wss://new:1 http://new:2")]
    circle.join(1)
    circle.do(1, "move", "a")
    circle.whole_round(range(2))
    circle.do(1, "move", "after the end")
    assert circle.twin.seats[1].endpoints == [ENDPOINT, "a", "after the end"]


def test_moving_changes_nothing_but_the_history(deploy: Deploy) -> None:
    circle = deploy()
    circle.join_all()
    before, reputations = circle.state, circle.reputations
    circle.do(1, "move", "x" * 256)
    after = circle.state
    assert after.history != before.history
    assert (after.phase, after.deadline_s, after.roster) == (before.phase, before.deadline_s, before.roster)
    assert circle.reputations == reputations


def test_who_has_no_seat_cannot_move(deploy: Deploy) -> None:
    circle = deploy()
    assert circle.refusal(0, "move", ENDPOINT) == "seat: caller has none"
    circle.join(0)
    circle.do_cold(0, "leave", 0)
    assert circle.refusal(0, "move", ENDPOINT) == "seat: caller has none"
    assert circle.cold_refusal(0, "move", ENDPOINT) == "seat: caller has none"


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [("", "seat: endpoint is empty"), ("wss://h\r:1", "seat: endpoint is not printable")],
)
def test_an_endpoint_is_printable_ascii(deploy: Deploy, endpoint: str, reason: str) -> None:
    circle = deploy()
    circle.join(0)
    assert circle.refusal(0, "move", endpoint) == reason
