"""Disputes on the live page: the rows of `folkmoot disputes --json`, and how each came to where it stands."""

import time
from typing import Any

import pytest

from ledger.circle.events import Outcome
from node.duties.claims import make_row
from node.watch.disputes import describe_disputes, describe_one_dispute
from node.watch.query import BadQuery, Missing, Query
from node.watch.source import Source
from tests.support.histories.circles import Circle
from tests.support.histories.stories import Story
from tests.support.stand_ins import as_any
from tests.support.watched_circle import WatchedCircle, transaction_of
from tests.support.watched_story import ALL_ENDS, BLOCK_S, watch

NONE = 5


def ask(source: Source, **values: str) -> Any:
    return describe_disputes(source, Query(values))


def test_each_has_the_fields_of_the_command_and_the_newest_comes_first() -> None:
    source = watch(ALL_ENDS)
    history = source.view.history
    told = ask(source)
    assert (told["raised"], told["open"], told["next"]) == (5, 1, None)
    assert [one["dispute"] for one in told["disputes"]] == [4, 3, 2, 1, 0]
    assert {one["outcome"] for one in told["disputes"]} == {None, "void", "upheld", "rejected"}
    for one, dispute in zip(reversed(told["disputes"]), history.disputes, strict=True):
        row = make_row(history, dispute, max(time.time(), BLOCK_S))
        assert {name.replace("_", "").lower() for name in row} == {name.lower() for name in one}
        assert one["claim"] == row["claim"]
        assert int(one["fineWei"]) == row["fine_wei"]
    assert [one["dispute"] for one in ask(source, **{"from": "2"})["disputes"]] == [2, 1, 0]


@pytest.mark.parametrize("number", [ALL_ENDS, 19, 74, 186, 7, 8, 9])
def test_a_timeline_begins_with_the_claim_and_ends_with_its_end(number: int) -> None:
    source = watch(number)
    for dispute in source.view.history.disputes:
        told = describe_one_dispute(source, Query({"number": str(dispute.number)}))
        steps = told["timeline"]
        kinds = [step["kind"] for step in steps]
        assert kinds[0] == "disputed"
        assert ("resolved" in kinds) == (dispute.outcome is not None)
        assert kinds.count("voted") == sum(
            len(told[name][answer])
            for name in ("juryVotes", "circleVotes")
            for answer in ("upholding", "rejecting", "withholding")
        )
        blocks = [step["block"] for step in steps]
        assert blocks == sorted(blocks)
        assert [step["tx"] for step in steps] == [transaction_of(block) for block in blocks]
        assert [step["timeS"] for step in steps] == [BLOCK_S + block for block in blocks]
        if dispute.outcome == Outcome.UPHELD:
            assert steps[-1]["says"] == "upheld: the judge is convicted"


def test_without_any_it_is_said_why() -> None:
    for source, said in (
        (WatchedCircle(Circle(rounds=1)), "no dispute was ever raised in this circle"),
        (WatchedCircle(as_any(Story(NONE))), "this circle was deployed without disputes"),
    ):
        told = ask(source)
        assert (told["says"], told["raised"], told["disputes"]) == (said, 0, [])


def test_what_there_is_not_is_missing() -> None:
    source = watch(ALL_ENDS)
    for number in ("5", "999"):
        with pytest.raises(Missing, match=f"there is no dispute {number}: 5 were raised"):
            describe_one_dispute(source, Query({"number": number}))
    for number in ("-1", "x", "99999999"):
        with pytest.raises(BadQuery):
            describe_one_dispute(source, Query({"number": number}))
        with pytest.raises(BadQuery):
            ask(source, **{"from": number})
