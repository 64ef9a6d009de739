"""A daemon pins a peer's blobs in the background; one that is not there is said at once."""

import asyncio
import os
import socket

import pytest

from ledger.blobs.cid import cid_of
from ledger.blobs.unixfs import build_dag
from ledger.errors import SetupError
from node.blobs.kubo import KuboPins
from node.blobs.pinner import Pinner

REAL = os.environ.get("FOLKMOOT_KUBO_API", "")


def unused_api() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"/ip4/127.0.0.1/tcp/{probe.getsockname()[1]}"


async def test_a_daemon_that_is_not_there_is_said_at_the_start() -> None:
    with pytest.raises(SetupError, match="no IPFS daemon answers"):
        await Pinner(unused_api()).start()


async def test_a_full_queue_misses_blobs_and_counts_them() -> None:
    pinner = Pinner(unused_api())
    for number in range(70):
        pinner.pin(b"FM" + bytes([number]))
    assert pinner.missed == 6
    await pinner.close()


@pytest.mark.skipif(not REAL, reason="FOLKMOOT_KUBO_API names no IPFS daemon to test against")
async def test_what_is_queued_ends_up_pinned() -> None:
    pinner, blob = Pinner(REAL), b"FM" + os.urandom(40)
    await pinner.start()
    pinner.pin(blob)
    async with asyncio.timeout(30), KuboPins(REAL) as daemon:
        # The daemon tells nobody when it has pinned: look again.
        while not await daemon.is_pinned(cid_of(build_dag(blob).root)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await pinner.close()
    assert pinner.missed == 0
