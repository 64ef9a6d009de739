"""Asking one gateway for one block: bounded in bytes and in time, and trusting nothing that comes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

import aiohttp
from yarl import URL

from ledger.blobs.cid import cid_of, digest_of

GATEWAY_URL_MAX: Final = 256
RAW_TYPE: Final = "application/vnd.ipld.raw"
_READ_BYTES: Final = 1 << 16
_BUSY: Final = (429, 503)
_NOT_HERE: Final = 404
_REASON_MAX: Final = 200


class Failure(StrEnum):
    """Why a gateway did not give a block, in a word."""

    ABSENT = "absent"
    """It says that it has not got it."""
    BUSY = "busy"
    """It has too much to do."""
    REFUSED = "refused"
    """It answers with another status."""
    UNREACHABLE = "unreachable"
    """No connection, or no HTTP."""
    SLOW = "slow"
    """It stalled, or sent too little."""
    WRONG = "wrong"
    """It sent other bytes than those, or too many."""


class GatewayFailed(Exception):
    """One gateway did not give one block. is_fatal: do not ask it again in this fetch. is_busy: ask it later.

    status: of its answer, where that was no 200.
    """

    def __init__(
        self,
        reason: str,
        kind: Failure,
        *,
        is_fatal: bool = False,
        is_busy: bool = False,
        status: int | None = None,
    ) -> None:
        # What a stranger's server made the HTTP library say may be shown on a terminal.
        super().__init__("".join(letter if letter.isprintable() else "?" for letter in reason[:_REASON_MAX]))
        self.kind, self.is_fatal, self.is_busy, self.status = kind, is_fatal, is_busy, status


@dataclass(frozen=True)
class GatewayPatience:
    """How slow a gateway may be."""

    begin_s: float
    """Seconds until its answer begins, names and connecting included (R20.2)."""
    window_s: float
    """Seconds; in each such time window_bytes must come."""
    window_bytes: int
    """So many, or all that are left."""


@dataclass(frozen=True)
class WantedBlock:
    """A block that is asked for."""

    digest: bytes
    """32 bytes."""
    codec: int
    """For its CID: RAW or DAG_PB."""
    limit: int
    """The most bytes it may have."""


async def fetch_block(
    session: aiohttp.ClientSession,
    gateway: URL,
    wanted: WantedBlock,
    patience: GatewayPatience,
    note: Callable[[int], None],
) -> bytes:
    """GET one raw block; never hold more than its limit and one read. note: told of bytes as they come.

    Raises GatewayFailed unless the right bytes come.
    """
    url = gateway / "ipfs" / cid_of(wanted.digest, wanted.codec).text
    request = session.get(
        url.with_query(format="raw"),
        headers={"Accept": RAW_TYPE, "Accept-Encoding": "identity"},
        # [REJECT] R20: a member's gateway sends nobody into another network.
        allow_redirects=False,
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None),
    )
    return await take_block(request, wanted, patience, note)


async def take_block(
    request: Awaitable[aiohttp.ClientResponse],
    wanted: WantedBlock,
    patience: GatewayPatience,
    note: Callable[[int], None],
) -> bytes:
    """The block that a request's answer holds; never hold more than its limit and one read.

    note: told of bytes as they come. Raises GatewayFailed unless the right bytes come.
    """
    try:
        block = await _take(request, wanted.limit, patience, note)
    except TimeoutError as error:
        raise GatewayFailed("stalled, or too slow", Failure.SLOW, is_fatal=True) from error
    # ClientError: refused, cut off, not HTTP. OSError: the network. ValueError: a header aiohttp cannot read.
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise GatewayFailed(f"{type(error).__name__}: {error}", Failure.UNREACHABLE, is_fatal=True) from error
    # [REJECT] R20: a block that does not hash to the digest it was asked for by
    if digest_of(block) != wanted.digest:
        raise GatewayFailed(f"sent {len(block)} bytes that are another block", Failure.WRONG, is_fatal=True)
    return block


async def _take(
    request: Awaitable[aiohttp.ClientResponse], limit: int, patience: GatewayPatience, note: Callable[[int], None]
) -> bytes:
    # Over the whole head: one that drips, or says "100 Continue" without end, is an answer that never begins.
    async with asyncio.timeout(patience.begin_s):
        response = await request
    async with response:
        if response.status != 200:
            raise GatewayFailed(
                f"status {response.status}",
                _name_status(response.status),
                is_busy=response.status in _BUSY,
                status=response.status,
            )
        if (response.content_length or 0) > limit:
            raise GatewayFailed(
                f"offers {response.content_length} bytes, at most {limit}", Failure.WRONG, is_fatal=True
            )
        return await _read_body(response.content, limit, patience, note)


async def _read_body(
    content: aiohttp.StreamReader, limit: int, patience: GatewayPatience, note: Callable[[int], None]
) -> bytes:
    body = bytearray()
    while True:
        due = len(body) + patience.window_bytes
        async with asyncio.timeout(patience.window_s):
            while len(body) < due:
                chunk = await content.read(_READ_BYTES)
                if not chunk:
                    return bytes(body)
                note(len(chunk))
                body += chunk
                if len(body) > limit:
                    raise GatewayFailed(f"sends more than {limit} bytes", Failure.WRONG, is_fatal=True)


def _name_status(status: int) -> Failure:
    if status in _BUSY:
        return Failure.BUSY
    return Failure.ABSENT if status == _NOT_HERE else Failure.REFUSED


@lru_cache(4096)
def parse_gateway_url(text: str) -> URL:
    """Read a gateway's base URL. Raises ValueError unless it is plain http(s)://host[:port][/path]."""
    if len(text) > GATEWAY_URL_MAX:
        raise ValueError(f"a gateway's URL has at most {GATEWAY_URL_MAX} characters, got {len(text)}")
    url = URL(text)
    if url.scheme not in ("http", "https") or not url.raw_host:
        raise ValueError(f"a gateway's URL is http(s)://host, got {text!r}")
    if url.user or url.password or url.query_string or url.fragment:
        raise ValueError(f"a gateway's URL has no user, query or fragment, got {text!r}")
    return url
