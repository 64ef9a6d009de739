"""Why a seat is excluded, in sentences: what the chain says step by step, and what an audit says beside it."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ledger.arithmetic.exact import to_float
from node.watch.exclusion import describe_exclusion
from node.watch.query import Missing, Query
from node.watch.source import Source
from tests.support.audit_reports import liars
from tests.support.histories.circles import Circle, Honest, genesis_state
from tests.support.watched_audit import show_report
from tests.support.watched_circle import WatchedCircle, transaction_of
from tests.support.watched_story import ALL_ENDS, BLOCK_S, watch

POISONER = 1


class Poisoner(Honest):
    """Publishes the first state turned round, whatever its base is."""

    def trained(self, number: int, base: NDArray[np.int32]) -> NDArray[np.float32]:
        return -to_float(genesis_state())


@pytest.fixture(name="poisoned", scope="module")
def _poisoned() -> WatchedCircle:
    source = WatchedCircle(Circle(cheats={POISONER: Poisoner(POISONER)}, rounds=9))
    for block in range(source.view.block + 1):
        source.view.times.put(block, BLOCK_S + block)
    return source


def ask(source: Source, seat: int) -> Any:
    return describe_exclusion(source, Query({"seat": str(seat)}))


def test_a_quarantine_is_told_with_who_rejected_it_and_from_when(poisoned: WatchedCircle) -> None:
    told = ask(poisoned, POISONER)
    assert told["isExcluded"]
    assert told["says"].startswith("Seat 1 is quarantined: its reputation, 0.")
    assert "is below the circle's floor of 0.250" in told["says"]
    (step,) = [one for one in told["steps"] if one["kind"] == "quarantined"]
    assert step["says"].startswith(
        f"In round {step['round']} seat 1 fell below the floor of 0.250 and was quarantined"
    )
    assert f"in round {step['round'] - 1} accepted by nobody, rejected by seats 0, 2–4" in step["says"]
    assert step["isExcluding"]
    assert step["tx"] == transaction_of(step["block"])
    assert step["timeS"] == BLOCK_S + step["block"]
    assert [one["round"] for one in told["record"]] == list(range(1, 10))
    assert all(one["accepted"] == [] for one in told["record"])
    floor = 16384 / 65535
    fell = next(one["round"] for one in told["record"] if one["reputation"] < floor)
    assert step["round"] == fell + 1


def test_a_seat_that_takes_part_is_told_so(poisoned: WatchedCircle) -> None:
    told = ask(poisoned, 0)
    assert not told["isExcluded"]
    assert told["says"].startswith("Seat 0 takes part: its reputation is 0.")
    assert [one["kind"] for one in told["steps"]] == ["joined"]


def test_what_an_audit_says_is_told_as_its_word(poisoned: WatchedCircle) -> None:
    assert ask(poisoned, 3)["findings"] is None
    poisoned.audit = show_report(liars(3))
    try:
        found = ask(poisoned, 3)["findings"]
        assert [(one["check"], one["fault"]) for one in found["groups"]] == [("A5", "the judge")]
        assert found["groups"][0]["says"] == "35 of 35 verdicts false, rounds 26–60"
        assert ask(poisoned, 2)["findings"]["groups"] == []
    finally:
        del poisoned.audit


def test_convictions_come_with_who_found_what() -> None:
    source = watch(ALL_ENDS)
    upheld = [
        one for one in source.view.history.disputes if one.outcome is not None and one.outcome.name == "UPHELD"
    ]
    for dispute in upheld:
        told = ask(source, dispute.claim.judge)
        (one,) = [line for line in told["disputes"] if line["dispute"] == dispute.number]
        assert one["upheld"]
        assert one["says"].startswith(f"Dispute {dispute.number} claims that seat {dispute.claim.judge} ")
        assert one["says"].endswith("It was upheld: the judge is convicted.")
        kinds = [step["kind"] for step in told["steps"]]
        assert {"suspended", "convicted"} & set(kinds)


@pytest.mark.parametrize("number", range(20, 32))
def test_every_seat_of_any_circle_has_an_account(number: int) -> None:
    source = watch(number)
    for seat in source.view.history.seats:
        told = ask(source, seat)
        assert told["says"].startswith(f"Seat {seat} ")
        assert told["isExcluded"] == (" takes part" not in told["says"])
    with pytest.raises(Missing):
        ask(source, 255)
