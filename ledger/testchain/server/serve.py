"""Run a local test chain: one data directory, two threads, one port for HTTP and WebSocket.

Importing this module is cheap; the virtual machine is loaded when a chain is served.
"""

import asyncio
import errno
import ipaddress
import math
import signal
import socket
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.errors import SetupError, UsageError

DEFAULT_CHAIN_ID = 1337
# The interpreter of py-evm calls itself for nested contract calls, up to 1,024 deep.
_STACK_BYTES = 512 * 1024 * 1024
_SHUTDOWN_S = 2.0


@dataclass(frozen=True)
class ChainConfig:
    """What a chain is and where it listens. Raises UsageError for values that mean nothing."""

    data_dir: Path
    """Where blocks and state are kept."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8545
    """0 picks a free one."""
    chain_id: int = DEFAULT_CHAIN_ID
    """EIP-155."""
    block_time_s: float = 0.0
    """0 mines at once when transactions wait; otherwise a block every block_time_s, empty or not."""
    seed: int | None = None
    """Makes prevrandao reproducible; without it a random secret is kept in data_dir."""
    allow_remote: bool = False
    """Without it only addresses of this machine are listened on. The development accounts' keys are public, so
    whoever reaches the port can spend from them."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise UsageError(f"port {self.port} does not exist: choose one from 0 to 65535")
        if not 1 <= self.chain_id < 2**53:
            raise UsageError(f"chain id {self.chain_id} cannot be used: choose one from 1 to 2^53")
        if not (math.isfinite(self.block_time_s) and self.block_time_s >= 0):
            raise UsageError(f"block time {self.block_time_s} s cannot be used: choose 0 or more seconds")
        if not (self.allow_remote or self.is_local):
            raise UsageError(
                f"{self.host} can be reached from other machines, and the accounts' keys are public: "
                "listen on 127.0.0.1, or allow it with --allow-remote"
            )

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the host."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True)
class ChainState:
    """A chain at one moment."""

    head: int
    """Number of the newest block."""
    head_time_s: int
    """Its time, Unix seconds by the chain's own clock."""
    gas_used: int
    """By its transactions."""
    base_fee_wei: int
    """Of that block, per gas."""
    pending: int
    """Transactions that wait for a block."""
    connections: int
    """Open WebSockets."""


class Companion:
    """What runs beside a chain and watches it; this one does nothing. All of it is called on the event loop."""

    def note_call(self, method: str, outcome: str, seconds: float) -> None:
        """A call was answered. method: one that there is, or `other`. outcome: `ok`, `refused` or `failed`."""

    def note_block(self, time_s: int) -> None:
        """There is a new block. time_s: its own, Unix seconds."""

    async def begin(self, look: Callable[[], ChainState]) -> None:
        """Calls are answered from now on. look: quick, at any time."""

    async def end(self) -> None:
        """The chain is about to stop."""


async def serve(config: ChainConfig, ready: Callable[[str], None], companion: Companion | None = None) -> None:
    """Serve the chain until cancelled. ready: called once with the URL when calls are answered.

    Raises SetupError if the port or the data directory is not to be had.
    """
    listener = _listen(config)
    workers = _deep_thread("chain"), _deep_thread("simulation")
    try:
        await _serve_on(listener, config, workers, ready, companion or Companion())
    except sqlite3.Error as error:
        raise SetupError(f"{config.data_dir} cannot be written ({error}): free space or choose another") from error
    finally:
        listener.close()
        for worker in workers:
            worker.shutdown()


def run_chain(
    config: ChainConfig, ready: Callable[[str], None] = lambda _url: None, companion: Companion | None = None
) -> None:
    """Serve the chain until SIGTERM, SIGHUP or SIGINT, then close it in order. Raises as `serve` does."""

    async def until_signalled() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            if signal.getsignal(number) != signal.SIG_IGN:
                loop.add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            await serve(config, ready, companion)

    asyncio.run(until_signalled())


async def _serve_on(
    listener: socket.socket,
    config: ChainConfig,
    workers: tuple[ThreadPoolExecutor, ThreadPoolExecutor],
    ready: Callable[[str], None],
    companion: Companion,
) -> None:
    loop = asyncio.get_running_loop()
    engine = await loop.run_in_executor(workers[0], _open, config)
    from ledger.testchain.mining.turns import Turns

    turns = Turns()

    def in_turn(function: Callable[..., Any], *arguments: Any) -> Any:
        with turns.chain():
            return function(*arguments)

    def in_simulation(function: Callable[..., Any], *arguments: Any) -> Any:
        with turns.simulation():
            return function(*arguments)

    async def run_in_chain(function: Callable[..., Any], *arguments: Any) -> Any:
        return await loop.run_in_executor(workers[0], in_turn, function, *arguments)

    async def run_simulation(function: Callable[..., Any], *arguments: Any) -> Any:
        return await loop.run_in_executor(workers[1], in_simulation, function, *arguments)

    try:
        from aiohttp import web

        from ledger.testchain.mining.miner import Miner
        from ledger.testchain.rpc.dispatch import Dispatcher
        from ledger.testchain.rpc.methods import RpcMethods
        from ledger.testchain.server.port import RpcServer

        miner = Miner(engine, run_in_chain)
        # Other machines may use the chain, but not turn back its clock or its blocks.
        methods, note = RpcMethods(engine, turns), companion.note_call
        dispatcher = Dispatcher(methods, miner, run_in_chain, run_simulation, config.is_local, note)
        server = RpcServer(dispatcher, config.host)

        def publish(news: Any) -> None:
            server.publish(news)
            dispatcher.note_block()
            if not news.is_removed:
                companion.note_block(news.header.timestamp)

        engine.listeners.append(lambda news: loop.call_soon_threadsafe(publish, news))
        engine.pool_listeners.append(
            (server.wants_pooled, lambda pooled: loop.call_soon_threadsafe(server.publish_pooled, pooled))
        )
        # A body is taken as it is: what does not unpack would be an exception of the library's, behind our backs.
        runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=_SHUTDOWN_S, auto_decompress=False)
        await runner.setup()
        try:
            await web.SockSite(runner, listener).start()
            await companion.begin(lambda: _look(engine, server))
            ready(_url(listener))
            await miner.run()
        finally:
            await companion.end()
            turns.stop()
            await runner.cleanup()
    finally:
        await run_in_chain(engine.close)


def _look(engine: Any, server: Any) -> ChainState:
    head = engine.head
    return ChainState(
        head.block_number,
        head.timestamp,
        head.gas_used,
        head.base_fee_per_gas,
        len(engine.pool),
        server.connection_count,
    )


def _open(config: ChainConfig) -> Any:
    """Load the virtual machine and open the data directory. Runs in the chain's thread."""
    from ledger.testchain.mining.engine import BlockPace, Engine

    engine = Engine(config.data_dir, config.chain_id, config.seed)
    engine.pace = BlockPace(is_instant=config.block_time_s == 0, interval_s=config.block_time_s)
    return engine


def _deep_thread(name: str) -> ThreadPoolExecutor:
    """One thread, started now, with a stack deep enough for the deepest calls."""
    worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
    usual = threading.stack_size(_STACK_BYTES)
    try:
        worker.submit(int)
    finally:
        threading.stack_size(usual)
    return worker


def _listen(config: ChainConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        return socket.create_server((config.host, config.port), family=family, backlog=128)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SetupError(
                f"port {config.port} on {config.host} is in use: stop the other program or choose --port"
            ) from error
        raise SetupError(
            f"cannot listen on {config.host} port {config.port} ({error.strerror}): choose --host and --port"
        ) from error


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
