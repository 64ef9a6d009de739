"""What a peer goes on from after a start: what follows from its own attestations, and from nobody else's."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ledger.circle.events import Left, Released
from ledger.circle.history import History
from ledger.fetch.fetcher import Unavailable
from ledger.judging.frame_chains import CircleTask, HeldBlobs, StateCache
from ledger.judging.replay import replay
from node.blobs.store import BlockStore
from node.state.peer_state import Base
from node.state.recovery import JudgedExchange, Recovery
from tests.support.histories.circles import (
    GENESIS_BLOB,
    GENESIS_ROOT,
    NETWORK,
    PARAMETERS,
    Circle,
    Honest,
    Said,
    genesis_state,
)
from tests.support.histories.parts import digest

pytestmark = pytest.mark.rule("R15")

DOMAIN = NETWORK.domain_separator
START = Base(genesis_state())


class Lent:
    """In the place of an exchange: everybody's blobs. asked: digests, in order."""

    def __init__(self, circle: Circle) -> None:
        self.circle, self.asked = circle, list[bytes]()
        self.lost: set[bytes] = set()
        self.states = StateCache(genesis_state())

    async def fetch_blobs(
        self, history: History, digests: Mapping[bytes, int], **_: Any
    ) -> dict[bytes, bytes | None]:
        self.asked += list(digests)
        for one in self.lost.intersection(digests):
            raise Unavailable(one, {})
        return {one: self.circle.blobs[one] for one in digests}


class Scene:
    """A circle that has played some rounds, and one of its seats that starts again."""

    def __init__(self, folder: Path, seat: int, **options: Any) -> None:
        self.circle = Circle(genesis=GENESIS_ROOT.hex(), **options)
        self.seat, self.lent = seat, Lent(self.circle)
        self.store = BlockStore(folder / "store")
        self.store.put(GENESIS_BLOB)
        exchange: Any = self.lent
        self.history = self.circle.known
        self.recovery = Recovery(lambda: self.history, DOMAIN, seat, self.store, exchange)
        assert np.array_equal(asyncio.run(self.recovery.load_genesis(GENESIS_BLOB)), genesis_state())

    def base(self, known: Sequence[Base], judged: Sequence[JudgedExchange] = ()) -> Base:
        return asyncio.run(self.recovery.rebuild_base(known, judged))

    def record(self, number: int) -> bytes:
        return self.circle.known.rounds[number - 1].attestations[self.seat].record

    def assert_is_where_the_peer_was(self, base: Base, number: int) -> None:
        carried = self.circle.carried[self.seat]
        assert np.array_equal(base.state, carried.base)
        assert base.memory.digest() == carried.memory.digest()
        assert (base.round, base.record) == (number, self.record(number))


@pytest.fixture(params=["balance", "tether"])
def rule(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"rule": request.param, "rule_parameters": {}}


def test_from_the_genesis_a_peer_comes_to_the_base_it_had(tmp_path: Path, rule: dict[str, Any]) -> None:
    scene = Scene(tmp_path, 1, **rule)
    scene.assert_is_where_the_peer_was(scene.base([START]), 3)


def test_only_what_happened_since_a_saved_base_is_done_over_again(tmp_path: Path, rule: dict[str, Any]) -> None:
    scene = Scene(tmp_path, 1, **rule)
    whole = scene.history
    scene.history = scene.circle.until(3)
    saved = scene.base([START])
    assert saved.round == 2
    scene.lent.asked.clear()
    assert scene.base([START, saved]) is saved
    assert scene.lent.asked == []
    scene.history = whole
    scene.assert_is_where_the_peer_was(scene.base([START, saved]), 3)
    assert set(scene.lent.asked) == {root for (number, _), root in scene.circle.updates.items() if number == 3}


def test_a_base_whose_attestation_is_on_chain_no_more_is_passed_over(tmp_path: Path, rule: dict[str, Any]) -> None:
    scene = Scene(tmp_path, 1, **rule)
    gone = Base(np.zeros(PARAMETERS, np.int32), 2, digest("another record"))
    for known in ([START, gone], [gone]):
        scene.assert_is_where_the_peer_was(scene.base(known), 3)


def test_what_is_in_memory_still_is_not_fetched_and_judged_again(tmp_path: Path) -> None:
    scene = Scene(tmp_path, 1, rounds=1)
    history = scene.circle.known
    round_ = history.rounds[0]
    states = StateCache(START.state)
    screened = replay(
        history,
        CircleTask(history.manifest, DOMAIN, states),
        round_,
        1,
        START.carried,
        HeldBlobs(scene.circle.blobs),
    )
    judged = JudgedExchange(1, round_.seed, dict(round_.commits), frozenset(), START.record, screened)
    scene.assert_is_where_the_peer_was(scene.base([START], [judged]), 1)
    assert scene.lent.asked == []


