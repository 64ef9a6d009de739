"""A machine that draws another initial state than the circle's takes the circle's from the members who have it."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from ledger.blobs.contents.records import Genesis, encode_genesis
from ledger.blobs.unixfs import build_dag
from ledger.codec import PLAIN, blocks_of, quantise
from ledger.errors import SetupError
from node.state.recovery import Recovery, StateLacking
from tests.support.exchange_scene import Scene, playing_scene


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with playing_scene(tmp_path) as scene:
        yield scene


def genesis_of(scene: Scene, seed: int) -> tuple[bytes, np.ndarray]:
    values = np.random.default_rng(seed).normal(size=scene.history.manifest.state_size).astype(np.float32)
    quantised = quantise(values, blocks_of(scene.history.manifest.sizes), PLAIN)
    return encode_genesis(Genesis(PLAIN, quantised.payload)), quantised.state


def recovery_with(scene: Scene, genesis: bytes) -> Recovery:
    manifest = msgspec.structs.replace(scene.history.manifest, genesis=build_dag(genesis).root.hex())
    scene.history.task_manifest = manifest
    return Recovery(lambda: scene.history, bytes(32), 0, scene.members[0].store, scene.exchange)


async def test_the_circles_own_state_is_fetched_and_kept(scene: Scene) -> None:
    (circles, state), (own, _) = genesis_of(scene, 1), genesis_of(scene, 2)
    digest = scene.members[2].store.put(circles)
    assert (await recovery_with(scene, circles).load_genesis(own) == state).all()
    assert scene.members[0].store.has(digest)


async def test_where_this_machine_draws_the_same_nobody_is_asked(scene: Scene) -> None:
    circles, state = genesis_of(scene, 1)
    assert (await recovery_with(scene, circles).load_genesis(circles) == state).all()
    assert [member.asked for member in scene.members] == [0, 0, 0, 0]


async def test_where_no_member_serves_it_now_it_is_lacking_until_one_does(scene: Scene) -> None:
    (circles, state), (own, _) = genesis_of(scene, 1), genesis_of(scene, 2)
    recovery = recovery_with(scene, circles)
    with pytest.raises(
        StateLacking, match=r"put the founder.s \.genesis file beside .*, or wait until another member is up"
    ):
        await recovery.load_genesis(own)
    scene.members[2].store.put(circles)
    assert (await recovery.load_genesis(own) == state).all()


async def test_bytes_at_the_genesis_digest_that_are_no_blob_are_a_sentence_too(scene: Scene) -> None:
    circles, own = b"FM" + bytes(100_000), genesis_of(scene, 2)[0]
    scene.members[2].store.put(circles)
    with pytest.raises(SetupError, match="initial state makes no blob"):
        await recovery_with(scene, circles).load_genesis(own)
