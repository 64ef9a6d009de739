"""A member of a circle that speaks for itself: real key, transactions, store and gateway, and no rules."""

import asyncio
import threading
from collections.abc import Callable
from typing import Self

from aiohttp import web

from ledger.chain.circle import Circle
from ledger.chain.deployment.deploy import CircleFile, open_circle
from ledger.chain.transactions.sender import Sender
from ledger.circle.verdict_word import encode_verdicts
from ledger.identity.endpoints import parse_endpoint
from node.blobs.gateway import make_gateway_app
from node.blobs.store import BlockStore
from node.seat.keys import load_key
from tests.support.network.local_run import LocalRun


class Villain:
    """Joins a running circle, commits what it is told to and serves it; `with` ends its gateway."""

    def __init__(self, run: LocalRun) -> None:
        self._run = run
        self.peer = run.network.add_peer("villain")
        password = run.network.password_file.read_text().strip()
        self._circle: Circle = open_circle(CircleFile.read(run.network.circle_file))
        network = self._circle.network
        self._sender = Sender(self._circle.rpc, load_key(self.peer.folder / "key.json", password), network.chain_id)
        self.network, self.author = network.domain_separator, bytes.fromhex(self._sender.address[2:])
        self.store = BlockStore(self.peer.folder / "blobs")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        self._runner, port = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(10)
        self._wait(lambda: len(self._run.history().seats) == self.peer.index, "seats of the honest")
        # Nobody listens at its gossip address: port 1 refuses.
        endpoint = parse_endpoint(f"wss://127.0.0.1:1 http://127.0.0.1:{port}").text
        self._call("join", endpoint, self._sender.address, 0, 0, 0, 0)
        seat = self._run.history().seat_of(self._sender.address)
        assert seat is not None
        self.seat = seat
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def make_app(self) -> web.Application:
        """Its gateway, an honest one."""
        return make_gateway_app(self.store)

    def commit(self, number: int, digest: bytes) -> None:
        """Anchor a digest as its update of a round."""
        self._run.wait_round(number)
        self._call("commit", number, digest)

    def attest_nothing(self, number: int) -> None:
        """Attest that it judged nobody, so that the next round waits for it again."""
        seed = self._run.wait_for(lambda: self._run.history().rounds[number - 1].seed, f"seed of round {number}")
        assert seed is not None
        self._call("attest", encode_verdicts(seed, number, (), 0, 0), b"\1" * 32)

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        self._run.wait_for(condition, what)

    def _call(self, name: str, *arguments: object) -> None:
        self._sender.call(self._circle.network.contract, name, *arguments)

    async def _serve(self) -> tuple[web.AppRunner, int]:
        runner = web.AppRunner(self.make_app())
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner, int(runner.addresses[0][1])
