"""A juror and a peer find the same whatever they remember, and ask for a bounded number of blobs.

Those are the updates in question and, of each author, what they hang on, back to its last key frame.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from ledger.blobs.contents.records import Update, encode_update
from ledger.blobs.unixfs import build_dag
from ledger.circle.draw import seats_of
from ledger.errors import PeerFault
from ledger.fetch.fetcher import BlobFetcher, Unavailable
from ledger.judging.false_verdicts import Examination, Truth
from ledger.judging.frame_chains import (
    MAX_CHAIN,
    CircleTask,
    Commit,
    DecodedState,
    FetchedUpdate,
    StateCache,
    decode_public_state,
    find_frame_chain,
    make_fetched_update,
)
from node.blobs.store import BlockStore
from node.duties.jury import RecomputedTruth, TimedFetch, fetch_updates, recompute_attestation, recompute_truth
from node.operating.meter import Meter
from node.round.exchange import AnnouncedUpdates, Exchange
from node.round.neighbour_patience import NeighbourPatience
from tests.support.histories.circles import (
    GENESIS_BLOB,
    GENESIS_ROOT,
    NETWORK,
    PARAMETERS,
    Away,
    Circle,
    FalseCheckpoint,
    FalseJudge,
    Honest,
    genesis_state,
    hand_over,
)
from tests.support.stand_ins import as_any

pytestmark = pytest.mark.rule("R29")

LIE = (2, 0)
ONE = 1


class Fetching:
    """Hands out a circle's blobs, and counts what it is asked for."""

    def __init__(self, circle: Circle, lost: tuple[bytes, ...] = ()) -> None:
        self.blobs: dict[bytes, bytes | None] = {
            root: blob for root, blob in circle.blobs.items() if root not in lost
        }
        self.blobs[circle.manifest.genesis_digest] = GENESIS_BLOB
        self.asked: Counter[bytes] = Counter()
        self.first: dict[bytes, int] = {}

    async def __call__(self, wanted: Mapping[bytes, int], max_bytes: int) -> dict[bytes, bytes | None]:
        self.asked.update(list(wanted))
        self.first |= wanted
        for digest in wanted:
            if digest not in self.blobs:
                raise Unavailable(digest, {})
        return {digest: self.blobs[digest] for digest in wanted}

    async def fetch(self, digest: bytes, gateways: list[str], *, cache: BlockStore, **_: Any) -> bytes:
        """As a BlobFetcher does."""
        (blob,) = (await self({digest: 0}, 0)).values()
        if blob is None:
            raise PeerFault("no blob")
        for block in build_dag(blob).blocks():
            cache.put_block(block.digest, block.data)
        return blob


@pytest.fixture
def circle(monkeypatch: pytest.MonkeyPatch) -> Circle:
    """Six seats, nine rounds of differences; seat 1 pauses, seat 5 changes hands, seat 2 lies about seat 0 in 8."""
    monkeypatch.setattr("ledger.circle.fold.state.MAX_SEATS", 6)
    return Circle(
        seats=6,
        rounds=9,
        degree=4,
        rule="tether",
        rule_parameters={},
        codec="delta",
        genesis=GENESIS_ROOT.hex(),
        cheats={1: Away(1, (4, 5, 6)), 2: FalseJudge(LIE[0], LIE[1], (8,))},
        between={4: lambda circle: hand_over(circle, 5)},
    )


def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    def states(origin: Any = None) -> StateCache:
        return StateCache(origin, ONE)

    monkeypatch.setattr("node.duties.jury.StateCache", states)


