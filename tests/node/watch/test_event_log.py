"""What was recorded and taken back is as if it had never come, also of rounds whose events lie on disk."""

import pytest

from ledger.chain.placed_event import PlacedEvent
from ledger.circle.history import History
from node.watch import event_log
from node.watch.event_log import EventLog, LogSlice
from node.watch.spool import Spool
from tests.support.histories.circles import Circle

ROUNDS = 4


@pytest.fixture(scope="module")
def circle() -> Circle:
    return Circle(rounds=ROUNDS)


@pytest.fixture(autouse=True)
def _spool_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "KEPT_ROUNDS", 1)


def place(circle: Circle) -> list[PlacedEvent]:
    return [PlacedEvent((i, 2), f"0x{i:064x}", f"0x{i + 9:064x}", event) for i, event in enumerate(circle.events)]


def record(circle: Circle, count: int) -> EventLog:
    log, history = EventLog(), History(circle.terms)
    for entry in place(circle)[:count]:
        history.apply(entry.event)
        log.record(entry, history)
    return log


def tell(cut: LogSlice) -> object:
    columns = {name: cut.table.column(name).tolist() for name in cut.table.columns}
    rounds = [cut.list_round(number) for number in range(cut.rounds + 1)]
    return rounds, cut.list_rare(), columns, [cut.find_opening(number) for number in range(cut.rounds + 2)]


@pytest.mark.parametrize("count", [1, 2, 5, 13, 30])
def test_events_taken_back_leave_what_was_before(circle: Circle, count: int) -> None:
    whole = len(circle.events)
    log = record(circle, whole)
    before = log.cut()
    told = tell(before)
    log.take_back(count)
    assert tell(log.cut()) == tell(record(circle, whole - count).cut())
    assert tell(before) == told


def test_events_on_disk_come_back_as_they_were(circle: Circle) -> None:
    log = record(circle, len(circle.events))
    assert log.spooled_bytes > 0
    cut = log.cut()
    assert [entry for number in range(cut.rounds + 1) for entry in cut.list_round(number)] == place(circle)


def test_a_full_disk_keeps_events_in_memory(circle: Circle, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "put", fill)
    cut = record(circle, len(circle.events)).cut()
    assert [entry for number in range(cut.rounds + 1) for entry in cut.list_round(number)] == place(circle)
