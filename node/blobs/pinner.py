"""Having an IPFS daemon keep a peer's own blobs, for as long as the peer keeps them itself.

What is to be pinned is a set of digests. A task brings the daemon's pins in line with it: at the start, after each
change, and again after a pause where the daemon gave trouble. So what a daemon missed while it was away, or forgot,
is pinned later, and a pin that this peer made and needs no more is removed, also after a restart. The rounds never
wait for any of it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from ledger.blobs.cid import DAG_PB, RAW, Cid, cid_of
from ledger.blobs.dagpb import FILE_BYTES_MAX
from ledger.blobs.unixfs import MAGIC, walk
from ledger.errors import NotYet, PeerFault, SetupError
from node.blobs.daemon_pins import DaemonPins, NamedBlock
from node.blobs.pin_journal import PinJournal
from node.blobs.pin_stats import PinStats
from node.blobs.store import BlockStore, NotStored

_log = logging.getLogger(__name__)
_RETRY_S: Final = 1.0
_RETRY_MAX_S: Final = 300.0
# For one call: a daemon that takes less than 64 KiB a second of a blob is too slow to be of use.
_CALL_S: Final = 60.0
_PACE: Final = 1 << 16


class Pinner:
    """One daemon and what it is to keep. api: its multiaddr. retry_s: the first pause after a failure.

    Raises UsageError for an address that is none.
    """

    def __init__(self, api: str, store: BlockStore, *, retry_s: float = _RETRY_S, call_s: float = _CALL_S) -> None:
        self._pins, self._store = DaemonPins(api, timeout_s=call_s / 2), store
        self._first_retry_s, self._call_s = retry_s, call_s
        self._wanted = set[bytes]()
        # Of the circle that it is in: the folder of its journal, and the name of its pins.
        self._place: tuple[Path, str] | None = None
        self._journal: PinJournal | None = None
        self._own, self._held = dict[bytes, Cid](), set[bytes]()
        self._work, self._is_settled = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stats = PinStats()

    @property
    def stats(self) -> PinStats:
        """What became of it so far."""
        self._stats.wanted, self._stats.held = len(self._wanted), len(self._held & self._own.keys())
        return self._stats

    def start(self) -> None:
        """Begin; a daemon that is not there is waited for."""
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run())

    def keep(self, folder: Path, name: str, digests: Iterable[bytes]) -> None:
        """These are to be pinned and, of all that this peer pinned for this circle, nothing else.

        folder: of the circle's journal. name: of the pins. digests: roots of blobs in the store.
        """
        self._place, self._journal = (folder, name), None
        self._wanted = set(digests)
        self._change(lambda: None)

    def pin(self, digest: bytes) -> None:
        """One more, from any thread. digest: of its root."""
        self._change(lambda: self._wanted.add(digest))

    def unpin(self, digest: bytes) -> None:
        """Let the daemon have a blob that this peer does not keep any more; from any thread."""
        self._change(lambda: self._wanted.discard(digest))

    async def wait_settled(self) -> None:
        """Return when the daemon has what it should have."""
        await self._is_settled.wait()

    async def close(self) -> None:
        """Stop; what is still to be done is done after the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._pins.close()

    def _change(self, change: Callable[[], None]) -> None:
        def apply() -> None:
            change()
            self._is_settled.clear()
            self._work.set()

        self._loop.call_soon_threadsafe(apply)

    async def _run(self) -> None:
        retry_s = 0.0
        while True:
            await self._work.wait()
            self._work.clear()
            try:
                await self._bring_in_line()
            except (SetupError, OSError) as error:
                self._stats.failures += 1
                # Another daemon may be there when it is back, or one that forgot.
                self._journal = None
                if not retry_s:
                    _log.warning("blobs not pinned for now reason=%s", error)
                self._work.set()
                retry_s = min(2 * retry_s or self._first_retry_s, _RETRY_MAX_S)
                await asyncio.sleep(retry_s)
                continue
            if retry_s:
                _log.info("blobs pinned again held=%d", self.stats.held)
            retry_s = 0.0

    async def _bring_in_line(self) -> None:
        """Raises SetupError where the daemon is at fault, OSError where the disk is."""
        if self._place is None:
            return
        place = folder, name = self._place
        journal = self._journal or await self._open_journal(folder)
        while self._place is place:
            # What is to go, goes before more comes: a daemon may be short of room.
            if surplus := self._own.keys() - self._wanted:
                await self._unpin(journal, self._own[surplus.pop()], name)
            elif lacking := self._wanted - self._held:
                await self._pin(journal, lacking.pop(), name)
            else:
                self._is_settled.set()
                return

    async def _open_journal(self, folder: Path) -> PinJournal:
        """See what is pinned there."""
        async with self._limited():
            daemon, version = await self._pins.fetch_id(), await self._pins.fetch_version()
        journal = PinJournal(folder, daemon)
        self._own = await asyncio.to_thread(journal.read)
        async with self._limited(self._call_s * 5):
            listed = [digest async for digest in self._pins.list_pins() if digest in self._own]
        self._held = set(listed)
        self._journal = journal
        _log.info(
            "daemon found api=%s version=%s pinned=%d of=%d",
            self._pins.api,
            version,
            len(listed),
            len(self._own),
        )
        return journal

    async def _pin(self, journal: PinJournal, digest: bytes, name: str) -> None:
        try:
            if self._store.is_sealed(digest):
                raise NotStored(digest)
            cid, size_bytes = await asyncio.to_thread(self._look_up, digest)
        except (NotYet, PeerFault) as error:
            _log.info("blob not pinned digest=%s reason=%s", digest.hex(), error)
            self._wanted.discard(digest)
            return
        async with self._limited(self._call_s + size_bytes / _PACE):
            if digest not in self._own:
                # Whoever pinned it before is the one to unpin it.
                if await self._pins.find_pin(cid) is not None:
                    self._held.add(digest)
                    return
                await asyncio.to_thread(journal.note, cid)
                self._own[digest] = cid
            await self._pins.publish(cid, self._read_blocks(digest), name)
        self._held.add(digest)
        self._stats.made += 1
        _log.info("blob pinned cid=%s", cid.text)

    async def _unpin(self, journal: PinJournal, cid: Cid, name: str) -> None:
        async with self._limited():
            found = await self._pins.find_pin(cid)
            # Another name was given to it since: it is somebody else's now.
            if found is not None and found in ("", name):
                await self._pins.unpin(cid)
                self._stats.removed += 1
        await asyncio.to_thread(journal.forget, cid.digest)
        self._own.pop(cid.digest, None)
        self._held.discard(cid.digest)
        _log.info("blob unpinned cid=%s", cid.text)

    @asynccontextmanager
    async def _limited(self, limit_s: float | None = None) -> AsyncIterator[None]:
        """A time for some calls; when it is over, that is the daemon's fault."""
        time_s = self._call_s if limit_s is None else limit_s
        try:
            async with asyncio.timeout(time_s):
                yield
        except TimeoutError as error:
            raise SetupError(f"the IPFS daemon at {self._pins.api} takes more than {time_s:g} s") from error

    def _look_up(self, digest: bytes) -> tuple[Cid, int]:
        """The CID of a root, and how large its blob is. Raises NotStored, PeerFault."""
        part, block = next(walk(digest, self._require, FILE_BYTES_MAX))
        if not self._store.has(digest):
            raise NotStored(digest)
        return cid_of(digest, RAW if block.startswith(MAGIC) else DAG_PB), part.size_bytes

    async def _read_blocks(self, digest: bytes) -> AsyncIterator[NamedBlock]:
        """A blob's blocks as they are sent, one in memory at a time."""
        blocks = walk(digest, self._require, FILE_BYTES_MAX)
        while (found := await asyncio.to_thread(next, blocks, None)) is not None:
            part, block = found
            yield Cid(DAG_PB if part.height else RAW, part.digest), block

    def _require(self, digest: bytes) -> bytes:
        block = self._store.read_block(digest)
        if block is None:
            raise NotStored(digest)
        return block
