"""Handing a peer's own blobs to an IPFS daemon in the background, so that they outlive the peer."""

import asyncio
import logging
from typing import Final

from ledger.blobs.unixfs import build
from ledger.errors import SetupError
from node.blobs.kubo import KuboPins

_log = logging.getLogger(__name__)
_QUEUE_MAX: Final = 64


class Pinner:
    """One daemon and a queue of blobs for it. The rounds never wait for it; what it misses is logged."""

    def __init__(self, api: str) -> None:
        self._pins = KuboPins(api)
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(_QUEUE_MAX)
        self._task: asyncio.Task[None] | None = None
        self.pinned = self.missed = 0

    async def start(self) -> None:
        """Look whether the daemon is there. Raises SetupError."""
        try:
            version = await self._pins.version()
        except SetupError:
            await self._pins.close()
            raise
        _log.info("pinning api=%s version=%s", self._pins.api, version)
        self._task = asyncio.create_task(self._run())

    def pin(self, blob: bytes) -> None:
        """Queue a blob; with a full queue it is missed."""
        try:
            self._queue.put_nowait(blob)
        except asyncio.QueueFull:
            self._miss("queue full")

    async def close(self) -> None:
        """Stop; what is still queued is not pinned."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._pins.close()

    async def _run(self) -> None:
        while True:
            blob = await self._queue.get()
            try:
                cid = await self._pins.publish(build(blob))
            except SetupError as error:
                self._miss(str(error))
            else:
                self.pinned += 1
                _log.info("pinned cid=%s", cid.text)

    def _miss(self, reason: str) -> None:
        self.missed += 1
        _log.warning("not pinned reason=%s missed=%d", reason, self.missed)
