"""What a peer keeps is all that it can be asked for, and of bounded size however long the circle runs."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from ledger.blobs.contents.records import Update, encode_update
from ledger.blobs.unixfs import CHUNK_BYTES, build_dag
from ledger.circle.draw import mask_of
from ledger.circle.events import Disputed
from ledger.fetch.fetcher import Unavailable
from ledger.judging.false_verdicts import Examination, Truth
from ledger.judging.frame_chains import find_frame_chain
from node.blobs.store import BlockStore
from node.duties.jury import recompute_attestation, recompute_truth
from node.state.retention import Retention, find_owed_rounds, find_own_blobs, first_kept_round
from tests.support.histories.circles import (
    GENESIS_BLOB,
    GENESIS_ROOT,
    NETWORK,
    Away,
    Circle,
    Honest,
    genesis_vector,
)
from tests.support.histories.parts import address

pytestmark = pytest.mark.rule("R29")

DOMAIN = NETWORK.domain_separator
SEAT, DISPUTABLE, SLACK = 1, 6, 5


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """What can be disputed reaches six rounds back, and the chain changes one round at most."""
    monkeypatch.setattr("ledger.blobs.contents.checkpoint.DISPUTE_ROUNDS", DISPUTABLE)
    monkeypatch.setattr("node.state.retention.KEPT_ROUNDS", 1)
    monkeypatch.setattr("node.state.retention._EVERY_ROUNDS", 2)


def circle_of(rounds: int = 26, **options: Any) -> Circle:
    about = {"rule": "tether", "rule_parameters": {}, "codec": "delta"} | options
    return Circle(seats=4, rounds=rounds, degree=3, genesis=GENESIS_ROOT.hex(), **about)


def kept_by(circle: Circle, folder: Path, number: int, seat: int = SEAT, every: int = 2) -> BlockStore:
    """The store of a peer that took part until this round opened, and deleted what it may as it went."""
    store = BlockStore(folder)
    store.put(GENESIS_BLOB)
    retention = Retention(store)
    for round_ in circle.known.rounds[: number - 1]:
        judged = round_.attestations[seat].judged if seat in round_.attestations else 0
        had = [
            link.digest
            for other in round_.commits
            if other == seat or judged >> other & 1
            for link in find_frame_chain(circle.known, round_, other)
        ]
        had += [round_.attestations[seat].record] if seat in round_.attestations else []
        had += [circle.checkpoints[at] for at in [(round_.number, seat)] if at in circle.checkpoints]
        for digest in had:
            store.put(circle.read(digest))
        if round_.number % every == 0:
            retention.delete(circle.until(round_.number + 1), seat)
    return store


def blobs_in(folder: Path) -> int:
    return len(list(folder.glob("blocks/*/*")))


class Shown:
    """What a peer's store alone answers."""

    def __init__(self, store: BlockStore) -> None:
        self.store = store

    async def __call__(self, wanted: Mapping[bytes, int], max_bytes: int) -> dict[bytes, bytes | None]:
        found = {digest: self.store.find(digest, max_bytes) for digest in wanted}
        for digest, blob in found.items():
            if blob is None:
                raise Unavailable(digest, {})
        return dict(found)


@pytest.mark.parametrize("codec", ["delta", "int8"])
@pytest.mark.parametrize("rule", ["tether", "balance"])
def test_a_peer_can_show_what_every_disputable_round_of_its_own_follows_from(
    tmp_path: Path, rule: str, codec: str
) -> None:
    circle = circle_of(rule=rule, codec=codec, checkpoint_every=3, cheats={SEAT: Away(SEAT, (8, 9, 10))})
    for number in (20, 21, 22):
        history, store = circle.until(number), kept_by(circle, tmp_path / str(number), number)
        for back in range(1, DISPUTABLE + 1):
            round_ = history.rounds[number - back - 1]
            found = asyncio.run(recompute_attestation(history, DOMAIN, round_.number, SEAT, Shown(store)))
            assert found == Examination((), round_.attestations[SEAT].record), (number, round_.number)


