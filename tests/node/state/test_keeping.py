"""Members keep for a peer whom nobody reaches what the chain leads to, and take nothing else."""

import dataclasses
import random
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestServer

from ledger.blobs.contents.records import decode_record, encode_record
from ledger.circle.history import History
from ledger.judging.replay import shows_checkpoint
from node.blobs.gateway import make_gateway_app
from node.blobs.intake import Intake
from node.blobs.store import BlockStore
from node.state import keeping
from node.state.keeping import HandingOver, WantedBlocks
from tests.support.histories.circles import GENESIS_BLOB, GENESIS_ROOT, Circle

pytestmark = pytest.mark.rule("R19.2")

SEAT, ROUNDS = 1, 4


@pytest.fixture(scope="module")
def circle() -> Circle:
    about: dict[str, Any] = {
        "rule": "tether",
        "rule_parameters": {},
        "codec": "delta",
        "genesis": GENESIS_ROOT.hex(),
    }
    return Circle(seats=3, rounds=ROUNDS, degree=2, **about)


@pytest.fixture
def own(circle: Circle, tmp_path: Path) -> BlockStore:
    """The seat's store."""
    store = BlockStore(tmp_path / "own")
    store.put(GENESIS_BLOB)
    for digest in (*named_by(circle), *checkpoints_of(circle)):
        store.put(circle.read(digest))
    return store


def named_by(circle: Circle) -> Iterator[bytes]:
    """The seat's updates and records."""
    for round_ in circle.known.rounds[:ROUNDS]:
        yield from (round_.commits[SEAT], round_.attestations[SEAT].record)


def checkpoints_of(circle: Circle) -> Iterator[bytes]:
    for round_ in circle.known.rounds[:ROUNDS]:
        if shows_checkpoint(circle.known, round_, SEAT):
            yield circle.checkpoints[round_.number, SEAT]


async def hand_over(circle: Circle, own: BlockStore, into: list[BlockStore], *, has_gateway: bool = False) -> int:
    """All that the seat has to hand over, to gateways with these stores. Returns how many copies it counts."""
    servers = []
    for store in into:
        intake = Intake(store, WantedBlocks(store, lambda: circle.known), lambda _: None)
        servers.append(TestServer(make_gateway_app(store, intake=intake), host="127.0.0.1"))
        await servers[-1].start_server()
    bases = [str(server.make_url("/")).rstrip("/") for server in servers]
    handing = HandingOver(own, lambda: list(bases), lambda _: True, random.Random(1))
    handing.look(circle.known, SEAT)
    handing.note_reach(has_gateway=has_gateway)
    await handing.wait()
    await handing.close()
    for server in servers:
        await server.close()
    return handing.handed


async def test_what_others_need_of_the_seat_is_kept_by_three(
    circle: Circle, own: BlockStore, tmp_path: Path
) -> None:
    stores = [BlockStore(tmp_path / str(number)) for number in range(4)]
    owed = {*named_by(circle), *checkpoints_of(circle)}
    assert await hand_over(circle, own, stores) == 3 * len(owed)
    for digest in owed:
        assert sum(store.has(digest) for store in stores) == 3
    assert not any(store.has(GENESIS_ROOT) for store in stores)


async def test_a_peer_that_is_reached_hands_nothing_over(circle: Circle, own: BlockStore, tmp_path: Path) -> None:
    stores = [BlockStore(tmp_path / "one")]
    assert await hand_over(circle, own, stores, has_gateway=True) == 0


async def test_what_a_peer_does_not_serve_it_does_not_hand_over(
    circle: Circle, own: BlockStore, tmp_path: Path
) -> None:
    handing = HandingOver(own, lambda: ["http://127.0.0.1:1"], lambda _: False, random.Random(1))
    handing.look(circle.known, SEAT)
    handing.note_reach(has_gateway=False)
    await handing.wait()
    await handing.close()
    assert handing.handed == 0


def test_updates_are_wanted_once_the_seed_is_drawn(circle: Circle, tmp_path: Path) -> None:
    store = BlockStore(tmp_path / "store")
    digest = circle.known.rounds[1].commits[SEAT]
    before = next(known for known in befores(circle) if known.number == 2 and SEAT in known.rounds[1].commits)
    assert before.rounds[1].seed is None
    assert WantedBlocks(store, lambda: before)(digest, ()) is None
    assert WantedBlocks(store, lambda: circle.known)(digest, ())


def befores(circle: Circle) -> Iterator[History]:
    """The history after each event; one object, which goes on."""
    known = History(circle.terms)
    for event in circle.events:
        known.apply(event)
        yield known


def test_nothing_is_wanted_that_the_chain_does_not_name(circle: Circle, own: BlockStore, tmp_path: Path) -> None:
    store = BlockStore(tmp_path / "store")
    wants = WantedBlocks(store, lambda: circle.known)
    assert wants(bytes(32), ()) is None
    checkpoint = next(checkpoints_of(circle))
    number = next(
        number for (number, seat), made in circle.checkpoints.items() if (seat, made) == (SEAT, checkpoint)
    )
    record = circle.known.rounds[number - 1].attestations[SEAT].record
    update = circle.known.rounds[0].commits[SEAT]
    assert wants(checkpoint, ()) is None
    # The record that names it is not here yet, and another blob does not lead to it.
    assert wants(checkpoint, [record]) is None
    store.put(circle.read(update))
    assert wants(checkpoint, [update]) is None
    store.put(circle.read(record))
    assert wants(checkpoint, [record])
    # What a checkpoint's place holds leads to no other, though it is a record.
    assert wants(checkpoint, [record, record]) is None
    assert wants(checkpoint, [bytes(32), record]) is None


def test_a_record_that_nobody_anchored_leads_to_nothing(circle: Circle, own: BlockStore, tmp_path: Path) -> None:
    store = BlockStore(tmp_path / "store")
    wants = WantedBlocks(store, lambda: circle.known)
    record = decode_record(circle.read(circle.known.rounds[1].attestations[SEAT].record))
    stray = store.put(encode_record(msgspec.structs.replace(record, checkpoint=bytes(range(32)))))
    assert wants(bytes(range(32)), [stray]) is None


def test_who_anchors_anothers_update_as_its_record_does_not_make_it_too_large(
    circle: Circle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "update_max_bytes", lambda _: 1 << 30)
    round_ = circle.known.rounds[1]
    digest, said = round_.commits[SEAT], round_.attestations[0]
    attestations = {**round_.attestations, 0: dataclasses.replace(said, record=digest)}
    seen = SimpleNamespace(seed=round_.seed, commits=round_.commits, attestations=attestations)
    monkeypatch.setattr(keeping, "_find_disputable", lambda _: iter([seen]))
    assert WantedBlocks(BlockStore(tmp_path / "store"), lambda: circle.known)(digest, ()) == 1 << 30
