"""Being woken by new blocks: on both chains, over losses and restarts, and never by nonsense."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from ledger.chain.rpc import subscription
from ledger.chain.rpc.subscription import HeadSubscription, guess_websocket_url
from ledger.errors import SetupError
from tests.support.chains.kinds import ChainProcess
from tests.support.chains.socket_proxy import SocketProxy

WAIT_S = 60.0


class Listener:
    """A subscription under way, and how often it has woken."""

    def __init__(self, url: str) -> None:
        self.wakes = 0
        self._changed = asyncio.Event()
        self.heads = HeadSubscription(url, self._wake)

    def _wake(self) -> None:
        self.wakes += 1
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def woken(self, before: int) -> None:
        """Until it has woken more often than before."""
        await self.until(lambda: self.wakes > before)

    async def live(self) -> None:
        await self.until(lambda: self.heads.is_live)

    async def lost(self) -> None:
        await self.until(lambda: not self.heads.is_live)


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[Listener]:
    listener = Listener(url)
    task = asyncio.create_task(listener.heads.run())
    try:
        yield listener
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "_FIRST_PAUSE_S", 0.02)


async def mine(chain: ChainProcess) -> None:
    await asyncio.to_thread(chain.rpc, "evm_mine")


async def test_every_block_wakes(chain: ChainProcess) -> None:
    async with listening(chain.ws_url) as listener:
        await listener.live()
        for _ in range(5):
            before = listener.wakes
            await mine(chain)
            await listener.woken(before)


async def test_a_lost_connection_is_made_again_and_wakes_as_before(chain: ChainProcess) -> None:
    async with SocketProxy(chain.ws_url) as proxy, listening(proxy.ws_url) as listener:
        await listener.live()
        proxy.is_down = True
        proxy.cut()
        await listener.lost()
        proxy.is_down = False
        await listener.live()
        before = listener.wakes
        await mine(chain)
        await listener.woken(before)


async def test_it_comes_back_after_a_restart_of_the_chain(chain: ChainProcess) -> None:
    async with listening(chain.ws_url) as listener:
        await listener.live()
        await asyncio.to_thread(chain.stop)
        await listener.lost()
        await asyncio.to_thread(chain.start)
        await listener.live()
        before = listener.wakes
        await mine(chain)
        await listener.woken(before)


@asynccontextmanager
async def serving(answer: Callable[[web.WebSocketResponse], Awaitable[object]]) -> AsyncIterator[str]:
    """An endpoint that says something of its own."""

    async def handle(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        await answer(socket)
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    "said",
    [
        b"bytes",
        "no JSON",
        '{"id":1}',
        '{"id":1,"error":{"code":-32601,"message":"no such method"}}',
        "[" * 50_000,
        '["]",' * 10_000,
        '{"id":1,"result":"0x1"}' + " " * (1 << 17),
    ],
)
async def test_nonsense_never_makes_it_live(said: str | bytes) -> None:
    asked = asyncio.Semaphore(0)

    async def answer(socket: web.WebSocketResponse) -> None:
        await (socket.send_bytes(said) if isinstance(said, bytes) else socket.send_str(said))
        asked.release()

    async with serving(answer) as url, listening(url) as listener:
        for _ in range(3):
            async with asyncio.timeout(WAIT_S):
                await asked.acquire()
        assert listener.wakes == 0


async def test_only_its_own_notifications_wake() -> None:
    done = asyncio.Event()

    async def answer(socket: web.WebSocketResponse) -> None:
        await socket.send_str('{"id":1,"result":"0xa"}')
        await socket.send_str('{"method":"eth_subscription","params":{"subscription":"0xb","result":{}}}')
        await socket.send_str('{"method":"eth_subscription","params":{"subscription":"0xa","result":{}}}')
        await done.wait()

    async with serving(answer) as url, listening(url) as listener:
        await listener.until(lambda: listener.wakes == 2)
        assert listener.heads.is_live
        done.set()


@pytest.mark.parametrize("url", ["http://127.0.0.1:8545", "127.0.0.1:8545", "ws://", ""])
def test_what_is_no_websocket_address_is_a_sentence(url: str) -> None:
    with pytest.raises(SetupError, match="is no WebSocket address: give one such as"):
        HeadSubscription(url, lambda: None)


def test_only_beside_an_endpoint_on_this_machine_one_is_expected() -> None:
    assert guess_websocket_url("http://127.0.0.1:8545") == "ws://127.0.0.1:8545"
    assert guess_websocket_url("https://rpc.example.org/v3/key") is None
    assert guess_websocket_url("http://10.0.0.1:8545") is None
