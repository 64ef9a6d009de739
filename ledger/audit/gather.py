"""Fetching what an audit needs: a round's updates and what they hang on, from any gateway that the chain names."""

import asyncio
import random
from collections.abc import Collection, Iterable, MutableMapping
from dataclasses import dataclass, field
from typing import Final

from ledger.audit.source import BlobSource
from ledger.circle.history import History, Round
from ledger.errors import PeerFault
from ledger.fetch.fetcher import Unavailable
from ledger.fetch.gateways import gateways_of
from ledger.judging.frame_chains import (
    MAX_CHAIN,
    Commit,
    HeldBlobs,
    StateCache,
    find_frame_chain,
    find_lacking_blobs,
    is_chained,
)

_PARALLEL: Final = 8


@dataclass
class GatheredBlobs:
    """What was fetched so far."""

    blobs: MutableMapping[bytes, bytes | None] = field(default_factory=dict)
    """Digest → bytes; None where the bytes make no blob."""
    missing: dict[bytes, dict[str, str]] = field(default_factory=dict)
    """Digest → why each gateway failed."""
    count: int = 0
    """How many blobs were fetched."""
    total_bytes: int = 0
    """Their bytes."""


async def gather_blobs(
    fetcher: BlobSource,
    history: History,
    wanted: Iterable[tuple[int, bytes]],
    *,
    max_bytes: int,
    timeout_s: float,
    into: GatheredBlobs | None = None,
    rng: random.Random | None = None,
) -> GatheredBlobs:
    """Fetch (author's seat, digest) pairs in parallel. Never raises for what a peer did; it notes it.

    into: added to and returned. rng: draws in which order gateways are asked.
    """
    gathered, places = GatheredBlobs() if into is None else into, asyncio.Semaphore(_PARALLEL)
    drawing = random.Random() if rng is None else rng

    async def fetch_one(seat: int, digest: bytes) -> None:
        async with places:
            gateways = gateways_of(history, drawing, [seat])
            try:
                blob = await fetcher.fetch(digest, gateways, max_bytes=max_bytes, timeout_s=timeout_s)
            except Unavailable as error:
                gathered.missing[digest] = error.reasons
            except PeerFault:
                gathered.blobs[digest] = None
            else:
                gathered.blobs[digest] = blob
                gathered.count += 1
                gathered.total_bytes += len(blob)

    # Two seats may have committed to one digest: it is had or missing once, for both.
    authors: dict[bytes, int] = {}
    for seat, digest in wanted:
        authors.setdefault(digest, seat)
    async with asyncio.TaskGroup() as tasks:
        for digest, seat in authors.items():
            tasks.create_task(fetch_one(seat, digest))
    return gathered


class NeededFrames:
    """Which blobs the updates of later rounds may hang on: each seat's last commits. At most MAX_CHAIN a seat."""

    def __init__(self, history: History) -> None:
        self._history, self._newest = history, dict[int, tuple[Commit, ...]]()

    def note_round(self, round_: Round, seats: Collection[int] | None = None) -> set[bytes]:
        """Their digests once this round is over; rounds come in order. Empty where frames stand for themselves.

        seats: whose updates the round was recomputed from; everybody's where it is None.
        """
        if is_chained(self._history.manifest.codec):
            for seat in round_.commits if seats is None else seats:
                self._newest[seat] = find_frame_chain(self._history, round_, seat)[:MAX_CHAIN]
        return {link.digest for links in self._newest.values() for link in links}


async def gather_round(
    fetcher: BlobSource,
    history: History,
    round_: Round,
    gathered: GatheredBlobs,
    *,
    max_bytes: int,
    timeout_s: float,
    seats: Collection[int] | None = None,
) -> None:
    """Fetch a round's updates, and all earlier ones that they hang on, where they are not there yet.

    seats: whose; everybody's where it is None. They may be of any round before. At most MAX_CHAIN + 1 blobs a seat;
    each is asked for once.
    """
    seats = round_.commits if seats is None else seats
    held, nothing_decoded = HeldBlobs(gathered.blobs), StateCache()
    while True:
        lacking = await asyncio.to_thread(find_lacking_blobs, history, round_, seats, held, nothing_decoded)
        wanted = [(seat, digest) for digest, seat in lacking.items() if digest not in gathered.missing]
        if not wanted:
            return
        await gather_blobs(fetcher, history, wanted, max_bytes=max_bytes, timeout_s=timeout_s, into=gathered)
