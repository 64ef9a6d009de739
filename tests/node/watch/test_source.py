"""What the page shows is what the contract confirms, whatever an endpoint tells and whenever."""

from typing import Any

import pytest

from ledger.circle.events import Attested, Committed
from ledger.errors import Foreseen
from node.watch.query import NotReady, Query
from node.watch.rounds import describe_round, list_rounds
from node.watch.source import STALE_AFTER_S, LiveSource
from tests.support.circle_endpoint import DEADLINE_S, FIRST_BLOCK, drawn_seed
from tests.support.histories.circles import Circle
from tests.support.histories.parts import digest
from tests.support.stand_ins import as_any
from tests.support.watched_chain import Growing, Line, follow

ROUNDS = 2


def place_of(circle: Circle, kind: type, number: int) -> int:
    """How many events there are up to the last one of a kind in a round."""
    own = [i for i, event in enumerate(circle.events) if isinstance(event, kind)]
    seats = 5
    return own[number * seats - 1] + 1


@pytest.fixture
def circle() -> Circle:
    return Circle(rounds=ROUNDS, seed_of=drawn_seed)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("node.watch.source.time.monotonic", made)
    return made


def test_nothing_is_told_before_the_history_is_read(circle: Circle) -> None:
    source = follow(Line(Growing(circle)))
    with pytest.raises(NotReady, match="still being read"):
        _ = source.view
    assert source.describe_following().state == "stale"


def test_what_comes_is_shown_and_a_view_taken_before_does_not_change(circle: Circle) -> None:
    chain = Growing(circle, place_of(circle, Committed, 1) - 1)
    source = follow(Line(chain))
    source.look()
    before = source.view
    assert before.list_waited_for() != []
    assert before.deadline_s == DEADLINE_S
    waited = list(before.list_waited_for())
    chain.shown += 1
    source.look()
    assert source.view is not before
    assert source.view.list_waited_for() == []
    assert before.list_waited_for() == waited
    assert len(before.list_round(1)) + 1 == len(source.view.list_round(1))
    assert source.revision == before.changes + 1


def test_a_look_at_a_quiet_chain_changes_nothing(circle: Circle) -> None:
    source = follow(Line(Growing(circle)))
    source.look()
    before = source.view
    source.look()
    assert source.view is before


def test_what_a_reorganisation_takes_back_is_taken_back(circle: Circle) -> None:
    chain = Growing(circle, place_of(circle, Attested, 1))
    source = follow(Line(chain))
    source.look()
    before = source.view
    chain.swap_last()
    source.look()
    seats = [[as_any(entry.event).seat for entry in view.list_round(1)[-2:]] for view in (before, source.view)]
    assert seats[0] == seats[1][::-1]
    assert source.view.history.hash != before.history.hash
    hashes = [entry.block_hash for entry in source.view.list_round(1)[-2:]]
    assert hashes == ["0x" + digest("other block", FIRST_BLOCK + chain.shown - 2 + i).hex() for i in range(2)]


def test_a_settlement_that_is_taken_back_leaves_no_row(circle: Circle) -> None:
    chain = Growing(circle, place_of(circle, Attested, 1) + 1)
    source = follow(Line(chain))
    source.look()
    settled = source.view
    assert settled.log.table.count == 1
    source._log.take_back(2)
    cut = source._log.cut()
    assert (cut.table.count, cut.rounds, len(cut.list_round(1))) == (0, 1, len(settled.list_round(1)) - 2)
    assert settled.log.table.column("committed").tolist() == [5]


def leave_out(_: Any, logs: list[Any]) -> list[Any]:
    return logs[:-1] if len(logs) > 1 else logs


def forge(_: Any, logs: list[Any]) -> list[Any]:
    """Other bytes in the last event's data."""
    return [*logs[:-1], logs[-1] | {"data": "0x" + "77" * (len(logs[-1]["data"]) // 2 - 1)}] if logs else logs


@pytest.mark.parametrize(("lie", "true_ones"), [(leave_out, 1), (forge, 0)])
def test_a_lie_is_not_shown_and_the_page_goes_on_once_it_ends(
    lie: Any, true_ones: int, circle: Circle, clock: Clock
) -> None:
    chain = Growing(circle, place_of(circle, Committed, 1) - 2)
    source = follow(Line(chain))
    source.look()
    before = source.view
    chain.shown += 2
    chain.lies["eth_getLogs"] = lie
    for _ in range(5):
        clock.now += STALE_AFTER_S
        try:
            source.look()
        except Foreseen as error:
            source._note_trouble(error)
    assert len(source.view.list_round(1)) == len(before.list_round(1)) + true_ones
    assert source.describe_following().state == "stale"
    del chain.lies["eth_getLogs"]
    for _ in range(2):
        try:
            source.look()
        except Foreseen as error:
            source._note_trouble(error)
    assert len(source.view.list_round(1)) == len(before.list_round(1)) + 2
    assert source.describe_following().state == "live"


def test_an_endpoint_that_is_down_makes_the_page_stale_since_then_and_no_longer_than_that(
    circle: Circle, clock: Clock
) -> None:
    line = Line(Growing(circle, place_of(circle, Committed, 1)))
    source = follow(line)
    source.look()
    assert source.describe_following().state == "live"
    line.fault = OSError("no route")
    with pytest.raises(Foreseen) as raised:
        source.look()
    source._note_trouble(raised.value)
    assert source.describe_following().state == "live"
    clock.now += STALE_AFTER_S + 1
    following = source.describe_following()
    assert following.state == "stale"
    assert "does not answer" in following.says
    line.fault = None
    source.look()
    assert source.describe_following().state == "live"


def test_an_endpoint_that_stalls_makes_the_page_stale_without_a_word_from_the_thread(
    circle: Circle, clock: Clock
) -> None:
    source = follow(Line(Growing(circle, place_of(circle, Committed, 1))))
    source.look()
    clock.now += STALE_AFTER_S + 1
    assert source.describe_following().state == "stale"


def test_a_finished_circle_is_said_to_be_finished(circle: Circle) -> None:
    source = follow(Line(Growing(circle)))
    source.look()
    assert source.describe_following().state == "finished"
    assert source.view.deadline_s is None


def test_columns_and_rounds_tell_the_same(circle: Circle) -> None:
    source: LiveSource = follow(Line(Growing(circle)))
    source._times.end()
    source.look()
    columns = list_rounds(source, Query({}))
    assert columns["number"] == [1, 2]
    for number in columns["number"]:
        told = describe_round(source, Query({"number": str(number)}))
        place = number - 1
        assert columns["committed"][place] == len(told["commits"]) == 5
        assert columns["attested"][place] == len(told["judges"]) == 5
        for kind in ("accepted", "rejected", "unjudged"):
            assert columns[kind][place] == sum(len(judge[kind]) for judge in told["judges"])
        assert [one["kind"] for one in told["timeline"]].count("settled") == 1
        assert all(one["tx"].startswith("0x") and one["block"] > 0 for one in told["commits"])