def test_a_round_without_an_attestation_leaves_the_base_as_it_was(tmp_path: Path, rule: dict[str, Any]) -> None:
    class Silent(Honest):
        def attestation(self, number: int, said: Said) -> Said | None:
            return None if number == 2 else said

    scene = Scene(tmp_path, 1, cheats={1: Silent(1)}, **rule)
    base = scene.base([START])
    scene.assert_is_where_the_peer_was(base, 3)
    second = {root for (number, _), root in scene.circle.updates.items() if number == 2}
    assert not second.intersection(scene.lent.asked)


def test_a_seats_new_holder_starts_from_the_genesis_whatever_the_last_one_attested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: dict[str, Any]
) -> None:
    monkeypatch.setattr("ledger.circle.fold.state.MAX_SEATS", 5)

    def take_over(circle: Circle) -> None:
        circle.write(Left(3, 0, 0), Released(3, 1000))
        circle.take(3, 300)

    scene = Scene(tmp_path, 3, rounds=4, between={2: take_over}, **rule)
    assert 3 in scene.circle.known.rounds[0].attestations
    scene.assert_is_where_the_peer_was(scene.base([START]), 4)


def test_what_cannot_be_rebuilt_is_named_with_its_round_and_the_base_before_it_stays(tmp_path: Path) -> None:
    scene = Scene(tmp_path, 1)
    scene.lent.lost = {scene.circle.updates[2, 1]}
    base = scene.base([START])
    assert (base.round, base.record) == (1, scene.record(1))
    assert "round 2" in str(scene.recovery.lacking)
    scene.lent.lost = set()
    scene.assert_is_where_the_peer_was(scene.base([base]), 3)
    assert scene.recovery.lacking is None


# ------------------------------------------------------------------------------------------------- what was judged


def judged_of(circle: Circle) -> JudgedExchange:
    round_ = circle.known.rounds[1]
    screened: Any = None
    return JudgedExchange(
        2, round_.seed, dict(round_.commits), frozenset(round_.find_eligible(16384)), b"\1" * 32, screened
    )


def test_what_was_judged_holds_for_the_round_as_it_was() -> None:
    circle = Circle(rounds=2)
    assert judged_of(circle).holds_for(circle.known.rounds[1], 16384, b"\1" * 32)


@pytest.mark.parametrize(
    "changed",
    [
        {"number": 1},
        {"seed": digest("another seed")},
        {"seed": None},
        {"commits": {0: digest("another update")}},
        {"eligible": frozenset({0, 1})},
        {"base_record": b"\2" * 32},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_was_judged_does_not_hold_once_anything_it_follows_from_is_another(changed: dict[str, Any]) -> None:
    circle = Circle(rounds=2)
    assert not replace(judged_of(circle), **changed).holds_for(circle.known.rounds[1], 16384, b"\1" * 32)


def test_what_was_judged_does_not_hold_once_a_neighbour_is_in_quarantine() -> None:
    circle = Circle(rounds=2)
    judged, round_ = judged_of(circle), circle.known.rounds[1]
    round_.reputations = {**round_.reputations, 3: 100}
    assert not judged.holds_for(round_, 16384, b"\1" * 32)


def test_from_its_own_checkpoint_a_peer_needs_only_what_came_after_it(tmp_path: Path, rule: dict[str, Any]) -> None:
    """State file and early blobs are lost; seat 1 showed what it went on with in round 7."""
    scene = Scene(tmp_path, 1, rounds=8, checkpoint_every=4, **rule)
    scene.lent.lost = {root for (number, _), root in scene.circle.updates.items() if number < 8}
    assert scene.base([START]) is START, "without it nothing can be done"
    assert scene.recovery.lacking is not None
    for number in (3, 7):
        for digest_ in (scene.record(number), scene.circle.checkpoints[number, 1]):
            scene.store.put(scene.circle.read(digest_))
    scene.lent.asked.clear()
    scene.assert_is_where_the_peer_was(scene.base([START]), 8)
    assert set(scene.lent.asked) == {root for (number, _), root in scene.circle.updates.items() if number == 8}


def test_a_checkpoint_that_is_damaged_is_passed_over(tmp_path: Path, rule: dict[str, Any]) -> None:
    scene = Scene(tmp_path, 1, rounds=8, checkpoint_every=4, **rule)
    for number in (3, 7):
        scene.store.put(scene.circle.read(scene.record(number)))
    scene.store.put(scene.circle.read(scene.circle.checkpoints[3, 1]))
    scene.assert_is_where_the_peer_was(scene.base([START]), 8)
    asked = {number for (number, _), root in scene.circle.updates.items() if root in scene.lent.asked}
    assert asked == {4, 5, 6, 7, 8}, "from the one before"
