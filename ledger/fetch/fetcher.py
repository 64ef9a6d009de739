"""Fetch blobs from IPFS trustless gateways, trusting none of them.

Every block is asked for by digest and hashed as it arrives. A gateway that lies, stalls or lacks a block is passed
over for the next one; that is not the author's fault. A block that hashes well and still is no proper blob is.
What no gateway gives is asked of an IPFS daemon by its CID, where one is named.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from types import TracebackType
from typing import Final, Protocol, Self

import aiohttp
from yarl import URL

from ledger.blobs.cid import DAG_PB, RAW
from ledger.blobs.dagpb import NODE_BYTES_MAX
from ledger.blobs.unixfs import CHUNK_BYTES, Part, check_magic, parse_children, parse_root
from ledger.errors import NotYet, PeerFault
from ledger.fetch.block_request import (
    GATEWAY_URL_MAX,
    Failure,
    GatewayFailed,
    GatewayPatience,
    WantedBlock,
    fetch_block,
    parse_gateway_url,
)
from ledger.fetch.daemon import IPFS, IpfsDaemon
from ledger.fetch.hedging import TURN_S, WIDTH, AskGateway, FetchJob, Race, RestingGateways
from ledger.untrusted.host_names import NameResolver

_log = logging.getLogger(__name__)
# More than any circle names: 256 seats, each with its present, two former and two former holders' endpoints.
GATEWAYS_MAX: Final = 1280
# A gateway that sends less is dropped for the rest of a fetch; bytes a second.
_LEAST_PACE: Final = 4096
# A gateway that sends less, or too little to be done in half the time, is not waited for alone.
_PACE_MIN: Final = 1 << 14
# Of one fetcher, over all fetches: sockets, and blocks of at most a MiB in memory.
_ASKS_MAX: Final = 96
# Kinds of reasons that a message counts.
_KINDS_MAX: Final = 3
_OVER: Final = "budget"
_NAMES_S: Final = 10

# A block, in time or not at all: raises Unavailable.
_GetBlock = Callable[[WantedBlock], Awaitable[bytes]]


class Unavailable(NotYet):
    """No gateway gave the block in time. reasons: gateway → what it did last.

    The message counts them by kind; the log has each, for debugging.
    """

    def __init__(self, digest: bytes, reasons: dict[str, str]) -> None:
        super().__init__(f"{digest.hex()[:12]} is not to be had{_sum_up(reasons)}")
        self.digest, self.reasons = digest, dict(reasons)


def _sum_up(reasons: Mapping[str, str]) -> str:
    """What is said after it: one reason whole, of several how many gateways did what."""
    gave_nothing = {gateway: reason for gateway, reason in reasons.items() if gateway != _OVER}
    over = f"; {reasons[_OVER]}" if _OVER in reasons else ""
    if len(gave_nothing) <= 1:
        said = [f"{gateway}: {reason}" if gateway else reason for gateway, reason in gave_nothing.items()]
        return f": {said[0] if said else 'no gateway to ask'}{over}"
    counts = Counter(map(_name_kind, gave_nothing.values())).most_common()
    kinds = [f"{kind} ({count})" for kind, count in counts[:_KINDS_MAX]]
    rest = sum(count for _, count in counts[_KINDS_MAX:])
    more = [f"something else ({rest})"] if rest else []
    return f" of {len(gave_nothing)} gateways: {', '.join(kinds + more)}{over}"


def _name_kind(reason: str) -> str:
    """Without what differs from gateway to gateway, e.g. the address behind the name of an error."""
    kind = reason.partition(":")[0]
    return "no connection" if kind.startswith("ClientConnector") else kind


class BlockCache(Protocol):
    """Where blocks that were fetched are kept. Called in worker threads.

    read_block: the bytes, checked against the digest, or None. put_block: keep them.
    """

    def read_block(self, digest: bytes) -> bytes | None: ...

    def put_block(self, digest: bytes, data: bytes) -> None: ...


@dataclass
class FetchStats:
    """What came in, and what did not."""

    bytes_received: int = 0
    """Of blocks' bodies, also of those that were no good."""
    blocks: int = 0
    """Blocks that came whole from a gateway."""
    failures: Counter[Failure] = field(default_factory=Counter)
    """How often a gateway gave nothing, by why."""
    unavailable: int = 0
    """Blobs that nobody gave in time, or a block of them."""
    daemon_blocks: int = 0
    """Blocks that the IPFS daemon gave."""
    daemon_failures: Counter[Failure] = field(default_factory=Counter)
    """How often it gave nothing, by why."""


