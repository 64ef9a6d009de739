"""Who came and went, noted along with a fold that may be taken back: what is left is as if that had never been."""

from random import Random

import pytest

from ledger.audit.findings import MembershipChange
from ledger.audit.membership import MembershipLog
from ledger.chain.placed_event import PlacedEvent
from ledger.circle.history import History
from node.watch.event_log import EventLog
from node.watch.life_log import LifeLog
from tests.support.histories.stories import Story


def place(story: Story) -> list[PlacedEvent]:
    return [PlacedEvent((n, 0), f"0x{n:064x}", f"0x{n:064x}", event) for n, event in enumerate(story.events)]


def list_at_once(story: Story, entries: list[PlacedEvent]) -> list[MembershipChange]:
    history = History(story.terms)
    log = MembershipLog(history)
    for entry in entries:
        history.apply(entry.event)
        log.note(entry)
    return log.changes


def fold(story: Story, entries: list[PlacedEvent]) -> History:
    history = History(story.terms)
    for entry in entries:
        history.apply(entry.event)
    return history


@pytest.mark.parametrize("number", range(12))
def test_after_any_rollbacks_it_lists_what_an_audit_lists(number: int) -> None:
    story, draw, log = Story(number, rounds=5), Random(number), LifeLog()
    entries = place(story)
    told, history = 0, History(story.terms)
    while told < len(entries):
        if told and draw.random() < 0.05:
            gone = draw.randint(1, told)
            told -= gone
            log.take_back(gone)
            history = fold(story, entries[:told])
        if draw.random() < 0.01:
            told, history = 0, History(story.terms)
            log.begin()
        history.apply(entries[told].event)
        log.record(entries[told], history)
        told += 1
    assert list(log.cut()) == list_at_once(story, entries)


def test_a_slice_of_the_events_has_the_changes_up_to_it() -> None:
    story = Story(3, rounds=5)
    entries, log, history = place(story), EventLog(), History(story.terms)
    slices = []
    for entry in entries:
        history.apply(entry.event)
        log.record(entry, history)
        slices.append(log.cut())
    changes = list_at_once(story, entries)
    assert {change.change for change in changes} > {"joined", "quarantined"}
    for place_, one in enumerate(slices):
        assert list(one.changes) == [change for change in changes if change.block <= place_]
