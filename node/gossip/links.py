"""One authenticated connection to a peer: paced reading, a bounded queue for writing."""

import asyncio
import logging
import random
from collections.abc import Callable
from itertools import islice
from typing import Any

from aiohttp import ClientError

from ledger.errors import PeerFault
from node.gossip.limits import Limits, Stats, TokenBucket
from node.gossip.messages import Message, Pull, count_for_frame, decode, join_frame
from node.gossip.sockets import ConnectionEnded, Socket, receive_payload

_log = logging.getLogger(__name__)
_PULL_COST = 16  # messages: a few bytes ask for up to 64 KiB
_SHORTEST_WAIT_S = 0.05  # one wake-up lets several messages of a fast sender through


class TooFast(PeerFault):
    """The peer keeps sending faster than the limit."""


class Link:
    """A connection whose handshake is done.

    peer: its address. dialled: whether this node opened it. since: loop time. open_questions, open_dial_backs:
    Pulls and DialBacks sent that have no answer yet.
    """

    def __init__(
        self, socket: Socket, peer: str, *, dialled: bool, limits: Limits, stats: Stats, rng: random.Random
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.socket, self.peer, self.dialled = socket, peer, dialled
        self.since = self._loop.time()
        self.open_questions = self.open_dial_backs = 0
        self.drops = 0
        self._limits, self._stats, self._rng = limits, stats, rng
        self._bucket = TokenBucket(limits.messages_per_s, limits.burst_messages, self.since)
        self._queue: dict[bytes, None] = {}  # in order, without repetitions
        self._queued_bytes = 0
        self._ready = asyncio.Event()
        self._stopped: asyncio.Future[str] = self._loop.create_future()

    def send(self, encoded: bytes) -> bool:
        """Queue an encoded message. False if the queue is full: then it is dropped and counted."""
        is_full = (
            len(self._queue) >= self._limits.queue_messages
            or self._queued_bytes + len(encoded) > self._limits.queue_bytes
        )
        if is_full:
            self._drop()
            return False
        if encoded not in self._queue:
            self._queue[encoded] = None
            self._queued_bytes += len(encoded)
        self._ready.set()
        return True

    def withdraw(self, encoded: bytes) -> None:
        """Take a message back, if it still waits, because the peer has just sent the same."""
        if encoded in self._queue:
            del self._queue[encoded]
            self._queued_bytes -= len(encoded)

    def stop(self, reason: str) -> None:
        """Make `run` end with `ConnectionEnded(reason)`."""
        if not self._stopped.done():
            self._stopped.set_result(reason)

    async def run(self, receive: Callable[["Link", Message], None]) -> None:
        """Read and write until the connection ends. Never returns.

        receive: called with every message; a PeerFault it raises ends the link. Raises PeerFault if the peer
        broke the protocol, Ended otherwise.
        """
        pumps = [asyncio.create_task(self._read(receive)), asyncio.create_task(self._write())]
        ends: list[asyncio.Future[Any]] = [*pumps, self._stopped]
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                if pump in done:
                    pump.result()
        except (OSError, ClientError) as error:
            raise ConnectionEnded(f"connection lost: {error!r}") from error
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        raise ConnectionEnded(self._stopped.result())

    async def _read(self, receive: Callable[["Link", Message], None]) -> None:
        while True:
            arrived = await self.socket.receive()
            await self._pace(1)  # before anything of the frame is looked at
            frame = await receive_payload(self.socket, arrived)
            if frame is None:
                continue
            self._stats.bytes_received += len(frame)
            messages = decode(frame)
            await self._pace(len(messages) - 1)
            for message in messages:
                if isinstance(message, Pull):
                    await self._pace(_PULL_COST - 1)
                receive(self, message)

    async def _pace(self, cost: float) -> None:
        now = self._loop.time()
        wait_s = self._bucket.take(cost, now)
        if wait_s == 0:
            return
        if self._bucket.measure_empty_s(now) > self._limits.flood_s:
            raise TooFast(f"more than {self._limits.messages_per_s:g} messages/s for {self._limits.flood_s:g} s")
        await asyncio.sleep(max(wait_s, _SHORTEST_WAIT_S))

    async def _write(self) -> None:
        while True:
            await self._ready.wait()
            await asyncio.sleep(self._limits.gather_s * self._rng.uniform(0.5, 1.5))
            self._ready.clear()
            while self._queue:
                try:
                    async with asyncio.timeout(self._limits.send_s):
                        await self._write_frame(self._next_batch())
                except TimeoutError as error:
                    raise ConnectionEnded(f"took nothing for {self._limits.send_s:g} s") from error

    def _next_batch(self) -> list[bytes]:
        batch = list(islice(self._queue, count_for_frame(self._queue)))
        for encoded in batch:
            self.withdraw(encoded)
        return batch

    async def _write_frame(self, batch: list[bytes]) -> None:
        frame = join_frame(batch)
        await self.socket.send_bytes(frame)
        self._stats.bytes_sent += len(frame)

    def _drop(self) -> None:
        self.drops += 1
        self._stats.drops += 1
        if self.drops.bit_count() == 1:  # at 1, 2, 4, 8 …: a stuck peer must not fill the log
            _log.warning("gossip queue full peer=%s drops=%d", self.peer, self.drops)