def test_what_is_kept_is_bounded_by_what_can_be_disputed_and_not_by_the_circles_length(tmp_path: Path) -> None:
    circle = circle_of(60, checkpoint_every=3, codec="int8")
    sizes = []
    for number in (30, 40, 60):
        kept_by(circle, tmp_path / str(number), number)
        sizes.append(blobs_in(tmp_path / str(number)))
    assert max(sizes) - min(sizes) <= 8
    assert max(sizes) < 6 * (DISPUTABLE + 2 * 3 + 1 + 3 + 2), "a few blobs for each round that is kept"


def test_nothing_goes_as_long_as_everything_can_be_disputed(tmp_path: Path) -> None:
    circle = circle_of(12, checkpoint_every=2)
    history, store = circle.until(12), BlockStore(tmp_path)
    for blob in circle.blobs.values():
        store.put(blob or b"")
    assert first_kept_round(history) == 1
    before = blobs_in(tmp_path)
    assert Retention(store).delete(history, SEAT) == set()
    assert blobs_in(tmp_path) == before


def test_an_open_dispute_keeps_what_it_is_about(tmp_path: Path) -> None:
    def claim(circle: Circle) -> None:
        everyone = mask_of(range(4))
        circle.write(Disputed(0, 7, SEAT, 0, address(500), b"\7" * 32, everyone, 1_700_000_000))

    circle = circle_of(26, checkpoint_every=3, codec="int8", between={9: claim})
    history, store = circle.until(26), kept_by(circle, tmp_path, 26)
    assert find_owed_rounds(history, SEAT)[0] >= {6, 7}
    assert asyncio.run(recompute_truth(history, DOMAIN, 7, SEAT, 0, Shown(store))).truth == Truth.RIGHT
    assert asyncio.run(recompute_truth(history, DOMAIN, 8, SEAT, 0, Shown(store))).truth == Truth.WITHHELD


def test_what_belongs_to_no_round_of_this_circle_stays(tmp_path: Path) -> None:
    circle = circle_of(30, codec="int8", checkpoint_every=3)
    store = BlockStore(tmp_path)
    other = store.put(b"FM of another circle")
    for digest, blob in circle.blobs.items():
        assert store.put(blob or b"") == digest
    history = circle.history()
    gone = Retention(store).delete(history, SEAT)
    assert circle.updates[2, SEAT] in gone
    assert history.rounds[1].attestations[SEAT].record in gone
    assert circle.checkpoints[2, SEAT] in gone
    assert not store.has(circle.updates[2, 0]), "others' too"
    assert circle.updates[2, 0] not in gone, "only its own were pinned"
    assert store.has(other)
    assert all(store.has(circle.updates[30, seat]) for seat in range(4))


def test_what_stayed_for_a_later_round_goes_when_that_is_final(tmp_path: Path) -> None:
    circle = circle_of(40, checkpoint_every=3)
    early, late = kept_by(circle, tmp_path / "1", 24, every=1), kept_by(circle, tmp_path / "2", 40, every=1)
    updates = [circle.updates[number, seat] for number in range(1, 24) for seat in range(4)]
    first = first_kept_round(circle.until(24))
    hung_on = [one for one in updates if early.has(one)]
    assert any(early.has(circle.updates[number, 0]) for number in range(1, first)), "frames hang on earlier ones"
    assert sum(late.has(one) for one in hung_on) < len(hung_on)


def test_a_judge_that_was_away_for_long_keeps_its_last_rounds(tmp_path: Path) -> None:
    circle = circle_of(30, checkpoint_every=3, codec="int8", cheats={SEAT: Away(SEAT, range(8, 29))})
    history = circle.until(30)
    updates, checkpoints = find_owed_rounds(history, SEAT)
    assert checkpoints == {5}
    assert updates == {6, 7}
    store = kept_by(circle, tmp_path, 30)
    found = asyncio.run(recompute_truth(history, DOMAIN, 29, SEAT, 0, Shown(store)))
    assert found.truth == Truth.RIGHT


# ------------------------------------------------------------------------------------------------------ the store


def test_blocks_that_another_blob_has_too_stay(tmp_path: Path) -> None:
    store, shared = BlockStore(tmp_path), bytes(CHUNK_BYTES)
    first, second = (b"FM" + bytes([one]) + bytes(CHUNK_BYTES - 3) + shared + b"end" for one in (1, 2))
    one, two = store.put(first), store.put(second)
    assert store.remove({one}) == {one}
    assert not store.has(one)
    assert store.get(two, 1 << 22) == second
    assert store.remove({one}) == set()
    assert store.remove({two}) == {two}
    assert blobs_in(tmp_path) == 0


