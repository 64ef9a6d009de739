"""Whom to ask for a blob: everyone the chain names, the author first, and where nobody sits any more last."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ledger.circle.events import Event, Left, Moved, Released
from ledger.circle.fold.seat_events import FORMER_KEPT
from ledger.circle.history import CircleTerms, History
from ledger.fetch.gateways import gateways_of
from tests.support.histories.parts import address, endpoint, fold, joined, manifest_of, opened

pytestmark = pytest.mark.rule("R20.1")


def history_of(*events: Event) -> History:
    return fold(CircleTerms(9, 2, 1, 4, 3, 16384), [opened(manifest_of(1)), *events])


def gateway(number: int) -> str:
    return f"http://peer-{number}:8080"


def order(history: History, first: Sequence[Any] = (), seed: int = 1) -> list[str]:
    return gateways_of(history, random.Random(seed), first)


def test_the_author_comes_first_then_all_others_by_chance() -> None:
    history = history_of(*(joined(seat) for seat in range(60)))
    everyone = {gateway(seat) for seat in range(60)}
    orders = [order(history, [7, 3], seed) for seed in range(20)]
    for found in orders:
        assert found[:2] == [gateway(7), gateway(3)]
        assert set(found) == everyone
        assert len(found) == 60
    # No seat stands before another one every time.
    assert len({tuple(found) for found in orders}) == 20
    assert len({found[2] for found in orders}) > 10


def test_who_left_comes_after_those_who_sit_there_and_former_endpoints_last() -> None:
    history = history_of(*(joined(seat) for seat in range(4)), Moved(1, endpoint(11)), Left(2, 0, 1_700_000_000))
    found = order(history)
    assert set(found[:3]) == {gateway(0), gateway(11), gateway(3)}
    assert found[3:] == [gateway(2), gateway(1)]


def test_a_seat_that_moved_often_takes_few_places() -> None:
    history = history_of(joined(0), joined(1), *(Moved(1, endpoint(number)) for number in range(11, 40)))
    assert order(history, [0]) == [gateway(0), gateway(39), gateway(38), gateway(37)]


def test_where_former_holders_of_a_seat_were_reached_is_asked_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.circle.fold.state.MAX_SEATS", 2)
    history = history_of(joined(0), joined(1))
    for number in range(20, 24):
        history.apply(Left(1, 0, 1_700_000_000))
        history.apply(Released(1, history.seats[1].bond))
        history.apply(replace(joined(1, address(number)), endpoint=endpoint(number)))
    assert order(history, [1]) == [gateway(23), gateway(0), gateway(22), gateway(21)]
    assert len(history.seats[1].former) == FORMER_KEPT == 2


def test_endpoints_that_name_no_gateway_are_passed_over() -> None:
    history = history_of(replace(joined(0), endpoint="nowhere"), joined(1), Moved(1, "file:///"))
    assert order(history) == [gateway(1)]