async def test_a_juror_with_room_for_one_state_finds_the_liar_and_nobody_else(
    circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgetful(monkeypatch)
    history, domain, fetch = circle.history(), NETWORK.domain_separator, Fetching(circle)
    for judge in (0, 2):
        for target in seats_of(history.rounds[7].attestations[judge].judged):
            said = await recompute_truth(history, domain, 8, judge, target, fetch)
            assert said == RecomputedTruth(Truth.FALSE if (judge, target) == LIE else Truth.RIGHT)
        # The liar anchored its record before it lied: to show that clears it of nothing.
        truth = Truth.FALSE if judge == LIE[0] else Truth.RIGHT
        assert await recompute_truth(history, domain, 8, judge, judge, fetch) == RecomputedTruth(truth)
        found = await recompute_attestation(history, domain, 8, judge, fetch)
        false = (LIE[1],) if judge == LIE[0] else ()
        assert found == Examination(false, history.rounds[7].attestations[judge].record)


class Hanging(Honest):
    """Its update of round 3 is none, and hangs on one of round 2 that it shows to nobody."""

    def is_key(self, number: int, depth: int) -> bool:
        return number < 3

    def blob(self, number: int, update: Update) -> bytes:
        return encode_update(msgspec.structs.replace(update, round=7) if number == 3 else update)


class Unserved(Honest):
    """Never had seat 3's update of round 2, and remembers nothing."""

    def states(self, circle: Circle) -> StateCache:
        return StateCache(genesis_state())

    def received(self, number: int, fetched: dict[int, FetchedUpdate]) -> dict[int, FetchedUpdate]:
        return {seat: self._less(one) if seat == 3 else one for seat, one in fetched.items()}

    def _less(self, fetched: FetchedUpdate) -> FetchedUpdate:
        here = {link.digest: fetched.held.read(link.digest) for link in fetched.commits if link.round != 2}
        return make_fetched_update(fetched.commits, fetched.tenure, here)


async def test_no_judge_has_to_show_what_an_invalid_update_hangs_on_and_nobody_ever_had() -> None:
    cheats = {3: Hanging(3)} | {seat: Unserved(seat) for seat in (0, 1, 2)}
    options: dict[str, Any] = {
        "rule_parameters": {},
        "codec": "delta",
        "genesis": GENESIS_ROOT.hex(),
        "cheats": cheats,
    }
    circle = Circle(seats=4, rounds=3, degree=3, rule="tether", **options)
    history, fetch = circle.history(), Fetching(circle, (circle.updates[2, 3],))
    for judge in (0, 1, 2):
        found = await recompute_truth(history, NETWORK.domain_separator, 3, judge, 3, fetch)
        assert found == RecomputedTruth(Truth.RIGHT)
        said = await recompute_attestation(history, NETWORK.domain_separator, 3, judge, fetch)
        assert said == Examination((), history.rounds[2].attestations[judge].record)


async def test_a_juror_asks_for_no_more_than_a_chain_for_each_seat_and_round(
    circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgetful(monkeypatch)
    history, fetch = circle.history(), Fetching(circle)
    held = await fetch_updates(
        history, history.rounds[7], history.rounds[7].commits, fetch, StateCache(genesis_state(), ONE)
    )
    assert max(fetch.asked.values()) == 1
    assert sum(fetch.asked.values()) <= (MAX_CHAIN + 1) * len(history.rounds[7].commits)
    chains = {
        link.digest
        for seat in history.rounds[7].commits
        for link in find_frame_chain(history, history.rounds[7], seat)
    }
    assert set(fetch.asked) <= chains
    assert all(digest in held for digest in fetch.asked)


async def test_a_juror_asks_the_judge_first_and_does_not_look_behind_its_last_checkpoint(circle: Circle) -> None:
    """Seat 0 shows checkpoints in the even rounds: 6's and round 7 tell what it brought into round 8."""
    fetch, history = Fetching(circle), circle.history()
    assert await recompute_truth(history, NETWORK.domain_separator, 8, 0, 1, fetch) == RecomputedTruth(Truth.RIGHT)
    assert set(fetch.first.values()) == {0}
    rounds = history.rounds
    behind = {rounds[5].attestations[0].record, circle.checkpoints[6, 0], circle.manifest.genesis_digest}
    hang_on = {
        link.digest
        for round_ in rounds[6:8]
        for seat in round_.commits
        for link in find_frame_chain(history, round_, seat)
    }
    assert set(fetch.asked) <= behind | hang_on
    assert not {rounds[number].attestations[0].record for number in range(5)} & set(fetch.asked)


@pytest.mark.parametrize("lost", [(7, 0), (7, 3), (8, 0), (8, 2)])
async def test_what_a_judge_judged_from_and_nobody_gives_is_withheld(circle: Circle, lost: tuple[int, int]) -> None:
    fetch, domain = Fetching(circle, (circle.updates[lost],)), NETWORK.domain_separator
    answered = await recompute_truth(circle.history(), domain, 8, 0, 1, fetch)
    assert (answered.truth, answered.lacking and answered.lacking.digest) == (
        Truth.WITHHELD,
        circle.updates[lost],
    )
    again = await recompute_attestation(circle.history(), domain, 8, 0, fetch)
    assert isinstance(again, RecomputedTruth)
    assert again.truth == Truth.WITHHELD


async def test_without_the_last_checkpoint_the_one_before_serves_and_two_unshown_are_withheld(
    circle: Circle,
) -> None:
    history, domain = circle.history(), NETWORK.domain_separator
    last, before = circle.checkpoints[6, 0], circle.checkpoints[4, 0]
    assert (await recompute_truth(history, domain, 8, 0, 1, Fetching(circle, (last,)))).truth == Truth.RIGHT
    found = await recompute_truth(history, domain, 8, 2, 0, Fetching(circle, (circle.checkpoints[6, 2],)))
    assert found.truth == Truth.FALSE, "a checkpoint that is not shown hides no lie"
    lacking = Fetching(circle, (last, before))
    assert (await recompute_truth(history, domain, 8, 0, 1, lacking)).truth == Truth.WITHHELD
    assert circle.checkpoints[2, 0] not in lacking.asked


async def test_who_shows_byte_by_byte_withholds(circle: Circle) -> None:
    shown = Fetching(circle)

    class Trickling(Fetching):
        async def __call__(self, wanted: Mapping[bytes, int], max_bytes: int) -> dict[bytes, bytes | None]:
            if circle.updates[7, 3] in wanted:
                await asyncio.Event().wait()
            return await super().__call__(wanted, max_bytes)

    history, domain = circle.history(), NETWORK.domain_separator
    found = await recompute_truth(history, domain, 8, 0, 1, TimedFetch(Trickling(circle), 0.0))
    assert found.truth == Truth.WITHHELD
    assert found.lacking is not None
    assert "within 0 s" in str(found.lacking)
    assert (await recompute_truth(history, domain, 8, 0, 1, TimedFetch(shown, 60.0))).truth == Truth.RIGHT


async def test_who_shows_a_false_checkpoint_to_some_splits_no_jury() -> None:
    """Who has it sees what follows from it; who has not sees that another would follow, and says no more."""
    cheats = {2: FalseCheckpoint(2, (4,))}
    about: dict[str, Any] = {"rule": "tether", "rule_parameters": {}, "genesis": GENESIS_ROOT.hex()}
    circle = Circle(seats=5, rounds=6, cheats=cheats, **about)
    history, domain = circle.history(), NETWORK.domain_separator
    shown, hidden = Fetching(circle), Fetching(circle, (circle.checkpoints[4, 2],))
    for target in seats_of(history.rounds[4].attestations[2].judged):
        assert (await recompute_truth(history, domain, 5, 2, target, shown)).truth == Truth.RIGHT
        assert (await recompute_truth(history, domain, 5, 2, target, hidden)).truth == Truth.WITHHELD
    # The checkpoint itself is found from the one before, with or without its bytes.
    for fetch in (shown, hidden):
        assert (await recompute_truth(history, domain, 4, 2, 2, fetch)).truth == Truth.FALSE
        assert (await recompute_truth(history, domain, 4, 2, 0, fetch)).truth == Truth.RIGHT


async def test_bytes_that_are_no_checkpoint_are_looked_behind() -> None:
    about: dict[str, Any] = {"rule": "tether", "rule_parameters": {}, "genesis": GENESIS_ROOT.hex()}
    circle = Circle(seats=5, rounds=6, **about)
    fetch = Fetching(circle)
    fetch.blobs[circle.checkpoints[4, 2]] = None
    assert (await recompute_truth(circle.history(), NETWORK.domain_separator, 5, 2, 0, fetch)).truth == Truth.RIGHT


async def test_nobody_can_tell_what_follows_from_private_data_and_no_genesis_is_no_judges_fault(
    circle: Circle,
) -> None:
    domain = NETWORK.domain_separator
    private = Circle(rule="ubar", rule_parameters={}, genesis=GENESIS_ROOT.hex())
    for found in (
        recompute_truth(private.history(), domain, 2, 0, 1, Fetching(private)),
        recompute_attestation(private.history(), domain, 2, 0, Fetching(private)),
    ):
        assert await found == RecomputedTruth(Truth.UNKNOWABLE)
    lacking = Fetching(circle)
    del lacking.blobs[circle.manifest.genesis_digest]
    with pytest.raises(Unavailable):
        await recompute_truth(circle.history(), domain, 8, 0, 1, lacking)
    assert await recompute_truth(circle.history(), domain, 5, 1, 0, Fetching(circle)) == RecomputedTruth(
        Truth.RIGHT
    )


# ------------------------------------------------------------------------------------------- a peer's exchange


class Told:
    def list_holders(self, digest: bytes) -> list[str]:
        return []

    def announce_held(self, round_number: int, digest: bytes) -> None:
        pass


async def knock(gateway: str, digest: bytes) -> bool:
    return False


def exchange_of(fetching: Fetching | BlobFetcher, folder: Path, room: int) -> Exchange:
    exchange = Exchange(
        BlockStore(folder),
        as_any(fetching),
        as_any(Told()),
        AnnouncedUpdates(),
        Meter(),
        NeighbourPatience(knock),
        random.Random(1),
    )
    exchange.states = StateCache(genesis_state(), room)
    return exchange


async def test_what_is_in_the_store_already_needs_no_time_and_nothing_else_is_found(
    circle: Circle, tmp_path: Path
) -> None:
    history, domain = circle.history(), NETWORK.domain_separator
    async with BlobFetcher() as fetcher:
        exchange = exchange_of(fetcher, tmp_path, 1 << 20)

        async def find(wanted: Mapping[bytes, int], max_bytes: int) -> Mapping[bytes, bytes | None]:
            return await exchange.find_blobs(wanted, max_bytes=max_bytes)

        async def never(wanted: Mapping[bytes, int], max_bytes: int) -> Mapping[bytes, bytes | None]:
            await asyncio.Event().wait()
            raise AssertionError

        timed = TimedFetch(never, 0.0, find)
        with pytest.raises(Unavailable):
            await recompute_truth(history, domain, 8, 0, 1, timed)
        for blob in Fetching(circle).blobs.values():
            exchange._store.put(blob or b"")
        assert (await recompute_truth(history, domain, 8, 0, 1, timed)).truth == Truth.RIGHT
        exchange._store.remove([circle.updates[7, 3]])
        assert (await recompute_truth(history, domain, 8, 0, 1, timed)).truth == Truth.WITHHELD


async def collected(circle: Circle, exchange: Exchange, number: int) -> dict[int, bytes]:
    """Seat → the state that was collected of it, after the exchange's memory has forgotten everything."""
    history = circle.history()
    round_ = history.rounds[number - 1]
    for seat in round_.commits:
        exchange._announced.note_heard(number, round_.peers[seat])
    found = await exchange.collect(history, round_, tuple(round_.commits), max_bytes=1 << 20, budget_s=60)
    exchange.states.put(Commit(99, bytes(32), bytes(20)), DecodedState(np.zeros(PARAMETERS, np.int32), bytes(32)))
    return {
        seat: decode_public_state(
            one, CircleTask(circle.manifest, NETWORK.domain_separator, exchange.states)
        ).state.tobytes()
        for seat, one in found.items()
    }


@pytest.mark.parametrize("room", [ONE, 1 << 30])
async def test_what_a_peer_collected_can_be_read_whatever_is_forgotten_until_it_is_judged(
    circle: Circle, tmp_path: Path, room: int
) -> None:
    """Seat 1 comes back in round 7 with a frame that hangs on round 3."""
    fetching = Fetching(circle)
    exchange = exchange_of(fetching, tmp_path, room)
    history = circle.history()
    for number in (2, 3, 6, 7):
        round_ = history.rounds[number - 1]
        expected = {
            seat: decode_public_state(
                circle._fetched(number, seat),
                CircleTask(circle.manifest, NETWORK.domain_separator, StateCache(genesis_state())),
            ).state.tobytes()
            for seat in round_.commits
        }
        assert await collected(circle, exchange, number) == expected
    if room > ONE:
        assert max(fetching.asked.values()) == 1, "a state in memory saves asking for older blobs"


async def test_what_an_update_hangs_on_is_read_from_the_store_when_it_is_needed(
    circle: Circle, tmp_path: Path
) -> None:
    exchange = exchange_of(Fetching(circle), tmp_path, ONE)
    history = circle.history()
    round_ = history.rounds[7]
    exchange._announced.note_heard(8, round_.peers[0])
    found = await exchange.collect(history, round_, (0,), max_bytes=1 << 20, budget_s=60)
    earlier = find_frame_chain(history, round_, 0)[1].digest
    store = BlockStore(tmp_path)
    assert earlier in found[0].held
    assert found[0].held.read(earlier) == store.get(earlier, 1 << 20)
    # Damaged meanwhile: it is lacking, and asked for again; the author is not at fault.
    (tmp_path / "blocks" / earlier.hex()[:2] / earlier.hex()).write_bytes(b"damaged")
    links = find_frame_chain(history, round_, 0)
    held = found[0].held
    held._whole.clear()
    assert held.find_lacking(links, history.manifest, StateCache()) == earlier


async def test_blobs_of_earlier_rounds_are_fetched_side_by_side_and_read_when_asked(
    circle: Circle, tmp_path: Path
) -> None:
    exchange = exchange_of(Fetching(circle), tmp_path, ONE)
    history = circle.history()
    wanted = {digest: seat for seat, digest in history.rounds[0].commits.items()}
    found = await exchange.fetch_blobs(history, wanted, max_bytes=1 << 20, timeout_s=5.0)
    assert {digest: found[digest] for digest in wanted} == {digest: circle.blobs[digest] for digest in wanted}
    lacking = exchange_of(Fetching(circle, tuple(wanted)), tmp_path / "other", ONE)
    with pytest.raises(Unavailable):
        await lacking.fetch_blobs(history, wanted, max_bytes=1 << 20, timeout_s=5.0)
