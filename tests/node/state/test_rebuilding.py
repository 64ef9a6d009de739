"""A peer whose data folder is gone, in a circle of real updates: what it rebuilds, what it does not pretend."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ledger.circle.history import History
from ledger.fetch.fetcher import Unavailable
from ledger.judging.frame_chains import StateCache
from ledger.rules.judge_memory import CarriedState
from node.blobs.store import BlockStore
from node.state.peer_state import Base
from node.state.recovery import JudgedExchange, Recovery, StateLacking
from tests.support.histories.circles import GENESIS_BLOB, GENESIS_ROOT, NETWORK, Circle, genesis_state
from tests.support.stand_ins import as_any

pytestmark = pytest.mark.rule("R15")

SEAT, ROUNDS = 1, 3


class Others:
    """The other members. lost: digests that nobody serves now."""

    def __init__(self, circle: Circle) -> None:
        self.circle, self.states, self.lost = circle, StateCache(genesis_state()), set[bytes]()
        self.asked: list[bytes] = []

    async def fetch_blobs(
        self, history: History, digests: Mapping[bytes, int], *, max_bytes: int, timeout_s: float
    ) -> dict[bytes, bytes | None]:
        self.asked.extend(digests)
        for digest in digests:
            if digest in self.lost or digest not in self.circle.blobs:
                raise Unavailable(digest, {"http://a:1": "status 404"})
        return {digest: self.circle.blobs[digest] for digest in digests}


class Scene:
    def __init__(self, folder: Path) -> None:
        self.circle = Circle(
            rounds=ROUNDS, rule="tether", rule_parameters={}, codec="delta", genesis=GENESIS_ROOT.hex()
        )
        self.others, self.store = Others(self.circle), BlockStore(folder / "blobs")
        self.history = self.circle.history()
        self.recovery = Recovery(
            lambda: self.history,
            NETWORK.domain_separator,
            SEAT,
            self.store,
            as_any(self.others),
        )
        self.genesis = Base(genesis_state())

    def update(self, number: int, seat: int = SEAT) -> bytes:
        return self.circle.updates[number, seat]

    async def base(self, *known: Base) -> Base:
        return await self.recovery.rebuild_base(known or [self.genesis])


@pytest.fixture
async def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path)
    await scene.recovery.load_genesis(GENESIS_BLOB)
    return scene


async def test_with_the_others_blobs_it_comes_to_the_base_it_had(scene: Scene) -> None:
    base = await scene.base()
    assert scene.recovery.lacking is None
    assert base.is_latest(scene.history, SEAT)
    assert (base.state == scene.circle.carried[SEAT].base).all()
    assert base.memory.digest() == scene.circle.carried[SEAT].memory.digest()


async def test_from_a_base_that_is_on_chain_only_what_came_after_is_done_again(scene: Scene) -> None:
    last = await scene.base()
    scene.others.asked.clear()
    assert await scene.base(last) is last
    assert scene.others.asked == []


@pytest.mark.rule("R15.1")
async def test_what_is_lacking_is_named_and_the_base_stays_where_it_is_known(scene: Scene) -> None:
    scene.others.lost.add(scene.update(2))
    base = await scene.base()
    assert base.round == 1
    assert base.is_on_chain(scene.history, SEAT)
    assert not base.is_latest(scene.history, SEAT), "so nothing is committed or judged from it"
    said = str(scene.recovery.lacking)
    assert said.startswith("the state after round 2 cannot be rebuilt: ")
    assert scene.update(2).hex()[:12] in said

    scene.others.lost.clear()
    rebuilt = await scene.base(base)
    assert scene.recovery.lacking is None
    assert (rebuilt.state == scene.circle.carried[SEAT].base).all(), "it went on from where it was"


async def test_a_state_that_the_seats_own_record_does_not_confirm_is_no_base(scene: Scene) -> None:
    round_ = scene.history.rounds[1]
    attestation = round_.attestations[SEAT]
    changed = type(attestation)(attestation.judged, attestation.accepted, b"\7" * 32)
    round_.attestations = {**round_.attestations, SEAT: changed}
    base = await scene.base()
    assert base.round == 1
    assert "what its blobs give is not what this seat attested" in str(scene.recovery.lacking)


@dataclass(frozen=True)
class InMemory:
    """As much of what a screening found as a base is made of."""

    record_digest: bytes
    carried: CarriedState


async def test_what_is_still_in_memory_is_taken_from_there(scene: Scene) -> None:
    latest, round_ = await scene.base(), scene.history.rounds[ROUNDS - 1]
    record = round_.attestations[SEAT].record
    found = InMemory(record, latest.carried)
    judged = JudgedExchange(ROUNDS, round_.seed, dict(round_.commits), frozenset(), b"", as_any(found))
    before = Base(latest.state, ROUNDS - 1, scene.history.rounds[ROUNDS - 2].attestations[SEAT].record)
    scene.others.lost.update(scene.circle.blobs)
    base = await scene.recovery.rebuild_base([before], [judged])
    assert (base.round, base.record, scene.recovery.lacking) == (ROUNDS, record, None)


async def test_what_an_earlier_holder_of_the_seat_attested_is_not_gone_through(scene: Scene) -> None:
    scene.history.seats[SEAT] = replace(scene.history.seats[SEAT], since_round=3)
    base = await scene.base()
    assert base.round == 0
    # Here the holder was the same, so that its record of round 3 is not one from the genesis.
    assert str(scene.recovery.lacking).startswith("the state after round 3")


async def test_an_update_of_its_own_that_is_whole_is_read_from_its_store(scene: Scene) -> None:
    for number in range(1, ROUNDS + 1):
        scene.store.put(scene.circle.read(scene.update(number)))
    own = await scene.recovery.load_own_update(scene.history.rounds[ROUNDS - 1])
    assert own.read(scene.update(ROUNDS)) == scene.circle.blobs[scene.update(ROUNDS)]
    assert scene.others.asked == []


@pytest.mark.parametrize("damage", ["missing", "flipped"])
async def test_its_own_update_lost_or_damaged_is_had_from_others_or_lacking(
    scene: Scene, damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    digest, round_ = scene.update(ROUNDS), scene.history.rounds[ROUNDS - 1]
    if damage == "flipped":
        scene.store.put(scene.circle.read(digest))
        (path,) = (tmp_path / "blobs" / "blocks").glob(f"*/{digest.hex()}")
        raw = bytearray(path.read_bytes())
        raw[10] ^= 1
        path.write_bytes(bytes(raw))
    scene.others.lost.add(digest)
    with pytest.raises(StateLacking, match=f"own update of round {ROUNDS} is lost"):
        await scene.recovery.load_own_update(round_)
    if damage == "flipped":
        assert f"block damaged, removed file={path}" in caplog.text
    scene.others.lost.clear()
    assert (await scene.recovery.load_own_update(round_)).read(digest) == scene.circle.blobs[digest]
