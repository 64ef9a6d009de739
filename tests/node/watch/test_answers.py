"""Answers are made once while they hold, and what is kept of them is bounded, however small they are."""

import asyncio
import sys
from collections.abc import Hashable

from node.watch.answers import Answers
from node.watch.query import Query
from node.watch.routes import Route, never
from node.watch.source import Source
from tests.support.stand_ins import as_any


def _echo(_: Source, query: Query) -> str:
    return query.text("q")


class Counting:
    """A provider that counts its calls."""

    def __init__(self, holds_for: Hashable = 0) -> None:
        self.calls, self.holds_for = 0, holds_for

    def __call__(self, _: Source, query: Query) -> str:
        self.calls += 1
        return query.text("q")


def test_an_answer_is_made_anew_once_it_does_not_hold_any_more() -> None:
    counting = Counting()
    route = Route("/api/x", counting, ("q",), lambda _: counting.holds_for)

    async def ask() -> None:
        answers = Answers(as_any(None))
        for holds_for in (1, 1, 1, 2, 2):
            counting.holds_for = holds_for
            await answers.find(route, "x", Query({"q": "x"}))
        answers.close()

    asyncio.run(ask())
    assert counting.calls == 2


def test_many_little_answers_do_not_grow_without_end() -> None:
    route = Route("/api/search", _echo, ("q",), lambda _: 0)

    async def ask() -> Answers:
        answers = Answers(as_any(None))
        for number in range(12_000):
            await answers.find(route, str(number), Query({"q": str(number)}))
        answers.close()
        return answers

    kept = asyncio.run(ask())._kept
    assert 1_000 < len(kept) < 10_000
    assert str(11_999) in kept, "the newest stay"
    assert sum(map(sys.getsizeof, kept)) < 4 << 20


def test_what_never_holds_is_not_kept() -> None:
    async def ask() -> Answers:
        answers = Answers(as_any(None))
        await answers.find(Route("/api/now", _echo, ("q",), never), "now", Query({"q": "now"}))
        answers.close()
        return answers

    assert not asyncio.run(ask())._kept
