"""Accounts of models on the page: asked for, told with their exact shares, and drawn within bounds."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from node.cli.main import main
from node.watch.background import Command
from node.watch.provenance import describe_provenance
from node.watch.query import BadQuery, Missing, NotReady, Query
from node.watch.trace_desk import Account, Failure, Model, TraceDesk
from tests.support.histories.circles import Circle
from tests.support.saved_bundle import make_circle, save_bundle
from tests.support.watched_circle import WatchedCircle

ROUNDS = 3


class Desk(TraceDesk):
    """Has what a test gives it, and begins nothing."""

    def __init__(self) -> None:
        super().__init__(Command(("trace",)))
        self.asked: list[Model] = []
        self.known: dict[Model, Account | Failure] = {}

    def find(self, model: Model) -> Account | Failure | None:
        return self.known.get(model)

    def ask(self, model: Model) -> bool:
        self.asked.append(model)
        return True


@pytest.fixture(name="circle", scope="module")
def _circle() -> Circle:
    return make_circle(ROUNDS)


@pytest.fixture(name="fields", scope="module")
def _fields(circle: Circle, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `folkmoot trace` says of the last model."""
    path: Path = tmp_path_factory.mktemp("provenance") / "circle.car"
    save_bundle(path, circle)
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr("node.cli.trace.print_json", lambda value: lines.append(msgspec.json.encode(value).decode()))
        assert main(["trace", "--bundle", str(path), "--json", "--mixings"]) == 0
    return msgspec.json.decode(lines[0], type=dict[str, Any])


@pytest.fixture(name="source")
def _source(circle: Circle) -> WatchedCircle:
    source = WatchedCircle(circle)
    source.circle.task = source.view.history.opened.task  # type: ignore[union-attr]  # it is opened
    source.traces = Desk()
    return source


def model_of(source: WatchedCircle, number: int = ROUNDS, seat: int | None = None) -> Model:
    return Model(number, seat, source.view.history.rounds[number - 1].history_after)


def ask(source: WatchedCircle, **values: str) -> Any:
    told = describe_provenance(source, Query(values))
    msgspec.json.encode(told)
    return told


def desk_of(source: WatchedCircle) -> Desk:
    assert isinstance(source.traces, Desk)
    return source.traces


def test_nothing_is_begun_before_somebody_asks(source: WatchedCircle) -> None:
    told = ask(source)
    assert (told["state"], told["round"], told["seat"], told["lastRound"]) == ("idle", ROUNDS, None, ROUNDS)
    assert "fetches 15 updates" in told["needs"]
    assert desk_of(source).asked == []
    ask(source, round="2", seat="4", ask="1")
    assert desk_of(source).asked == [model_of(source, 2, 4)]
    ask(source, seat="circle", ask="1")
    assert desk_of(source).asked[-1] == model_of(source)


def test_the_shares_are_the_commands_and_what_they_leave_is_rounding(
    source: WatchedCircle, fields: dict[str, Any]
) -> None:
    desk_of(source).known[model_of(source)] = Account(fields, 1, 2.5)
    told = ask(source)
    assert told["state"] == "done"
    account = told["account"]
    assert [one["ofTheWay"] for one in account["shares"]] == [one["of_the_way"] for one in fields["peers"]]
    assert account["leftOver"] == pytest.approx(0, abs=1e-4)
    assert account["residual"] == fields["residual"] <= account["residualBound"]
    for row in account["influence"]["rows"]:
        (peer,) = [one for one in fields["peers"] if one["seat"] == row["seat"]]
        assert sum(row["values"]) == pytest.approx(peer["coefficient"])


def test_what_goes_into_each_next_base_adds_up_to_it(source: WatchedCircle, fields: dict[str, Any]) -> None:
    desk_of(source).known[model_of(source)] = Account(fields, 1, 2.5)
    graph = ask(source)["account"]["graph"]
    assert (graph["first"], graph["last"], graph["seats"], graph["seatsLeft"]) == (1, ROUNDS, [0, 1, 2, 3, 4], 0)
    for number in range(1, ROUNDS + 1):
        for seat in range(5):
            into = [one["weight"] for one in graph["edges"] if (one["round"], one["to"]) == (number, seat)]
            assert sum(into) == pytest.approx(1)
    assert len(graph["nodes"]) == 5 * ROUNDS
    marked = ask(source, of="2", to="2")["account"]["graph"]
    assert (marked["of"], marked["last"]) == (2, 2)
    assert {one["round"] for one in marked["nodes"]} == {1, 2}
    with pytest.raises(BadQuery, match="seat 77 published nothing in rounds 1 to 3"):
        ask(source, of="77")


def test_of_many_seats_and_rounds_a_window_is_drawn(source: WatchedCircle, fields: dict[str, Any]) -> None:
    seats, rounds = range(256), range(1, 101)
    others = {str(seat): 1 for seat in range(1, 9)}
    mixing = {"base": 0, "own": 8, "others": others, "total": 16}
    shares = [{"round": number, "coefficient": 0.5, "put_in": 1.0} for number in rounds]
    peer = {"tenure": 1, "peer": "0x", "updates": 100, "coefficient": 50.0, "put_in": 1.0, "of_the_way": 1 / 256}
    large = fields | {
        "peers": [peer | {"seat": seat, "rounds": shares} for seat in seats],
        "rounds": [
            {"round": n, "published": list(seats), "mixings": {str(seat): mixing for seat in seats}} for n in rounds
        ],
        "reached": {},
        "round": 100,
        "lineage": fields["lineage"],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("node.watch.provenance._find_lineage", lambda *_: bytes.fromhex(fields["lineage"]))
        desk_of(source).known[model_of(source)] = Account(large, 1, 2.5)
        told = ask(source)
    assert len(msgspec.json.encode(told)) < 2 << 20
    graph = told["account"]["graph"]
    assert (graph["first"], graph["last"], graph["of"]) == (89, 100, 0)
    assert (graph["seats"], graph["seatsLeft"]) == (list(range(9)), 247), "seat 0 and those that it took from"
    influence = told["account"]["influence"]
    assert len(influence["spans"]) == 34
    assert influence["spans"][-1] == (100, 100)


def test_an_account_of_another_past_is_none(source: WatchedCircle, fields: dict[str, Any]) -> None:
    desk_of(source).known[model_of(source)] = Account(fields | {"lineage": "00" * 32}, 1, 2.5)
    told = ask(source)
    assert (told["state"], told["account"]) == ("failed", None)
    assert "took rounds back" in told["says"]


def test_why_there_is_none_is_said(source: WatchedCircle) -> None:
    desk_of(source).known[model_of(source)] = Failure("no account, as an update is not to be had")
    told = ask(source)
    assert (told["state"], told["says"]) == ("failed", "no account, as an update is not to be had")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("node.watch.provenance.explain_untraceable", lambda _: "it takes each value by itself")
        told = ask(source)
    assert told["state"] == "impossible"
    assert "it takes each value by itself" in told["says"]


def test_what_is_no_model_is_missing(source: WatchedCircle) -> None:
    for values in ({"round": "4"}, {"seat": "9"}, {"round": "0", "seat": "1"}):
        with pytest.raises(Missing):
            ask(source, **values)
    for values in ({"round": "x"}, {"seat": "256"}, {"seat": "all"}, {"ask": "2"}):
        with pytest.raises(BadQuery):
            ask(source, **values)
    source.traces = None
    with pytest.raises(NotReady):
        ask(source)
