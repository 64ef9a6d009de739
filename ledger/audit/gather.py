"""Fetching what an audit needs: a round's updates, from any gateway that the chain names."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from ledger.blobs.fetch import BlobFetcher, Unavailable
from ledger.endpoints import MalformedEndpoint, parse_endpoint
from ledger.errors import PeerFault
from ledger.history import History

_PARALLEL = 8


@dataclass
class Gathered:
    """blobs: digest → bytes, None where the bytes make no blob. missing: digest → why each gateway failed."""

    blobs: dict[bytes, bytes | None] = field(default_factory=dict)
    missing: dict[bytes, dict[str, str]] = field(default_factory=dict)


def gateways_of(history: History, first: int | None = None) -> list[str]:
    """Every gateway the chain names, the newest of each seat first, seat `first` before the others."""
    order = sorted(history.seats, key=lambda seat: (seat != first, seat))
    found: dict[str, None] = {}
    for newest in (True, False):
        for seat in order:
            endpoints = history.seats[seat].endpoints
            for text in endpoints[-1:] if newest else reversed(endpoints[:-1]):
                try:
                    found[parse_endpoint(text).gateway] = None
                except MalformedEndpoint:
                    continue
    return list(found)


async def gather(
    fetcher: BlobFetcher, history: History, wanted: Iterable[tuple[int, bytes]], *, max_bytes: int, timeout_s: float
) -> Gathered:
    """Fetch (author's seat, digest) pairs in parallel. Never raises for what a peer did; it notes it."""
    gathered, places = Gathered(), asyncio.Semaphore(_PARALLEL)

    async def fetch_one(seat: int, digest: bytes) -> None:
        async with places:
            gateways = gateways_of(history, first=seat)
            try:
                gathered.blobs[digest] = await fetcher.fetch(
                    digest, gateways, max_bytes=max_bytes, timeout_s=timeout_s
                )
            except Unavailable as error:
                gathered.missing[digest] = error.reasons
            except PeerFault:
                gathered.blobs[digest] = None

    # Two seats may have committed to one digest: it is had or missing once, for both.
    authors: dict[bytes, int] = {}
    for seat, digest in wanted:
        authors.setdefault(digest, seat)
    async with asyncio.TaskGroup() as tasks:
        for digest, seat in authors.items():
            tasks.create_task(fetch_one(seat, digest))
    return gathered
