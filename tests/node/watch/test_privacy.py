"""What was spent is what updates say and everybody recomputes; a circle without terms has no such view."""

from pathlib import Path
from typing import Any

import pytest

from ledger.privacy.statement import BadStatement, make_statement
from node.operating.round_log import SpentPrivacy
from node.watch.privacy import _spread, describe_privacy, explain_terms
from node.watch.shelf import run_shelf
from tests.support.histories.circles import Circle
from tests.support.histories.private_circles import Private, private_circle
from tests.support.privacy import TERMS
from tests.support.watched_circle import (
    WatchedCircle,
    ask,
    ask_until_known,
    fill_store,
    make_told,
    tell_rounds,
    working,
)


async def describe(circle: Circle, folder: Path) -> Any:
    """The answer, once all is known, of a circle whose blobs lie in a folder."""
    fill_store(folder, circle.blobs)
    source = WatchedCircle(circle, [folder])
    async with working(source, run_shelf):
        return await ask_until_known(source, describe_privacy)


def test_a_circle_without_terms_has_none() -> None:
    assert ask(WatchedCircle(Circle(rounds=1)), describe_privacy) is None


async def test_each_seats_spending_is_what_its_updates_say(tmp_path: Path) -> None:
    circle = private_circle(rounds=3)
    answer = await describe(circle, tmp_path)
    assert answer["terms"]["epsilon"] == 8.0
    assert [one["seat"] for one in answer["seats"]] == [0, 1, 2, 3, 4]
    for one in answer["seats"]:
        peer = circle.peers[one["seat"]]
        assert isinstance(peer, Private)
        assert one["rounds"] == [1, 2, 3]
        assert one["spentOver"] == [peer.says(number).epsilon_milli / 1000 for number in (1, 2, 3)]
        assert one["spent"] == one["spentOver"][-1]
        assert (one["charged"], one["examples"], one["missing"]) == (3, 1000, None)
        left = one["roundsLeft"]
        make_statement(TERMS, 3 + left, 1, examples=1000)
        with pytest.raises(BadStatement, match="the budget is"):
            make_statement(TERMS, 4 + left, 1, examples=1000)


async def test_what_a_node_here_holds_itself_to_is_its_own_word(tmp_path: Path) -> None:
    circle = private_circle(rounds=1)
    tell_rounds(tmp_path, [make_told(1, 2, privacy=SpentPrivacy(1.5, 4.0, 1, 3))])
    answer = await describe(circle, tmp_path)
    assert [one["own"] for one in answer["seats"]] == [
        None,
        None,
        {"spent": 1.5, "budget": 4.0, "roundsLeft": 3},
        None,
        None,
    ]


async def test_an_update_that_lies_about_its_spending_is_said_and_not_shown(tmp_path: Path) -> None:
    circle = private_circle(rounds=2)
    digest = circle.known.rounds[1].commits[3]
    blob = circle.read(digest)
    said = circle.peers[3]
    assert isinstance(said, Private)
    folder = tmp_path / "blobs" / "blocks" / digest.hex()[:2]
    fill_store(tmp_path, circle.blobs)
    (folder / digest.hex()).write_bytes(blob.replace(b"FMU3", b"FMX3"))
    source = WatchedCircle(circle, [tmp_path])
    async with working(source, run_shelf):
        answer = await ask_until_known(source, describe_privacy)
    one = answer["seats"][3]
    assert one["rounds"] == [1]
    assert one["missing"].startswith("round 2: is not to be had")


def test_before_anything_is_known_all_is_waited_for() -> None:
    answer = ask(WatchedCircle(private_circle(rounds=2)), describe_privacy)
    assert answer["pending"] == 10
    assert {one["spent"] for one in answer["seats"]} == {None}


@pytest.mark.parametrize("count", [1, 5, 12, 13, 400, 10_000])
def test_few_updates_of_many_are_looked_at_the_newest_among_them(count: int) -> None:
    chosen = _spread(range(1, count + 1), 12)
    assert chosen[-1] == count
    assert len(chosen) <= 12
    assert list(chosen) == sorted(set(chosen))
    # As rounds come, those before are not others than before.
    assert set(_spread(range(1, count + 2), 12)[:-1]) <= {*chosen, count}


def test_the_terms_are_told_in_words() -> None:
    said = " ".join(explain_terms(TERMS))
    assert "Each seat may spend ε 8 at δ 1e-5 for any one example" in said
    assert "trains 4 steps of about 250 examples" in said
    assert "a weak promise" in said
