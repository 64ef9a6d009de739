"""Getting the neighbours' updates of a round, from the author first, then from whoever says it holds them."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

from ledger.circle.history import History, Round
from ledger.errors import PeerFault
from ledger.fetch.fetcher import BlobFetcher, Unavailable
from ledger.fetch.gateways import gateways_of
from ledger.judging.frame_chains import Commit, FetchedUpdate, HeldBlobs, StateCache, find_frame_chain
from node.blobs.store import BlockStore
from node.blobs.stored import StoredBlobs
from node.gossip.gossip import Gossip
from node.operating.meter import Meter
from node.round.neighbour_patience import NeighbourPatience

_log = logging.getLogger(__name__)
_FIRST_WAIT_S: Final = 0.5
# Between two tries to get an update that nobody had: at first, and at most.
_RETRY_S: Final = 1.0
_RETRY_MAX_S: Final = 4.0
_ATTEMPT_S: Final = 10.0
# For what an IPFS daemon is asked for beside.
_SEEK_S: Final = 30.0
# For reading one blob that is here already.
_READING_S: Final = 60.0
# Earlier blobs fetched at once.
_PARALLEL: Final = 8


class AnnouncedUpdates:
    """Which authors' updates of which round may be fetched now, as gossip tells it."""

    def __init__(self) -> None:
        self._events: dict[tuple[int, str], asyncio.Event] = {}

    def note_heard(self, round_number: int, author: str) -> None:
        """An announcement came in. Rounds long gone are forgotten."""
        self._event(round_number, author).set()
        for key in [key for key in self._events if key[0] < round_number - 2]:
            del self._events[key]

    async def wait(self, round_number: int, author: str, timeout_s: float) -> None:
        """Return when it is announced or the time is over: a lost announcement costs time, no more."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._event(round_number, author).wait()
        except TimeoutError:
            return

    def _event(self, round_number: int, author: str) -> asyncio.Event:
        return self._events.setdefault((round_number, author), asyncio.Event())


class Exchange:
    """Fetches blobs for one peer."""

    def __init__(
        self,
        store: BlockStore,
        fetcher: BlobFetcher,
        gossip: Gossip,
        announced: AnnouncedUpdates,
        meter: Meter,
        patience: NeighbourPatience,
        rng: random.Random | None = None,
    ) -> None:
        """rng: draws in which order seats are asked."""
        self._store, self._fetcher, self._gossip = store, fetcher, gossip
        self._announced, self._meter, self._patience = announced, meter, patience
        self._rng = random.Random() if rng is None else rng
        self.states = StateCache()

    async def collect(
        self, history: History, round_: Round, seats: tuple[int, ...], *, max_bytes: int, budget_s: float
    ) -> dict[int, FetchedUpdate]:
        """Fetch these seats' updates in parallel; nobody's within budget_s: without a blob."""

        async def one(seat: int) -> FetchedUpdate:
            return await self._collect_one(history, round_, seat, max_bytes, budget_s)

        async with asyncio.TaskGroup() as tasks:
            jobs = {seat: tasks.create_task(one(seat)) for seat in seats}
        return {seat: job.result() for seat, job in jobs.items()}

    async def fetch_blobs(
        self,
        history: History,
        digests: Mapping[bytes, int],
        *,
        max_bytes: int,
        timeout_s: float,
        asks_daemon: bool = True,
    ) -> Mapping[bytes, bytes | None]:
        """Blobs of earlier rounds, digest → author's seat. Raises Unavailable; None where no blob can be made.

        They are fetched into the store, and read from it when they are asked for. asks_daemon: for what no gateway
        gives.
        """
        return await self._get_all(
            {digest: self._list_gateways(history, seat, digest) for digest, seat in digests.items()},
            max_bytes,
            timeout_s,
            asks_daemon=asks_daemon,
        )

    async def find_blobs(self, digests: Iterable[bytes], *, max_bytes: int) -> Mapping[bytes, bytes | None]:
        """The same of blobs that are in the store already; nobody is asked. Raises Unavailable."""
        return await self._get_all({digest: [] for digest in digests}, max_bytes, _READING_S, asks_daemon=False)

    async def _get_all(
        self, gateways: Mapping[bytes, list[str]], max_bytes: int, timeout_s: float, *, asks_daemon: bool
    ) -> Mapping[bytes, bytes | None]:
        whole, places = dict[bytes, bool](), asyncio.Semaphore(_PARALLEL)

        async def one(digest: bytes, whom: list[str]) -> None:
            async with places:
                try:
                    await self._fetch(digest, whom, max_bytes, timeout_s, asks_daemon=asks_daemon)
                except PeerFault:
                    whole[digest] = False
                else:
                    whole[digest] = True

        try:
            async with asyncio.TaskGroup() as tasks:
                for digest, whom in gateways.items():
                    tasks.create_task(one(digest, whom))
        except* Unavailable as lacking:
            first = lacking.exceptions[0]
            while isinstance(first, ExceptionGroup):
                first = first.exceptions[0]
        else:
            return StoredBlobs(self._store, max_bytes, whole)
        raise first

    async def _collect_one(
        self, history: History, round_: Round, seat: int, max_bytes: int, budget_s: float
    ) -> FetchedUpdate:
        endpoint, is_complete = history.seats[seat].endpoint, False
        links, held, whole = find_frame_chain(history, round_, seat), HeldBlobs(), dict[bytes, bool]()
        # What the update hangs on is read from the store frame by frame; a long chain would fill the memory.
        held.add(StoredBlobs(self._store, max_bytes, whole))
        try:
            async with self._patience.limit_time(endpoint, links[0].digest, budget_s):
                await self._announced.wait(round_.number, round_.peers[seat], _FIRST_WAIT_S)
                update = await self._insist(history, round_.number, seat, links[0].digest, max_bytes)
                held.add({links[0].digest: update})
                # Then what it hangs on, back to a state decoded before or a key frame.
                while (digest := await self._find_lacking(held, links, history)) is not None:
                    earlier = await self._insist(history, round_.number, seat, digest, max_bytes)
                    whole[digest] = earlier is not None
                is_complete = True
        except TimeoutError:
            _log.info("update incomplete round=%d seat=%d blobs=%d", round_.number, seat, len(whole))
        self._patience.note(endpoint, had=is_complete)
        fetched = FetchedUpdate(links, held, round_.tenures[seat])
        if fetched.blob is not None:
            self._hold(round_.number, fetched.digest)
        return fetched

    async def _find_lacking(self, held: HeldBlobs, links: tuple[Commit, ...], history: History) -> bytes | None:
        if len(links) == 1:
            return None
        return await asyncio.to_thread(held.find_lacking, links, history.manifest, self.states)

    async def _insist(
        self, history: History, number: int, seat: int, digest: bytes, max_bytes: int
    ) -> bytes | None:
        """A blob, asked for again until it comes; None where the bytes that come make no blob."""
        wait_s = _RETRY_S
        async with self._seeking(digest, max_bytes) as seek:
            while True:
                gateways = self._list_gateways(history, seat, digest)
                try:
                    return await self._fetch(digest, gateways, max_bytes, _ATTEMPT_S, asks_daemon=False)
                except Unavailable as error:
                    _log.info("update unavailable round=%d seat=%d reason=%s", number, seat, error)
                    # What the daemon finds lies in the store, where the next try has it.
                    await seek(wait_s)
                    wait_s = min(2 * wait_s, _RETRY_MAX_S)
                except PeerFault as fault:
                    _log.warning("update invalid round=%d seat=%d fault=%s", number, seat, fault)
                    return None

    @asynccontextmanager
    async def _seeking(self, digest: bytes, max_bytes: int) -> AsyncIterator[Callable[[float], Awaitable[None]]]:
        """Gives a wait of so many seconds, less where the daemon finds the blob meanwhile.

        The daemon looks beside all that is asked of gateways, which never wait for it.
        """
        task: asyncio.Task[None] | None = None

        async def seek(wait_s: float) -> None:
            nonlocal task
            if self._fetcher.daemon is None or self._fetcher.daemon.is_resting:
                await asyncio.sleep(wait_s)
                return
            if task is None or task.done():
                task = asyncio.create_task(self._fetch_from_daemon(digest, max_bytes))
            until_s = asyncio.get_running_loop().time() + wait_s
            done, _ = await asyncio.wait({task}, timeout=wait_s)
            if not done or await asyncio.to_thread(self._store.has, digest):
                return
            await asyncio.sleep(max(0.0, until_s - asyncio.get_running_loop().time()))

        try:
            yield seek
        finally:
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _fetch_from_daemon(self, digest: bytes, max_bytes: int) -> None:
        with suppress(Unavailable, PeerFault):
            await self._fetcher.fetch_by_cid(digest, max_bytes=max_bytes, timeout_s=_SEEK_S, cache=self._store)

    async def _fetch(
        self, digest: bytes, gateways: list[str], max_bytes: int, timeout_s: float, *, asks_daemon: bool
    ) -> bytes:
        return await self._meter.measure_awaited(
            "blobs",
            self._fetcher.fetch(
                digest,
                gateways,
                max_bytes=max_bytes,
                timeout_s=timeout_s,
                cache=self._store,
                asks_daemon=asks_daemon,
            ),
        )

    def _hold(self, round_number: int, digest: bytes) -> None:
        try:
            self._gossip.announce_held(round_number, digest)
        except Exception as error:  # outside the window: the circle went on meanwhile
            _log.debug("blobs held not told round=%d reason=%s", round_number, error)

    def _list_gateways(self, history: History, author: int, digest: bytes) -> list[str]:
        """The author's, then those of the members that said they have it, then all the others."""
        holders = set(self._gossip.list_holders(digest))
        said = [seat for seat, held in history.seats.items() if held.peer in holders and seat != author]
        self._rng.shuffle(said)
        return gateways_of(history, self._rng, [author, *said])
