"""What makes a node unhealthy: each thing broken in turn, and what is said of it."""

from dataclasses import replace

import pytest

from node.metrics.chain_watch import ChainSight
from node.metrics.node_health import NodeSights, check_node
from node.operating.disk import DiskRoom, measure_room

NOW = 1_800_000_000.0
ROOM = DiskRoom(free_bytes=10 << 30, size_bytes=100 << 30, free_inodes=10**6)
WELL = NodeSights(
    now_s=NOW,
    sight=ChainSight(NOW - 5, 1000, int(NOW) - 12, 10**18),
    trouble="",
    read_s=0.5,
    makes_blocks=True,
    seat=3,
    is_away=False,
    is_finished=False,
    room=ROOM,
    room_trouble="",
)


def sight(*, at: float = NOW - 5, block_time: float = NOW - 12) -> ChainSight:
    return ChainSight(at, 1000, int(block_time), 10**18)


def test_a_node_that_is_well_passes_all_checks() -> None:
    health = check_node(WELL)
    assert health.is_ready
    assert health.is_well
    assert health.to_fields(is_ok=True)["ok"] is True


@pytest.mark.parametrize(
    ("broken", "name", "says", "is_ready"),
    [
        ({"trouble": "the chain at http://x does not answer"}, "chain", "does not answer", False),
        ({"sight": sight(at=NOW - 61, block_time=NOW - 70)}, "chain", "no endpoint has been asked", False),
        ({"sight": sight(block_time=NOW - 700)}, "chain_fresh", "700 s old", False),
        ({"read_s": None}, "following", "not read yet", False),
        ({"read_s": 200.0}, "following", "200 s ago", False),
        ({"seat": None}, "seat", "holds no seat", False),
        ({"is_away": True}, "seat", "another process serves seat 3", False),
        ({"room": replace(ROOM, free_bytes=1 << 20)}, "disk", "1 MiB are free", True),
        ({"room": replace(ROOM, free_inodes=3)}, "disk", "3 files", True),
        ({"room": None, "room_trouble": "No such file"}, "disk", "No such file", True),
        ({"sight": sight(block_time=NOW + 60)}, "clock", "65 s behind", True),
    ],
)
def test_each_thing_that_breaks_is_named(broken: dict[str, object], name: str, says: str, is_ready: bool) -> None:
    health = check_node(replace(WELL, **broken))  # type: ignore[arg-type]
    wrong = [one for one in health.checks if not one.is_ok]
    assert [one.name for one in wrong] == [name]
    assert says in wrong[0].says
    assert (health.is_ready, health.is_well) == (is_ready, False)
    told = health.to_fields(is_ok=health.is_ready)["checks"]
    assert (told[0]["check"], told[0]["ok"]) == (name, False), "what is wrong stands first"


def test_before_anything_was_seen_every_check_is_there() -> None:
    unknown = NodeSights(NOW, None, "not asked yet", None, True, None, False, False, None, "not looked at yet")
    assert [one.name for one in check_node(unknown).checks] == [one.name for one in check_node(WELL).checks]
    assert not check_node(unknown).is_ready


def test_a_chain_that_mines_on_demand_may_be_quiet() -> None:
    assert check_node(replace(WELL, makes_blocks=False, sight=sight(block_time=NOW - 10_000))).is_well


def test_after_the_last_round_nothing_is_asked_of_a_seat() -> None:
    assert check_node(replace(WELL, is_finished=True, seat=None)).is_well


def test_a_folder_that_is_not_made_yet_is_measured_where_it_will_be(tmp_path: object) -> None:
    from pathlib import Path

    there = Path(str(tmp_path))
    assert measure_room(there / "a" / "b").size_bytes == measure_room(there).size_bytes
