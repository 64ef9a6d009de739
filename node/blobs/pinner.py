"""Handing a peer's own blobs to an IPFS daemon in the background, for as long as the peer keeps them itself."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from ledger.blobs.cid import DAG_PB, RAW, cid_of
from ledger.blobs.unixfs import build_dag
from ledger.errors import SetupError
from node.blobs.kubo import KuboPins

_log = logging.getLogger(__name__)
_QUEUE_MAX: Final = 64


class Pinner:
    """One daemon and a queue of blobs for it. The rounds never wait for it; what it misses is logged."""

    def __init__(self, api: str) -> None:
        self._pins = KuboPins(api)
        # What is to be done about one blob, in order.
        self._queue: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue(_QUEUE_MAX)
        self._task: asyncio.Task[None] | None = None
        self.pinned = self.unpinned = self.missed = 0

    async def start(self) -> None:
        """Look whether the daemon is there. Raises SetupError."""
        try:
            version = await self._pins.fetch_version()
        except SetupError:
            await self._pins.close()
            raise
        _log.info("pinning service found api=%s version=%s", self._pins.api, version)
        self._task = asyncio.create_task(self._run())

    def pin(self, blob: bytes) -> None:
        """Queue a blob; with a full queue it is missed."""
        self._add(lambda: self._pin(blob))

    def unpin(self, digest: bytes) -> None:
        """Let the daemon have a blob that this peer does not keep any more. digest: of its root."""
        self._add(lambda: self._unpin(digest))

    async def close(self) -> None:
        """Stop; what is still queued is not pinned."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._pins.close()

    def _add(self, job: Callable[[], Awaitable[None]]) -> None:
        try:
            self._queue.put_nowait(job)
        except asyncio.QueueFull:
            self._miss("queue full")

    async def _run(self) -> None:
        while True:
            job = await self._queue.get()
            try:
                await job()
            except SetupError as error:
                self._miss(str(error))

    async def _pin(self, blob: bytes) -> None:
        cid = await self._pins.publish(build_dag(blob))
        self.pinned += 1
        _log.info("blob pinned cid=%s", cid.text)

    async def _unpin(self, digest: bytes) -> None:
        # The digest does not tell whether the root is a leaf.
        for codec in (RAW, DAG_PB):
            await self._pins.unpin(cid_of(digest, codec))
        self.unpinned += 1
        _log.info("blob unpinned digest=%s", digest.hex())

    def _miss(self, reason: str) -> None:
        self.missed += 1
        _log.warning("blob not pinned or unpinned missed=%d reason=%s", self.missed, reason)
