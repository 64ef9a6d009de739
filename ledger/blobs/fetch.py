"""Fetch blobs from IPFS trustless gateways, trusting none of them.

Every block is asked for by digest and hashed as it arrives. A gateway that lies, stalls or lacks a block is passed
over for the next one; that is not the author's fault. A block that hashes well and still is no proper blob is.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from types import TracebackType
from typing import Protocol, Self

import aiohttp
from yarl import URL

from ledger.blobs.cid import DAG_PB, RAW, cid_of, digest_of
from ledger.blobs.dagpb import NODE_BYTES_MAX
from ledger.blobs.unixfs import CHUNK_BYTES, Part, check_magic, children, root_part
from ledger.errors import NotYet, PeerFault

GATEWAY_URL_MAX = 256
GATEWAYS_MAX = 32
RAW_TYPE = "application/vnd.ipld.raw"

_READ_BYTES = 1 << 16
_BUSY = (429, 503)
_BUSY_WAIT_S = 0.25
_BUSY_WAIT_MAX_S = 4.0


class Unavailable(NotYet):
    """No gateway gave the block in time. reasons: gateway → what it did last."""

    def __init__(self, digest: bytes, reasons: dict[str, str]) -> None:
        said = "; ".join(f"{gateway}: {reason}" for gateway, reason in reasons.items()) or "no gateway to ask"
        super().__init__(f"{digest.hex()[:12]} is not to be had: {said}")
        self.digest, self.reasons = digest, dict(reasons)


class BlockCache(Protocol):
    """Where blocks that were fetched are kept. Called in worker threads.

    block: the bytes, checked against the digest, or None. put_block: keep them.
    """

    def block(self, digest: bytes) -> bytes | None: ...

    def put_block(self, digest: bytes, data: bytes) -> None: ...


class _GatewayFailed(Exception):
    """One gateway did not give one block. is_fatal: do not ask it again in this fetch. is_busy: ask it later."""

    def __init__(self, reason: str, *, is_fatal: bool = False, is_busy: bool = False) -> None:
        super().__init__(reason)
        self.is_fatal, self.is_busy = is_fatal, is_busy


@dataclass
class _Job:
    """One fetch: which gateways are still asked, how busy we keep each, and what went wrong with them."""

    gateways: list[URL]
    cache: BlockCache | None
    slots: asyncio.Semaphore
    in_flight: dict[URL, int] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def pick(self, tried: set[URL]) -> URL | None:
        """The untried gateway we keep least busy; among equals, the first in the caller's order."""
        untried = [gateway for gateway in self.gateways if gateway not in tried]
        return min(untried, key=lambda gateway: self.in_flight.get(gateway, 0), default=None)

    def note(self, gateway: URL, failure: _GatewayFailed) -> None:
        self.reasons[str(gateway)] = str(failure)
        if failure.is_fatal and gateway in self.gateways:
            self.gateways.remove(gateway)


