"""A peer that trains for many times as long as the others ends its training when they have committed."""

from collections.abc import Sequence

import pytest

from ledger.circle.draw import mask_of
from ledger.circle.events import Drawn, Event
from ledger.circle.history import History
from node.round.pace import Pace
from tests.support.histories.moments import (
    SEATS,
    SEED,
    commits,
    history_in,
    history_of,
    settled,
)

pytestmark = pytest.mark.rule("R21.2")

OWN = 3
LEAST_S = 2.0


class Watch:
    """A pace with a clock that stands until it is told."""

    def __init__(self, history: History) -> None:
        self.history, self.now_s = history, 100.0
        self.pace = Pace(lambda _: OWN, lambda: self.now_s)
        self.pace.note(history)

    def at(self, since_s: float, *events: Event) -> None:
        """So many seconds after the start these events are seen."""
        self.now_s = 100.0 + since_s
        for event in events:
            self.history.apply(event)
        self.pace.note(self.history)

    def is_over(self, since_s: float, passes: int, number: int = 1) -> bool:
        self.now_s = 100.0 + since_s
        return self.pace.is_over(number, passes, since_s)


def test_nothing_ends_while_the_others_train_too() -> None:
    watch = Watch(history_in())
    assert not watch.is_over(1e6, 1)
    watch.at(10.0, *commits(0, 1))
    # One of three others is not done yet: it may be slow as well.
    assert not watch.is_over(1e6, 1)


def test_who_would_be_done_in_three_times_what_the_others_took_is_waited_for() -> None:
    watch = Watch(history_in())
    watch.pace.note_training(100, is_whole=True)
    watch.at(10.0, *commits(0, 1, 2))
    assert not watch.is_over(10.0, 34)
    assert watch.is_over(10.0, 33)


def test_nothing_ends_before_the_others_are_done_nor_in_the_first_seconds() -> None:
    watch = Watch(history_in())
    watch.pace.note_training(10_000, is_whole=True)
    watch.at(0.1, *commits(0, 1, 2))
    assert not watch.is_over(LEAST_S - 0.01, 1)
    assert watch.is_over(LEAST_S, 1)


def test_who_does_not_know_how_long_it_takes_ends_at_three_times_and_the_next_time_at_once() -> None:
    watch = Watch(history_in())
    watch.at(10.0, *commits(0, 1, 2))
    assert not watch.is_over(30.0, 30)
    assert watch.is_over(30.1, 30)
    watch.pace.note_training(30, is_whole=False)
    assert watch.is_over(10.0, 10)
    # It has become as fast as they are.
    assert not watch.is_over(10.0, 59)


def test_the_next_round_goes_by_what_the_others_took_in_the_last_ones() -> None:
    watch = Watch(history_in(9))
    watch.pace.note_training(100, is_whole=True)
    events: Sequence[Event] = settled(0, 1, 2, OWN)
    watch.at(10.0, *events[:3])
    watch.at(20.0, *events[3:])
    assert watch.history.number == 2
    # Training ahead has all its time until the round opens.
    assert not watch.is_over(1e6, 1, number=3)
    watch.at(22.0, *commits(0, 1, number=2))
    assert not watch.is_over(29.9, 10, number=2)
    assert watch.is_over(30.0, 10, number=2)


def test_nothing_ends_in_a_round_in_which_all_take_longer_than_in_the_last_ones() -> None:
    watch = Watch(history_in(9))
    watch.pace.note_training(100, is_whole=True)
    events: Sequence[Event] = settled(0, 1, 2, OWN)
    watch.at(0.05, *events[:3])
    watch.at(0.1, *events[3:])
    assert not watch.is_over(60.0, 1, number=2)
    watch.at(60.0, *commits(0, number=2))
    assert not watch.is_over(60.1, 1, number=2)
    # More than half of them are done, and three times as long as they took in this round is what counts now.
    watch.at(70.0, *commits(1, number=2))
    assert not watch.is_over(70.0, 34, number=2)
    assert watch.is_over(70.0, 33, number=2)


def test_a_round_met_under_way_says_nothing() -> None:
    watch = Watch(history_of(*commits(0, 1)))
    watch.at(10.0, *commits(2))
    assert not watch.is_over(1e6, 1)


def test_who_did_not_commit_when_the_phase_closed_says_nothing() -> None:
    watch = Watch(history_in(9))
    watch.pace.note_training(100, is_whole=True)
    watch.at(10.0, *commits(0, 1, 2), Drawn(1, SEED, mask_of([0, 1, 2])))
    assert watch.is_over(10.0, 10)


def test_who_dozes_has_to_be_ready_before_the_others() -> None:
    watch = Watch(history_in(9))
    watch.pace.note_training(100, is_whole=True)
    watch.at(10.0, *settled(0, 1, 2)[:3])
    watch.at(20.0, *settled(0, 1, 2)[3:])
    assert watch.history.dozing == 1 << OWN
    assert watch.is_over(27.5, 10, number=2)
    assert not watch.is_over(27.4, 10, number=2)


def test_before_it_has_a_seat_nothing_is_measured() -> None:
    history = history_in()
    pace = Pace(lambda _: None, lambda: 100.0)
    for event in commits(*range(SEATS - 1)):
        pace.note(history)
        history.apply(event)
    pace.note(history)
    assert not pace.is_over(1, 1, 1e6)
