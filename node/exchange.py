"""Getting the neighbours' updates of a round, from the author first, then from whoever says it holds them."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from ledger.blobs.fetch import BlobFetcher, Unavailable
from ledger.endpoints import MalformedEndpoint, parse_endpoint
from ledger.errors import PeerFault
from ledger.history import History, Round
from ledger.lineage import Fetched, States, fetched_of, lineage, unfetched
from node.blobs.store import BlockStore
from node.gossip.gossip import Gossip
from node.meter import Meter
from node.patience import Patience

_log = logging.getLogger(__name__)
_FIRST_WAIT_S = 0.5
_RETRY_S = 1.0
_ATTEMPT_S = 10.0


class Announced:
    """Which authors' updates of which round may be fetched now, as gossip tells it."""

    def __init__(self) -> None:
        self._events: dict[tuple[int, str], asyncio.Event] = {}

    def heard(self, round_number: int, author: str) -> None:
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
        announced: Announced,
        meter: Meter,
        patience: Patience,
    ) -> None:
        self._store, self._fetcher, self._gossip = store, fetcher, gossip
        self._announced, self._meter, self._patience = announced, meter, patience
        self.states = States()

    async def collect(
        self, history: History, round_: Round, seats: tuple[int, ...], *, max_bytes: int, budget_s: float
    ) -> dict[int, Fetched]:
        """Fetch these seats' updates in parallel; nobody's within budget_s: without a blob."""

        async def one(seat: int) -> Fetched:
            return await self._collect_one(history, round_, seat, max_bytes, budget_s)

        async with asyncio.TaskGroup() as tasks:
            jobs = {seat: tasks.create_task(one(seat)) for seat in seats}
        return {seat: job.result() for seat, job in jobs.items()}

    async def blobs(
        self, history: History, digests: Mapping[bytes, int], *, max_bytes: int, timeout_s: float
    ) -> dict[bytes, bytes | None]:
        """Blobs of earlier rounds, digest → author's seat. Raises Unavailable; None where no blob can be made."""
        found: dict[bytes, bytes | None] = {}
        for digest, seat in digests.items():
            try:
                gateways = self._gateways(history, seat, digest)
                found[digest] = await self._fetch(digest, gateways, max_bytes, timeout_s)
            except PeerFault:
                found[digest] = None
        return found

    async def _collect_one(
        self, history: History, round_: Round, seat: int, max_bytes: int, budget_s: float
    ) -> Fetched:
        links, blobs = lineage(history, round_, seat), dict[bytes, bytes | None]()
        endpoint, is_complete = history.seats[seat].endpoints[-1], False
        try:
            async with self._patience.within(endpoint, links[0].digest, budget_s):
                await self._announced.wait(round_.number, round_.peers[seat], _FIRST_WAIT_S)
                # The update, then what it hangs on, back to a state decoded before or a key frame.
                digest: bytes | None = links[0].digest
                while digest is not None:
                    blobs[digest] = await self._insist(history, round_.number, seat, digest, max_bytes)
                    digest = unfetched(links, blobs, history.manifest, self.states)
                is_complete = True
        except TimeoutError:
            _log.info("update incomplete round=%d seat=%d had=%d blobs", round_.number, seat, len(blobs))
        self._patience.note(endpoint, had=is_complete)
        if blobs.get(links[0].digest) is not None:
            self._hold(round_.number, links[0].digest)
        return fetched_of(links, round_.tenures[seat], blobs)

    async def _insist(
        self, history: History, number: int, seat: int, digest: bytes, max_bytes: int
    ) -> bytes | None:
        """A blob, asked for again until it comes; None where the bytes that come make no blob."""
        while True:
            try:
                return await self._fetch(digest, self._gateways(history, seat, digest), max_bytes, _ATTEMPT_S)
            except Unavailable as error:
                _log.info("update unavailable round=%d seat=%d reasons=%s", number, seat, error.reasons)
                await asyncio.sleep(_RETRY_S)
            except PeerFault as fault:
                _log.warning("update invalid round=%d seat=%d fault=%s", number, seat, fault)
                return None

    async def _fetch(self, digest: bytes, gateways: list[str], max_bytes: int, timeout_s: float) -> bytes:
        return await self._meter.awaiting(
            "blobs",
            self._fetcher.fetch(digest, gateways, max_bytes=max_bytes, timeout_s=timeout_s, cache=self._store),
        )

    def _hold(self, round_number: int, digest: bytes) -> None:
        try:
            self._gossip.have(round_number, digest)
        except Exception as error:  # outside the window: the circle went on meanwhile
            _log.debug("have not told round=%d reason=%s", round_number, error)

    def _gateways(self, history: History, author: int, digest: bytes) -> list[str]:
        holders = set(self._gossip.holders(digest))
        return gateways_by(
            history, lambda seat: 0 if seat == author else 1 if history.seats[seat].peer in holders else 2
        )


def gateways_by(history: History, order: Callable[[int], int]) -> list[str]:
    """Every seat's newest gateway, sorted by `order` of the seat."""
    found = []
    for seat in sorted(history.seats, key=order):
        try:
            found.append(parse_endpoint(history.seats[seat].endpoints[-1]).gateway)
        except MalformedEndpoint:
            continue
    return found
