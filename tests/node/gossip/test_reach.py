"""What a peer tells of how others reach it: a sentence with a next step."""

import pytest

from node.gossip.reach import Reachability, make_reach_notice

ENDPOINT = "wss://a.example:1 http://a.example:2"


@pytest.mark.parametrize(
    ("reach", "names"),
    [
        (Reachability(ENDPOINT, 3, 0, 3), "gossip at wss://a.example:1 (3 tried), so"),
        (Reachability(ENDPOINT, 1, 1, 0), "gateway at http://a.example:2 (the one that tried), so"),
        (
            Reachability(ENDPOINT, 2, 0, 0),
            "gossip at wss://a.example:1 and gateway at http://a.example:2 (2 tried), so",
        ),
    ],
    ids=["gossip", "gateway", "both"],
)
def test_an_unreachable_peer_is_told_which_address_and_what_to_look_at(reach: Reachability, names: str) -> None:
    notice = make_reach_notice(reach)
    assert (notice.kind, notice.is_bad) == ("unreachable", True)
    assert names in notice.says
    assert "--advertise" in notice.says
    assert (notice.event["gossip"], notice.event["gateway"]) == (reach.has_gossip, reach.has_gateway)


def test_a_peer_that_is_reached_is_told_without_alarm() -> None:
    notice = make_reach_notice(Reachability(ENDPOINT, 3, 2, 3))
    assert (notice.kind, notice.is_bad) == ("reached", False)


def test_what_a_seat_calls_itself_is_no_part_of_where_it_is_reached() -> None:
    named = f"{ENDPOINT} name=ward"
    assert make_reach_notice(Reachability(named, 3, 2, 3)).says == f"other members reach this peer at {ENDPOINT}"
