"""Accounts that somebody asks for: one at a time, each made once, the newest kept."""

import errno
import json
from typing import Any

import pytest

from node.watch import trace_desk
from node.watch.background import Command, Ending
from node.watch.trace_desk import Account, Failure, Model, TraceDesk


class Spoken:
    """In the place of a process."""

    started: "list[Spoken]" = []  # noqa: RUF012  (one list, emptied by the fixture)

    def __init__(self, command: Command, tell: Any, end: Any, line_max_bytes: int) -> None:
        self.command, self.tell, self.end, self.line_max_bytes = command, tell, end, line_max_bytes
        self.is_closed = False
        self.started.append(self)

    def answer(self, **fields: Any) -> None:
        self.tell(json.dumps(fields).encode())
        self.end(Ending(0, ""))

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture(name="desk")
def _desk(monkeypatch: pytest.MonkeyPatch) -> TraceDesk:
    Spoken.started = []
    monkeypatch.setattr(trace_desk, "BackgroundCommand", Spoken)
    now = iter(range(10**6))
    return TraceDesk(Command(("trace", "--circle", "circle.json")), lambda: float(next(now)))


def model(number: int, seat: int | None = None, history: bytes = b"") -> Model:
    return Model(number, seat, history)


def test_an_account_is_made_once_and_found_again(desk: TraceDesk) -> None:
    told: list[int] = []
    desk.on_change = lambda: told.append(desk.version)
    assert desk.find(model(4)) is None
    assert desk.ask(model(4))
    assert desk.ask(model(4)), "asking again changes nothing"
    (running,) = Spoken.started
    assert running.command.arguments == ("trace", "--circle", "circle.json", "--json", "--mixings", "--round", "4")
    assert desk.under_way == (model(4), 1.0)
    running.answer(round=4)
    assert desk.under_way is None
    found = desk.find(model(4))
    assert isinstance(found, Account)
    assert found.fields == {"round": 4}
    assert told == [2]
    assert desk.ask(model(4))
    assert len(Spoken.started) == 1
    assert desk.find(model(4, history=b"other")) is None, "after a reorganisation it is another model"


def test_there_is_one_at_a_time(desk: TraceDesk) -> None:
    assert desk.ask(model(4, 2))
    assert Spoken.started[0].command.arguments[-2:] == ("--seat", "2")
    assert not desk.ask(model(5))
    Spoken.started[0].answer()
    assert desk.ask(model(5))


def test_one_that_could_not_be_made_says_why_and_may_be_asked_for_again(desk: TraceDesk) -> None:
    desk.ask(model(4))
    Spoken.started[0].end(Ending(3, "no account, as an update is not to be had"))
    assert desk.find(model(4)) == Failure("no account, as an update is not to be had")
    desk.ask(model(4))
    assert desk.find(model(4)) is None
    Spoken.started[1].tell(b"no JSON\n")
    Spoken.started[1].end(Ending(0, ""))
    found = desk.find(model(4))
    assert isinstance(found, Failure)
    assert "was not understood" in found.says


def test_one_whose_process_cannot_be_begun_keeps_no_other_waiting(
    desk: TraceDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(trace_desk, "BackgroundCommand", fail)
        assert desk.ask(model(4))
    assert desk.find(model(4)) == Failure("it could not be begun: Resource temporarily unavailable")
    assert desk.under_way is None
    assert desk.ask(model(5))
    assert len(Spoken.started) == 1


def test_the_newest_are_kept(desk: TraceDesk) -> None:
    for number in range(20):
        desk.ask(model(number))
        Spoken.started[-1].answer(round=number)
    kept = [number for number in range(20) if desk.find(model(number)) is not None]
    assert kept == list(range(12, 20))


def test_after_the_end_nothing_is_begun(desk: TraceDesk) -> None:
    desk.ask(model(4))
    desk.close()
    assert Spoken.started[0].is_closed
    desk.ask(model(5))
    assert len(Spoken.started) == 1
