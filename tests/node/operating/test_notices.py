"""What a node tells: a line in the log, an event, a sentence with a next step."""

import logging

import pytest

from node.gossip import Reach
from node.operating.notices import Notice, Notices, reach_notice

ENDPOINT = "wss://a.example:1 http://a.example:2"


@pytest.mark.parametrize(
    ("reach", "names"),
    [
        (Reach(ENDPOINT, 3, 0, 3), "gossip at wss://a.example:1 (3 tried), so"),
        (Reach(ENDPOINT, 1, 1, 0), "gateway at http://a.example:2 (the one that tried), so"),
        (Reach(ENDPOINT, 2, 0, 0), "gossip at wss://a.example:1 and gateway at http://a.example:2 (2 tried), so"),
    ],
    ids=["gossip", "gateway", "both"],
)
def test_an_unreachable_peer_is_told_which_address_and_what_to_look_at(reach: Reach, names: str) -> None:
    notice = reach_notice(reach)
    assert (notice.kind, notice.is_bad) == ("unreachable", True)
    assert names in notice.says
    assert "--advertise" in notice.says
    assert (notice.event["gossip"], notice.event["gateway"]) == (reach.has_gossip, reach.has_gateway)


def test_a_peer_that_is_reached_is_told_without_alarm() -> None:
    notice = reach_notice(Reach(ENDPOINT, 3, 2, 3))
    assert (notice.kind, notice.is_bad) == ("reached", False)


def test_what_is_bad_is_a_warning_and_the_rest_is_not(caplog: pytest.LogCaptureFixture) -> None:
    told: list[dict[str, object]] = []
    notices = Notices(told.append)
    with caplog.at_level(logging.INFO, "node.operating.notices"):
        notices.tell(Notice("bad_word", "something is wrong", True, {"seat": 3}))
        notices.tell(Notice("good_word", "all is well", False))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "notice kind=bad_word: something is wrong"),
        ("INFO", "notice kind=good_word: all is well"),
    ]
    assert told[0] == {
        "event": "notice",
        "kind": "bad_word",
        "says": "something is wrong",
        "is_bad": True,
        "seat": 3,
    }
