"""Real IPFS: js-ipfs as the daemon that pins and finds, and Kubo at the other end of bitswap.

Both run on loopback and know nobody but each other. What js-ipfs and Kubo both take is what is used of /api/v0;
js-ipfs has no names for pins, and writes its CIDs in base58.
"""

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.blobs.cid import DAG_PB, RAW, cid_of, parse_cid
from ledger.blobs.unixfs import CHUNK_BYTES, build_dag
from ledger.fetch.daemon import DaemonPatience, IpfsDaemon
from ledger.fetch.fetcher import BlobFetcher, Unavailable
from node.blobs.daemon_pins import DaemonPins
from node.blobs.pinner import Pinner
from node.blobs.store import BlockStore
from tests.support.daemons.js_ipfs_daemon import JsIpfs, js_ipfs
from tests.support.daemons.kubo_node import KuboNode, kubo

NAME = "folkmoot 1 0xabc"
LIMIT = 1 << 26


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JsIpfs]:
    with js_ipfs(tmp_path_factory.mktemp("js-ipfs")) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, daemon: JsIpfs) -> Iterator[KuboNode]:
    """The rest of the network: a Kubo that the daemon is linked to."""
    with kubo(tmp_path_factory.mktemp("kubo")) as node:
        node.connect(daemon.swarm)
        yield node


class Peer:
    """Its store, and what pins it."""

    def __init__(self, folder: Path, daemon: JsIpfs) -> None:
        self.folder, self.store = folder, BlockStore(folder / "blobs")
        self.pinner = Pinner(daemon.api, self.store, retry_s=0.05)

    async def __aenter__(self) -> "Peer":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pinner.close()

    async def keep(self, *digests: bytes) -> None:
        self.pinner.start()
        self.pinner.keep(self.folder / "pins", NAME, digests)
        await self.settle()

    async def settle(self) -> None:
        await asyncio.sleep(0)
        async with asyncio.timeout(60):
            await self.pinner.wait_settled()


def some(size_bytes: int) -> bytes:
    return b"FM" + secrets.token_bytes(size_bytes - 2)


async def fetch(daemon: JsIpfs, digest: bytes) -> bytes:
    """With no gateway to ask."""
    async with BlobFetcher(daemon=IpfsDaemon(daemon.api)) as fetcher:
        return await fetcher.fetch(digest, [], max_bytes=LIMIT, timeout_s=60)


@pytest.mark.parametrize("size_bytes", [100, CHUNK_BYTES, CHUNK_BYTES + 1, 5 * CHUNK_BYTES])
async def test_the_daemon_reads_our_blob_as_a_file_and_gives_its_own_copy_our_cid(
    daemon: JsIpfs, tmp_path: Path, size_bytes: int
) -> None:
    data = some(size_bytes)
    dag = build_dag(data)
    cid = cid_of(dag.root, dag.codec)
    async with Peer(tmp_path, daemon) as peer:
        await peer.keep(peer.store.put(data))
    assert cid.text in await daemon.list_pins()
    assert await daemon.call("cat", arg=cid.text) == data
    profile = {"cid-version": "1", "raw-leaves": "true", "chunker": f"size-{CHUNK_BYTES}", "pin": "false"}
    assert parse_cid((await daemon.call("add", data, **profile))["Hash"]) == cid
    assert await fetch(daemon, dag.root) == data


@pytest.mark.rule("R20.4")
async def test_kubo_gets_an_update_over_bitswap_by_its_cid_and_gives_it_to_who_asks_the_daemon(
    daemon: JsIpfs, elsewhere: KuboNode, tmp_path: Path
) -> None:
    data = some(3 * CHUNK_BYTES)
    async with Peer(tmp_path, daemon) as peer:
        digest = peer.store.put(data)
        cid = cid_of(digest, DAG_PB)
        await peer.keep(digest)
        assert elsewhere.download(cid.text, tmp_path / "as Kubo has it") == data
        elsewhere.pin(cid.text)
        # Now the other way: nobody but Kubo keeps it, as a pinning service does.
        peer.pinner.unpin(digest)
        await peer.settle()
    await daemon.call("repo/gc")
    local = await daemon.call("refs/local")
    assert cid.text not in str(local)
    assert await fetch(daemon, digest) == data


async def test_what_is_unpinned_is_collected_and_pins_of_others_stay(daemon: JsIpfs, tmp_path: Path) -> None:
    ours, theirs = some(100), some(100)
    await daemon.call("add", theirs, **{"cid-version": "1", "raw-leaves": "true", "pin": "true"})
    async with Peer(tmp_path, daemon) as peer:
        digest, other = peer.store.put(ours), peer.store.put(theirs)
        await peer.keep(digest, other)
        assert {cid_of(digest).text, cid_of(other).text} <= await daemon.list_pins()
        for gone in (digest, other):
            peer.pinner.unpin(gone)
        await peer.settle()
    await daemon.call("repo/gc")
    pins = await daemon.list_pins()
    assert (cid_of(digest).text in pins, cid_of(other).text in pins) == (False, True)
    with pytest.raises(OSError, match="timed out"):
        await daemon.call("block/get", arg=cid_of(digest).text, timeout="100ms")
    assert await daemon.call("block/get", arg=cid_of(other).text) == theirs


async def test_a_daemon_that_is_killed_and_comes_back_gets_what_it_missed(tmp_path: Path) -> None:
    with js_ipfs(tmp_path / "daemon") as daemon:
        async with Peer(tmp_path / "peer", daemon) as peer:
            first, second = peer.store.put(some(100)), peer.store.put(some(CHUNK_BYTES + 1))
            await peer.keep(first)
            daemon.kill()
            peer.pinner.pin(second)
            async with asyncio.timeout(60):
                while not peer.pinner.stats.failures:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            daemon.start()
            await peer.settle()
            assert {cid_of(first, RAW).text, cid_of(second, DAG_PB).text} <= await daemon.list_pins()


async def test_a_daemon_that_hangs_is_passed_over(tmp_path: Path) -> None:
    with js_ipfs(tmp_path / "daemon") as daemon:
        daemon.pause()
        patience = DaemonPatience(look_s=0.2, look_least_s=0.1, answer_s=0.2)
        async with BlobFetcher(daemon=IpfsDaemon(daemon.api, patience)) as fetcher:
            for said in ("stalled, or too slow", "left alone after it failed"):
                with pytest.raises(Unavailable, match=said):
                    await fetcher.fetch(bytes(32), [], max_bytes=LIMIT, timeout_s=60)
        daemon.resume()


async def test_the_daemon_says_what_the_doctor_asks(daemon: JsIpfs) -> None:
    async with DaemonPins(daemon.api) as pins:
        assert await pins.fetch_version() == "0.18.1"
        assert (await pins.fetch_id()).startswith("12D3KooW")
        room = await pins.fetch_room()
        assert 0 < room.used_bytes < room.limit_bytes