class BlobFetcher:
    """Fetches blobs with an aiohttp session, given or its own; its own is closed by `close()` or `async with`.

    parallel: blocks under way at once in one fetch. stall_timeout_s: until a gateway's answer begins, and the time
    over which its pace is measured. hedge_s: so long a gateway may be behind before others are asked beside it.
    daemon: asked for what no gateway gives (R20.4).
    """

    def __init__(
        self,
        session: aiohttp.ClientSession | None = None,
        *,
        parallel: int = 4,
        stall_timeout_s: float = 6.0,
        hedge_s: float = 0.5,
        daemon: IpfsDaemon | None = None,
    ) -> None:
        self._session, self._owned = session, session is None
        self.daemon = daemon
        """The one that is asked last, None where none is."""
        self._parallel, self._hedge_s = parallel, hedge_s
        self.stats = FetchStats()
        least = max(1, int(_LEAST_PACE * stall_timeout_s))
        self._patience = GatewayPatience(stall_timeout_s, stall_timeout_s, least)
        self._impatience = GatewayPatience(stall_timeout_s / 3, stall_timeout_s, least)
        self._rests, self._places = RestingGateways(), asyncio.Semaphore(_ASKS_MAX)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the session if it is ours."""
        if self._owned and self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def fetch(
        self,
        digest: bytes,
        gateways: Sequence[str],
        *,
        max_bytes: int,
        timeout_s: float,
        cache: BlockCache | None = None,
        asks_daemon: bool = True,
    ) -> bytes:
        """Fetch the blob with this root digest, at most max_bytes long, within timeout_s.

        gateways: base URLs, http or https, in order of preference; a bad one is passed over. Where they are too
        many to be asked in timeout_s it takes longer: `end_s` says how long. Blocks already in cache are not
        fetched again, and fetched ones are put there, so a fetch that failed goes on where it was. asks_daemon:
        for as long again, where no gateway gives it and a daemon is named.
        Raises Unavailable, BlobTooLarge (before any leaf is fetched) or MalformedBlob.
        """
        pace = max(_PACE_MIN, 2 * max_bytes / timeout_s)
        job = FetchJob([], pace, self._rests, self._hedge_s, asyncio.Semaphore(self._parallel))
        for text in gateways[:GATEWAYS_MAX]:
            try:
                job.gateways.append(parse_gateway_url(text))
            except ValueError as error:
                job.reasons[text[:GATEWAY_URL_MAX]] = str(error)
        limit_s = self.end_s(len(job.gateways), timeout_s)
        try:
            try:
                return await self._fetch_blob(
                    lambda wanted: self._race(job, wanted), job, digest, max_bytes, limit_s, cache
                )
            except Unavailable as error:
                if self.daemon is None or not asks_daemon:
                    raise
                # Who gave a part of it is asked for the rest first: it may have what the daemon lacks.
                gave = replace(
                    job, gateways=[one for one in job.gateways if one in job.gave], reasons=error.reasons
                )
                return await self._fetch_blob(
                    lambda wanted: self._seek(gave, wanted), gave, digest, max_bytes, timeout_s, cache
                )
        except Unavailable:
            self.stats.unavailable += 1
            raise

    async def fetch_by_cid(
        self, digest: bytes, *, max_bytes: int, timeout_s: float, cache: BlockCache | None = None
    ) -> bytes:
        """The same from the daemon alone. Raises like `fetch`."""
        job = FetchJob([], _PACE_MIN, self._rests, self._hedge_s, asyncio.Semaphore(self._parallel))
        return await self._fetch_blob(
            lambda wanted: self._seek(job, wanted), job, digest, max_bytes, timeout_s, cache
        )

    def end_s(self, gateways: int, timeout_s: float) -> float:
        """When a fetch ends at the latest, so that each of so many gateways has had its turn by then (R20.3)."""
        turns = -(-gateways // WIDTH)
        return max(timeout_s, turns * (TURN_S + 2 * self._hedge_s) + 8 * self._hedge_s)

    async def _fetch_blob(
        self,
        get: _GetBlock,
        job: FetchJob,
        digest: bytes,
        max_bytes: int,
        limit_s: float,
        cache: BlockCache | None,
    ) -> bytes:
        """The blob, block by block. Raises like `fetch`."""
        try:
            async with asyncio.timeout(limit_s):
                root_block = await self._fetch_block(get, job, WantedBlock(digest, RAW, CHUNK_BYTES), cache)
                root = parse_root(digest, root_block, max_bytes)
                if root.height == 0:
                    return root_block
                blob = BytesIO()
                nodes = [(root, root_block)]
                while nodes:
                    below = [part for node, block in nodes for part in parse_children(node, block)]
                    nodes = await self._fetch_level(get, job, below, blob, cache)
                return check_magic(blob.getvalue())
        except TimeoutError as error:
            _log_reasons(digest, job.reasons)
            raise Unavailable(digest, job.reasons | {_OVER: f"{limit_s:g} s are over"}) from error

    async def _fetch_level(
        self, get: _GetBlock, job: FetchJob, parts: list[Part], blob: BytesIO, cache: BlockCache | None
    ) -> list[tuple[Part, bytes]]:
        """Fetch parts side by side; write leaves into the blob and return the inner ones with their blocks."""
        places: dict[bytes, list[Part]] = {}
        for part in parts:
            places.setdefault(part.digest, []).append(part)
        nodes: list[tuple[Part, bytes]] = []

        async def fetch_once(same: list[Part]) -> None:
            """A block that stands in several places is fetched once."""
            leaf = same[0].height == 0
            codec, limit = (RAW, CHUNK_BYTES) if leaf else (DAG_PB, NODE_BYTES_MAX)
            block = await self._fetch_block(get, job, WantedBlock(same[0].digest, codec, limit), cache)
            for part in same:
                if leaf:
                    parse_children(part, block)  # checks its length
                    blob.seek(part.offset)
                    blob.write(block)
                else:
                    nodes.append((part, block))

        await _run_all([fetch_once(same) for same in places.values()])
        return nodes

    async def _fetch_block(
        self, get: _GetBlock, job: FetchJob, wanted: WantedBlock, cache: BlockCache | None
    ) -> bytes:
        """One block, from the cache or from whoever gives it."""
        async with job.slots:
            if cache is not None:
                cached = await asyncio.to_thread(cache.read_block, wanted.digest)
                if cached is not None:
                    return cached
            block = await get(wanted)
            if cache is not None:
                await asyncio.to_thread(cache.put_block, wanted.digest, block)
            return block

    async def _race(self, job: FetchJob, wanted: WantedBlock) -> bytes:
        """A block from the first gateway that gives it. Raises Unavailable."""
        block = await Race(job, self._ask_for(wanted)).run()
        if block is None:
            _log_reasons(wanted.digest, job.reasons)
            raise Unavailable(wanted.digest, job.reasons)
        return block

    async def _seek(self, job: FetchJob, wanted: WantedBlock) -> bytes:
        """A block from a gateway that gave one, or else from the daemon. Raises Unavailable."""
        if job.gateways and (block := await Race(job, self._ask_for(wanted)).run()) is not None:
            return block
        if self.daemon is None:
            raise Unavailable(wanted.digest, job.reasons)

        def count(received: int) -> None:
            self.stats.bytes_received += received

        try:
            async with self._places:
                block = await self.daemon.fetch_block(self._open_session(), wanted, count)
        except GatewayFailed as failure:
            self.stats.daemon_failures[failure.kind] += 1
            job.reasons[IPFS] = str(failure)
            _log_reasons(wanted.digest, {IPFS: str(failure)})
            raise Unavailable(wanted.digest, job.reasons) from failure
        self.stats.daemon_blocks += 1
        return block

    def _ask_for(self, wanted: WantedBlock) -> AskGateway:
        async def asking(gateway: URL, is_resting: bool, note: Callable[[int], None]) -> bytes:
            def count(received: int) -> None:
                self.stats.bytes_received += received
                note(received)

            async with self._places:
                patience = self._impatience if is_resting else self._patience
                try:
                    block = await fetch_block(self._open_session(), gateway, wanted, patience, count)
                except GatewayFailed as failure:
                    self.stats.failures[failure.kind] += 1
                    raise
                self.stats.blocks += 1
                return block

        return asking

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            # As many connections as asks: a queue inside the library would count as a gateway's slowness. A name is
            # looked up anew soon, since whoever has one may have it for a changing address.
            connector = aiohttp.TCPConnector(limit=0, resolver=NameResolver(), ttl_dns_cache=_NAMES_S)
            # No proxies or passwords from the environment, no cookies kept for anyone.
            self._session = aiohttp.ClientSession(
                connector=connector, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


def _log_reasons(digest: bytes, reasons: Mapping[str, str]) -> None:
    for gateway, reason in reasons.items():
        _log.debug("block not had digest=%s gateway=%s reason=%s", digest.hex()[:12], gateway, reason)


async def _run_all(jobs: list[Coroutine[object, object, None]]) -> None:
    """Run all; at the first fault cancel the rest and raise it, a PeerFault before anything else.

    A block that nobody gives ends none of the others: that they make no blob must be found whatever is lacking.
    """
    lacking: list[Unavailable] = []

    async def one(job: Coroutine[object, object, None]) -> None:
        try:
            await job
        except Unavailable as error:
            lacking.append(error)

    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(one(job))
    except ExceptionGroup as failures:
        # Blame is in the type: a malformed block outweighs a gateway that was slow at the same moment.
        raise min(failures.exceptions, key=lambda error: not isinstance(error, PeerFault)) from failures
    if lacking:
        raise lacking[0]
