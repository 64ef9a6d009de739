"""A process with one server in it, as a node would run it; `scripts.fuzz.live.server` starts and watches it.

    python -m scripts.fuzz.live.serving KIND FOLDER

Its first line of output says where it listens, as JSON. It runs until its input is closed.
"""

import argparse
import asyncio
import json
import logging
import random
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from ledger.blobs.cid import RAW, cid_of, digest_of
from ledger.chain.circle import Circle as CircleReader
from ledger.testchain.server.serve import ChainConfig, serve
from node.blobs.doors import Doors
from node.blobs.gateway import make_gateway_app
from node.blobs.intake import Intake
from node.blobs.store import BlockStore
from node.gossip import Certificate, Gossip
from node.metrics.health import Check, Health
from node.metrics.server import MetricsServer
from node.metrics.shared import make_registry
from node.watch.server import WatchAddress, WatchServer
from node.watch.source import LiveSource
from tests.support.circle_endpoint import FIRST_BLOCK, Endpoint, drawn_seed
from tests.support.gossip_circle import NETWORK
from tests.support.histories.circles import GENESIS_BLOB, GENESIS_ROOT, Circle
from tests.support.histories.circles import NETWORK as CIRCLE
from tests.support.watched_circle import fill_store

_HOST: Final = "127.0.0.1"
GOSSIP_KEY: Final = bytes(range(1, 33))
ROUND: Final = 3
"""The one that the circle is in, as the gossip node knows."""
DEAD_ENDPOINT: Final = "wss://127.0.0.1:1 http://127.0.0.1:1"
"""What the chain names for every member: nobody listens there."""
HANDED: Final = tuple(b"FM handed over %d" % number for number in range(8))
"""Blobs that the gateway wants, each of them a block."""
LACKING: Final = tuple(b"FM never handed over %d" % number for number in range(4))
"""The same, and it never gets them: whatever is sent in their place is read and refused."""
Told = dict[str, Any]


@asynccontextmanager
async def serve_gateway(folder: Path) -> AsyncIterator[Told]:
    """A gateway with small and large blobs, one of them sealed, that takes a few more from others."""
    store = BlockStore(folder / "blobs")
    small, large = store.put(b"FM small"), store.put(b"FM" + bytes(3 << 20))
    sealed = store.put(b"FM sealed", sealed=True)
    doors = Doors()
    wanted = {digest_of(blob) for blob in (*HANDED, *LACKING)}
    intake = Intake(store, lambda digest, _: 1 << 20 if digest in wanted else None, lambda _: None)
    app = make_gateway_app(store, middlewares=[doors.middleware], intake=intake)
    runner = web.AppRunner(app, access_log=None, lingering_time=0)
    await runner.setup()
    assert runner.server is not None
    listening = await doors.listen(runner.server, _HOST, 0)
    texts = {
        name: cid_of(root, RAW).text for name, root in (("small", small), ("large", large), ("sealed", sealed))
    }
    try:
        yield {"port": listening.sockets[0].getsockname()[1], "cids": texts}
    finally:
        listening.close()
        await runner.cleanup()
        intake.close()


@asynccontextmanager
async def serve_page(folder: Path) -> AsyncIterator[Told]:
    """The live page of a circle in memory, with a node's folder beside it."""
    circle = Circle(seats=4, rounds=3, degree=3, genesis=GENESIS_ROOT.hex(), seed_of=drawn_seed)
    fill_store(folder, circle.blobs | {GENESIS_ROOT: GENESIS_BLOB})
    read, times, source_of_receipts = (Endpoint(circle).rpc() for _ in range(3))
    source = LiveSource(CircleReader(read, CIRCLE.contract, CIRCLE.chain_id), FIRST_BLOCK, times, (folder,))
    source.receipts_rpc = source_of_receipts
    async with WatchServer(source).serving(WatchAddress(_HOST, 0)) as url:
        yield {"port": int(url.rstrip("/").rpartition(":")[2])}


@asynccontextmanager
async def serve_metrics(_: Path) -> AsyncIterator[Told]:
    """The port for Prometheus."""
    server = MetricsServer(make_registry("node"), lambda: Health([Check("chain", False, "nobody answers")]))
    url = await server.start(_HOST, 0)
    try:
        yield {"port": int(url.rpartition(":")[2])}
    finally:
        await server.close()


@asynccontextmanager
async def serve_chain(folder: Path) -> AsyncIterator[Told]:
    """The test chain."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(ChainConfig(folder / "chain", port=0, seed=1), ready.set_result))
    try:
        url = await ready
        yield {"port": int(url.rpartition(":")[2])}
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


@asynccontextmanager
async def serve_gossip(folder: Path) -> AsyncIterator[Told]:
    """A gossip node to which every key is a member's."""
    gossip = Gossip(
        network=NETWORK,
        key=GOSSIP_KEY,
        certificate=Certificate.load_or_create(folder),
        is_member=lambda _: True,
        on_announcement=lambda _: None,
        endpoint_of=lambda _: DEAD_ENDPOINT,
        rng=random.Random(1),
    )
    gossip.enter_round(ROUND)
    port = await gossip.start(_HOST, 0)
    try:
        yield {"port": port}
    finally:
        await gossip.close()


KINDS: Final[dict[str, Callable[[Path], AbstractAsyncContextManager[Told]]]] = {
    "gossip": serve_gossip,
    "gateway": serve_gateway,
    "chain": serve_chain,
    "page": serve_page,
    "metrics": serve_metrics,
}


async def _run(kind: str, folder: Path) -> None:
    loop = asyncio.get_running_loop()
    async with KINDS[kind](folder) as told:
        print(json.dumps(told), flush=True)
        await loop.run_in_executor(None, sys.stdin.read)


def main() -> int:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("kind", choices=KINDS)
    made.add_argument("folder", type=Path)
    options = made.parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    asyncio.run(_run(options.kind, options.folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
