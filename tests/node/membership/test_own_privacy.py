"""What a peer's own updates say that it was charged for."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from ledger.blobs.contents.records import Update
from node.membership.own_privacy import find_rounds_said
from tests.support.histories.circles import Circle, hand_over
from tests.support.histories.parts import address
from tests.support.histories.private_circles import Private, private_circle

pytestmark = pytest.mark.rule("R30.4")


def ask(circle: Circle, number: int, seat: int) -> int | None:
    """For how many rounds the holder of a seat was charged before a round, as its own node finds out."""

    async def run(work: Callable[[], Any]) -> Any:
        return work()

    parts: Any = SimpleNamespace(
        history=circle.history(),
        address=address(seat),
        worker=SimpleNamespace(run=run),
        services=SimpleNamespace(store=SimpleNamespace(find=lambda digest, _: circle.blobs.get(digest))),
    )
    return asyncio.run(find_rounds_said(parts, number, seat))


def test_it_counts_on_from_its_last_update() -> None:
    circle = private_circle(rounds=3)
    assert [ask(circle, number, 1) for number in (2, 3, 4)] == [1, 2, 3]


def test_who_left_and_came_back_counts_on_from_the_tenure_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.circle.fold.state.MAX_SEATS", 5)

    class Unheard(Private):
        def blob(self, number: int, update: Update) -> bytes | None:
            return None

    def come_back(circle: Circle) -> None:
        hand_over(circle, 3, peer=3)
        circle.peers[3] = Unheard(3)

    circle = private_circle(rounds=3, between={2: come_back})
    assert circle.history().seats[3].tenure == 2
    assert ask(circle, 3, 3) == 2