class BlobFetcher:
    """Fetches blobs with an aiohttp session, given or its own; its own is closed by `close()` or `async with`.

    parallel: blocks under way at once in one fetch. request_timeout_s: for one block from one gateway, of which
    at most stall_timeout_s without a byte.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession | None = None,
        *,
        parallel: int = 4,
        request_timeout_s: float = 20.0,
        stall_timeout_s: float = 5.0,
    ) -> None:
        self._session, self._owned = session, session is None
        self._parallel = parallel
        self._timeout = aiohttp.ClientTimeout(
            total=request_timeout_s, sock_connect=stall_timeout_s, sock_read=stall_timeout_s
        )

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
    ) -> bytes:
        """Fetch the blob with this root digest, at most max_bytes long, within timeout_s.

        gateways: base URLs, http or https, in order of preference; a bad one is passed over. Blocks already in
        cache are not fetched again, and fetched ones are put there, so a fetch that failed goes on where it was.
        Raises Unavailable, BlobTooLarge (before any leaf is fetched) or MalformedBlob.
        """
        job = _Job([], cache, asyncio.Semaphore(self._parallel))
        for text in gateways[:GATEWAYS_MAX]:
            try:
                job.gateways.append(gateway_url(text))
            except ValueError as error:
                job.reasons[text[:GATEWAY_URL_MAX]] = str(error)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._blob(job, digest, max_bytes)
        except TimeoutError as error:
            reasons = job.reasons | {"budget": f"{timeout_s} s are over"}
            raise Unavailable(digest, reasons) from error

    async def _blob(self, job: _Job, digest: bytes, max_bytes: int) -> bytes:
        root_block = await self._block(job, digest, RAW, CHUNK_BYTES)
        root = root_part(digest, root_block, max_bytes)
        if root.height == 0:
            return root_block
        blob = BytesIO()
        nodes = [(root, root_block)]
        while nodes:
            below = [part for node, block in nodes for part in children(node, block)]
            nodes = await self._level(job, below, blob)
        return check_magic(blob.getvalue())

    async def _level(self, job: _Job, parts: list[Part], blob: BytesIO) -> list[tuple[Part, bytes]]:
        """Fetch parts side by side; write leaves into the blob and return the inner ones with their blocks."""
        places: dict[bytes, list[Part]] = {}
        for part in parts:
            places.setdefault(part.digest, []).append(part)
        nodes: list[tuple[Part, bytes]] = []

        async def fetch_once(same: list[Part]) -> None:
            """A block that stands in several places is fetched once."""
            leaf = same[0].height == 0
            codec, limit = (RAW, CHUNK_BYTES) if leaf else (DAG_PB, NODE_BYTES_MAX)
            block = await self._block(job, same[0].digest, codec, limit)
            for part in same:
                if leaf:
                    children(part, block)  # checks its length
                    blob.seek(part.offset)
                    blob.write(block)
                else:
                    nodes.append((part, block))

        await _all([fetch_once(same) for same in places.values()])
        return nodes

    async def _block(self, job: _Job, digest: bytes, codec: int, limit: int) -> bytes:
        """One block, from the cache or from the first gateway that gives it."""
        async with job.slots:
            if job.cache is not None:
                cached = await asyncio.to_thread(job.cache.block, digest)
                if cached is not None:
                    return cached
            block = await self._ask_around(job, digest, codec, limit)
            if job.cache is not None:
                await asyncio.to_thread(job.cache.put_block, digest, block)
            return block

    async def _ask_around(self, job: _Job, digest: bytes, codec: int, limit: int) -> bytes:
        tried: set[URL] = set()
        busy: set[URL] = set()
        wait_s = _BUSY_WAIT_S
        while True:
            gateway = job.pick(tried)
            if gateway is not None:
                tried.add(gateway)
                try:
                    return await self._ask(job, gateway, digest, codec, limit)
                except _GatewayFailed as failure:
                    job.note(gateway, failure)
                    if failure.is_busy:
                        busy.add(gateway)
            elif busy:
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, _BUSY_WAIT_MAX_S)
                tried -= busy
                busy = set()
            else:
                raise Unavailable(digest, job.reasons)

    async def _ask(self, job: _Job, gateway: URL, digest: bytes, codec: int, limit: int) -> bytes:
        """Ask one gateway for one block. Raises _GatewayFailed unless the right bytes come."""
        job.in_flight[gateway] = job.in_flight.get(gateway, 0) + 1
        try:
            block = await self._get(gateway / "ipfs" / cid_of(digest, codec).text, limit)
        except TimeoutError as error:
            raise _GatewayFailed("stalled, or too slow", is_fatal=True) from error
        # ClientError: refused, cut off, not HTTP. OSError: the network. ValueError: a header aiohttp cannot read.
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _GatewayFailed(f"{type(error).__name__}: {error}"[:200], is_fatal=True) from error
        finally:
            job.in_flight[gateway] -= 1
        # [REJECT] a block that does not hash to the digest it was asked for by
        if digest_of(block) != digest:
            raise _GatewayFailed(f"sent {len(block)} bytes that are another block", is_fatal=True)
        return block

    async def _get(self, url: URL, limit: int) -> bytes:
        """GET one raw block of at most limit bytes; never hold more than that and one read."""
        request = self._own_session().get(
            url.with_query(format="raw"),
            headers={"Accept": RAW_TYPE, "Accept-Encoding": "identity"},
            allow_redirects=False,
            auto_decompress=False,
            timeout=self._timeout,
        )
        async with request as response:
            if response.status != 200:
                raise _GatewayFailed(f"status {response.status}", is_busy=response.status in _BUSY)
            if (response.content_length or 0) > limit:
                raise _GatewayFailed(f"offers {response.content_length} bytes, at most {limit}", is_fatal=True)
            body = bytearray()
            while chunk := await response.content.read(_READ_BYTES):
                body += chunk
                if len(body) > limit:
                    raise _GatewayFailed(f"sends more than {limit} bytes", is_fatal=True)
            return bytes(body)

    def _own_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            # No proxies or passwords from the environment, no cookies kept for anyone.
            self._session = aiohttp.ClientSession(trust_env=False, cookie_jar=aiohttp.DummyCookieJar())
        return self._session


def gateway_url(text: str) -> URL:
    """Read a gateway's base URL. Raises ValueError unless it is plain http(s)://host[:port][/path]."""
    if len(text) > GATEWAY_URL_MAX:
        raise ValueError(f"a gateway's URL has at most {GATEWAY_URL_MAX} characters, got {len(text)}")
    url = URL(text)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"a gateway's URL is http(s)://host, got {text!r}")
    if url.user or url.password or url.query_string or url.fragment:
        raise ValueError(f"a gateway's URL has no user, query or fragment, got {text!r}")
    return url


async def _all(jobs: list[Coroutine[object, object, None]]) -> None:
    """Run all; at the first failure cancel the rest and raise it, a PeerFault before anything else."""
    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(job)
    except ExceptionGroup as failures:
        # Blame is in the type: a malformed block outweighs a gateway that was slow at the same moment.
        raise min(failures.exceptions, key=lambda error: not isinstance(error, PeerFault)) from failures
