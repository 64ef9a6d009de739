"""The WebSocket that wakes the peers is lost in mid-run: they ask instead, and are woken again later."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from tests.support.chains.kinds import ChainProcess
from tests.support.chains.socket_proxy import SocketProxy
from tests.support.network.local_run import LocalRun

PEERS = range(3)


class ThreadedProxy:
    """A relay in a thread of its own, as the test itself waits without an event loop."""

    def __init__(self, target: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.proxy = SocketProxy(target)
        asyncio.run_coroutine_threadsafe(self.proxy.__aenter__(), self._loop).result(30)

    def lose(self) -> None:
        self.proxy.is_down = True
        self._loop.call_soon_threadsafe(self.proxy.cut)

    def close(self) -> None:
        async def end() -> None:
            await self.proxy.__aexit__()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()


@pytest.fixture
def relay(chain: ChainProcess) -> Iterator[ThreadedProxy]:
    made = ThreadedProxy(chain.ws_url)
    yield made
    made.close()


def test_a_lost_websocket_costs_nothing_but_questions(
    run: LocalRun, chain: ChainProcess, relay: ThreadedProxy
) -> None:
    options = ["--commit-window", "600", "--attest-window", "600"]
    woken = ("--rpc-ws", relay.proxy.ws_url)
    run.start(*["honest"] * len(PEERS), rounds=3, options=options, paced=True, rpc=chain.url, node_options=woken)
    run.open_gates(1)
    run.wait_round(2)
    wait_logged(run, "websocket live", 1)
    relay.lose()
    wait_logged(run, "websocket lost", 1)
    run.open_gates(2)
    run.wait_round(3)
    relay.proxy.is_down = False
    wait_logged(run, "websocket live", 2)
    run.open_gates(3)
    run.wait_finished()
    assert run.findings() == []


def wait_logged(run: LocalRun, words: str, times: int) -> None:
    run.wait_for(lambda: all(run.log(index).count(words) >= times for index in PEERS), f"{words} x {times}")
