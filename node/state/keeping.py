"""Blobs that linked members keep for a peer whom nobody reaches: what is wanted of others, and what is handed over.

A peer behind a router that lets nothing in calls others and is not called. It hands its updates, records and
checkpoints to members that it is linked to; these take nothing but what the chain leads to (R19.2).
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from ledger.blobs.contents.checkpoint import checkpoint_max_bytes, first_disputable_round
from ledger.blobs.contents.records import RECORD_MAX_BYTES, InvalidBlob, decode_record, update_max_bytes
from ledger.blobs.dagpb import BlockLink, MalformedBlob
from ledger.blobs.unixfs import MAGIC, parse_node
from ledger.circle.history import History, Round
from ledger.judging.replay import shows_checkpoint
from node.blobs.handing import Hander, NotTaken
from node.blobs.store import BlockStore

_log = logging.getLogger(__name__)
_COPIES: Final = 3
_RETRY_S: Final = 1.0
# A member may not have seen yet that the chain names it.
_TRIES: Final = 30


class WantedBlocks:
    """What this peer takes from others: blobs that a disputable round names, and what these lead to."""

    def __init__(self, store: BlockStore, history: Callable[[], History]) -> None:
        self._store, self._history = store, history
        self._named: tuple[bytes, dict[bytes, int]] = (b"", {})

    def __call__(self, digest: bytes, under: bytes | None) -> int | None:
        """See `node.blobs.intake.Wants`."""
        if under is None:
            return self._find_named().get(digest)
        block = None if self._store.is_sealed(under) else self._store.read_block(under)
        if block is None:
            return None
        if not block.startswith(MAGIC) and any(link.digest == digest for link in _list_links(block)):
            return 0
        record = self._store.find(under, RECORD_MAX_BYTES)
        is_named = record is not None and _read_checkpoint(record) == digest
        return checkpoint_max_bytes(self._history().manifest) if is_named else None

    def _find_named(self) -> dict[bytes, int]:
        """Digest → the most bytes of the blob."""
        history = self._history()
        if self._named[0] != history.hash:
            limit = update_max_bytes(history.manifest)
            named = dict[bytes, int]()
            for round_ in _find_disputable(history):
                # R5: before the draw an update is its author's alone.
                if round_.seed is not None:
                    named.update(dict.fromkeys(round_.commits.values(), limit))
                named.update((said.record, RECORD_MAX_BYTES) for said in list(round_.attestations.values()))
            self._named = history.hash, named
        return self._named[1]


class HandingOver:
    """Does it beside everything else, while others do not reach this peer's gateway.

    list_gateways: of the members that this peer is linked to. serves: whether to let others have a blob.
    """

    def __init__(
        self,
        store: BlockStore,
        list_gateways: Callable[[], list[str]],
        serves: Callable[[bytes], bool],
        rng: random.Random,
    ) -> None:
        self._store, self._list_gateways, self._serves, self._rng = store, list_gateways, serves, rng
        self._hander = Hander(store)
        self._is_needed = False
        self._owed: tuple[History, int] | None = None
        self._copies = Counter[bytes]()
        self._tried = Counter[bytes]()
        self._working: asyncio.Task[None] | None = None

    @property
    def handed(self) -> int:
        """Copies of blobs that others keep."""
        return self._copies.total()

    def note_reach(self, *, has_gateway: bool) -> None:
        """Whether others reach this peer's gateway, as members say that dialled it back."""
        self._is_needed = not has_gateway
        self._tried.clear()
        self._begin()

    def look(self, history: History, seat: int) -> None:
        """The chain went on. seat: this peer's."""
        self._owed = history, seat
        self._begin()

    async def wait(self) -> None:
        """Until all is handed over that can be now."""
        if self._working is not None:
            await self._working

    async def close(self) -> None:
        """Hand over no more."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)
        await self._hander.close()

    def _begin(self) -> None:
        if self._is_needed and self._owed is not None and (self._working is None or self._working.done()):
            self._working = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while self._is_needed:
            enough = min(_COPIES, len(self._list_gateways()))
            owed = await asyncio.to_thread(self._list_owed, enough)
            if not owed:
                return
            for digest, under in owed:
                await self._hand(digest, under)
            if any(self._copies[digest] < enough for digest, _ in owed):
                await asyncio.sleep(_RETRY_S)

    def _list_owed(self, enough: int) -> list[tuple[bytes, bytes | None]]:
        """What too few keep yet, the newest first, with the record that names it where the chain does not."""
        assert self._owed is not None
        found = dict(self._find_own(*self._owed))
        return [
            (digest, under)
            for digest, under in found.items()
            if self._copies[digest] < enough and self._tried[digest] < _TRIES and self._serves(digest)
        ]

    def _find_own(self, history: History, seat: int) -> Iterator[tuple[bytes, bytes | None]]:
        """What others need of this peer's own and is here."""
        for round_ in reversed(list(_find_disputable(history))):
            if seat in round_.commits and round_.seed is not None and self._has(round_.commits[seat]):
                yield round_.commits[seat], None
            if seat in round_.attestations and self._has(record := round_.attestations[seat].record):
                yield record, None
                if shows_checkpoint(history, round_, seat):
                    blob = self._store.find(record, RECORD_MAX_BYTES)
                    checkpoint = b"" if blob is None else _read_checkpoint(blob)
                    if checkpoint and self._has(checkpoint):
                        yield checkpoint, record

    def _has(self, digest: bytes) -> bool:
        return self._copies[digest] >= _COPIES or self._store.has(digest)

    async def _hand(self, digest: bytes, under: bytes | None) -> None:
        """To as many as are lacking, in random order."""
        self._tried[digest] += 1
        gateways = self._list_gateways()
        self._rng.shuffle(gateways)
        copies = 0
        for gateway in gateways:
            if copies >= _COPIES:
                break
            try:
                await self._hander.hand(gateway, digest, under)
            except NotTaken as refusal:
                _log.debug("blob not taken digest=%s gateway=%s reason=%s", digest.hex()[:12], gateway, refusal)
            else:
                copies += 1
        if copies > self._copies[digest]:
            self._copies[digest] = copies
            _log.info("blob handed over digest=%s copies=%d", digest.hex()[:12], copies)


def _find_disputable(history: History) -> Iterator[Round]:
    yield from history.rounds[first_disputable_round(history.number) - 1 :]


def _list_links(node: bytes) -> tuple[BlockLink, ...]:
    try:
        return parse_node(node).links
    except MalformedBlob:
        return ()


def _read_checkpoint(record: bytes) -> bytes:
    try:
        return decode_record(record).checkpoint
    except InvalidBlob:
        return b""