def test_what_is_named_like_a_blob_and_is_a_part_of_another_stays(tmp_path: Path) -> None:
    store, first = BlockStore(tmp_path), b"FM" + bytes(CHUNK_BYTES - 2)
    whole, part = store.put(first + b"end"), build_dag(first).root
    assert store.has(part)
    store.remove({part})
    assert store.get(whole, 1 << 22) == first + b"end"
    assert store.remove({part, whole}) == {part, whole}
    assert blobs_in(tmp_path) == 0


def test_what_is_sealed_is_not_deleted(tmp_path: Path) -> None:
    store = BlockStore(tmp_path)
    sealed = store.put(b"FM sealed", sealed=True)
    assert store.remove({sealed}) == set()
    store.unseal(sealed)
    assert store.remove({sealed}) == {sealed}


async def test_deletion_comes_after_some_rounds_and_tells_what_of_its_own_went(tmp_path: Path) -> None:
    circle, unpinned = circle_of(30, codec="int8", checkpoint_every=3), list[bytes]()
    store = BlockStore(tmp_path)
    for blob in circle.blobs.values():
        store.put(blob or b"")
    retention = Retention(store, unpinned.append)
    retention.delete_when_due(circle.until(29), SEAT)
    assert retention._working is not None
    await retention._working
    assert circle.updates[2, SEAT] in unpinned
    working = retention._working
    retention.delete_when_due(circle.until(30), SEAT)
    assert retention._working is working, "one round later there is hardly anything to delete"
    retention.delete_when_due(circle.history(), SEAT)
    retention.close()


class Foretelling(Honest):
    """Anchors in round 2 what it will publish in round 14, so that the name is old when the blob is young."""

    EARLY, LATE = 2, 14

    def trained(self, number: int, base: Any) -> Any:
        return genesis_vector() * np.float32(1.01)

    def claimed_base(self, number: int, base: Any) -> bytes:
        return bytes(32)

    def blob(self, number: int, update: Update) -> bytes:
        at = self.LATE if number == self.EARLY else number
        return encode_update(msgspec.structs.replace(update, round=at))


def test_who_names_a_blob_long_before_it_publishes_it_has_no_judge_delete_it(tmp_path: Path) -> None:
    circle = circle_of(20, codec="int8", checkpoint_every=3, cheats={2: Foretelling(2)})
    planted = circle.updates[Foretelling.LATE, 2]
    assert planted == circle.updates[Foretelling.EARLY, 2]
    history, store = circle.until(18), kept_by(circle, tmp_path, 18)
    assert first_kept_round(history) > Foretelling.EARLY
    assert store.has(planted)
    assert (
        asyncio.run(recompute_truth(history, DOMAIN, Foretelling.LATE, SEAT, 2, Shown(store))).truth == Truth.RIGHT
    )


def test_what_a_daemon_is_to_pin_is_the_peers_own_of_what_it_keeps(tmp_path: Path) -> None:
    circle = circle_of(checkpoint_every=3)
    history, store = circle.until(26), kept_by(circle, tmp_path, 26)
    pinned = find_own_blobs(history, SEAT, address(SEAT), store)
    own = {GENESIS_ROOT}
    for round_ in history.rounds:
        own |= {round_.commits[SEAT], round_.attestations[SEAT].record} if SEAT in round_.attestations else set()
    own |= {digest for (_, judge), digest in circle.checkpoints.items() if judge == SEAT}
    assert pinned == {digest for digest in own if store.has(digest)}
    assert len(own) > len(pinned) > 1, "some of them are deleted by now"
    newest = max(number for number, judge in circle.checkpoints if judge == SEAT and number < 26)
    assert circle.checkpoints[newest, SEAT] in pinned
    sealed = history.rounds[-1].commits.get(SEAT) or history.rounds[-2].commits[SEAT]
    store.seal(sealed)
    assert find_own_blobs(history, SEAT, address(SEAT), store) == pinned - {sealed}
