"""Blobs that linked members keep for a peer whom nobody reaches: what is wanted of others, and what is handed over.

A peer behind a router that lets nothing in calls others and is not called. It hands its updates, records and
checkpoints to members that it is linked to; these take nothing but what the chain leads to (R19.2).
"""

import asyncio
import contextlib
import logging
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from ledger.blobs.contents.checkpoint import checkpoint_max_bytes, first_disputable_round
from ledger.blobs.contents.records import RECORD_MAX_BYTES, InvalidBlob, decode_record, update_max_bytes
from ledger.blobs.unixfs import Part, parse_children, parse_root
from ledger.circle.history import History, Round
from ledger.errors import PeerFault
from ledger.judging.replay import shows_checkpoint
from node.blobs.handing import Hander, NotTaken
from node.blobs.store import BlockStore

_log = logging.getLogger(__name__)
_COPIES: Final = 3
_PARALLEL: Final = 8
_LOOK_S: Final = 1.0
_RETRY_S: Final = 0.5
_RETRY_MAX_S: Final = 60.0
# Members that do not get through take so long, and longer, to say so.
_UNTOLD_S: Final = 5.0


class WantedBlocks:
    """What this peer takes from others: blobs that a disputable round names, and what these lead to."""

    def __init__(self, store: BlockStore, history: Callable[[], History]) -> None:
        self._store, self._history = store, history
        self._named: tuple[bytes, dict[bytes, int]] = (b"", {})
        self._records: dict[bytes, list[tuple[Round, int]]] = {}

    def __call__(self, digest: bytes, path: Sequence[bytes]) -> int | Part | None:
        """See `node.blobs.intake.Wants`."""
        top, *rest = (*path, digest)
        place: int | Part | None = self._find_named().get(top)
        if place is None or not rest:
            return place
        # Of a record that the chain names, and of nothing else: what others could have it name leads on for ever.
        if (limit := self._find_checkpoint(top, rest[0])) is not None:
            top, *rest = rest
            place = limit
        for below in rest:
            place = self._find_place(top, place, below)
            if place is None:
                return None
            top = below
        return place

    def _find_checkpoint(self, record: bytes, checkpoint: bytes) -> int | None:
        """The most bytes of a checkpoint, where a record that is here and has to name one names this one."""
        rounds = self._records.get(record, [])
        blob = self._store.find(record, RECORD_MAX_BYTES) if rounds and not self._store.is_sealed(record) else None
        if blob is None or _read_checkpoint(blob) != checkpoint:
            return None
        history = self._history()
        is_due = any(shows_checkpoint(history, round_, seat) for round_, seat in rounds)
        return checkpoint_max_bytes(history.manifest) if is_due else None

    def _find_place(self, above: bytes, place: int | Part, below: bytes) -> Part | None:
        """Where a block stands in a blob, directly below one that is here and whose place is known."""
        block = None if self._store.is_sealed(above) else self._store.read_block(above)
        if block is None:
            return None
        try:
            part = place if isinstance(place, Part) else parse_root(above, block, place)
            return next((child for child in parse_children(part, block) if child.digest == below), None)
        except PeerFault:
            return None

    def _find_named(self) -> dict[bytes, int]:
        """Digest → the most bytes of the blob."""
        history = self._history()
        if self._named[0] != history.hash:
            limit = update_max_bytes(history.manifest)
            named, records = dict[bytes, int](), defaultdict[bytes, list[tuple[Round, int]]](list)
            for round_ in _find_disputable(history):
                for seat, said in list(round_.attestations.items()):
                    named[said.record] = RECORD_MAX_BYTES
                    records[said.record].append((round_, seat))
            # Last: who names another's update as its record makes nobody take that for too large.
            for round_ in _find_disputable(history):
                # R5: before the draw an update is its author's alone.
                if round_.seed is not None:
                    for digest in list(round_.commits.values()):
                        named[digest] = max(limit, named.get(digest, 0))
            self._records = dict(records)
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
        self._is_reached: bool | None = None
        self._begun: float | None = None
        self._owed: tuple[History, int] | None = None
        self._copies = Counter[bytes]()
        self._tried = Counter[bytes]()
        self._not_before: dict[bytes, float] = {}
        self._failures = Counter[str]()
        self._under_way: dict[bytes, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()
        self._working: asyncio.Task[None] | None = None

    @property
    def handed(self) -> int:
        """Copies of blobs that others keep."""
        return self._copies.total()

    def note_reach(self, *, has_gateway: bool) -> None:
        """Whether others reach this peer's gateway, as members say that dialled it back."""
        self._is_reached = has_gateway
        self._tried.clear()
        self._not_before.clear()
        self._begin()

    def look(self, history: History, seat: int) -> None:
        """The chain went on. seat: this peer's."""
        self._owed = history, seat
        self._begun = time.monotonic() if self._begun is None else self._begun
        self._begin()

    async def wait(self) -> None:
        """Until all is handed over that can be now."""
        if self._working is not None:
            await self._working

    async def close(self) -> None:
        """Hand over no more."""
        tasks = [*self._under_way.values(), *([] if self._working is None else [self._working])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._hander.close()

    @property
    def _is_needed(self) -> bool:
        """Nobody reaches its gateway, or nobody has said so for too long: who cannot be called is told late."""
        if self._is_reached is None:
            return self._begun is not None and time.monotonic() - self._begun >= _UNTOLD_S
        return not self._is_reached

    def _begin(self) -> None:
        if self._is_needed and self._owed is not None and (self._working is None or self._working.done()):
            self._working = asyncio.create_task(self._work())
        self._woken.set()

    async def _work(self) -> None:
        while self._is_needed:
            enough = min(_COPIES, len(self._list_gateways()))
            owed = await asyncio.to_thread(self._list_owed, enough)
            if not owed and not self._under_way:
                return
            self._woken.clear()
            now = time.monotonic()
            for digest, under in owed:
                is_due = digest not in self._under_way and self._not_before.get(digest, now) <= now
                if is_due and len(self._under_way) < _PARALLEL:
                    self._under_way[digest] = asyncio.create_task(self._hand(digest, under))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._woken.wait()

    def _list_owed(self, enough: int) -> list[tuple[bytes, bytes | None]]:
        """What too few keep yet, the newest first, with the record that names it where the chain does not."""
        assert self._owed is not None
        found = dict(self._find_own(*self._owed))
        return [
            (digest, under)
            for digest, under in found.items()
            if self._copies[digest] < enough and self._serves(digest)
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
        """To as many as are lacking, in random order; those that stalled or refused lately come last."""
        gateways = self._list_gateways()
        self._rng.shuffle(gateways)
        gateways.sort(key=lambda gateway: self._failures[gateway])
        copies = 0
        while gateways and copies < _COPIES:
            lacking = _COPIES - copies
            now, gateways = gateways[:lacking], gateways[lacking:]
            copies += sum(await asyncio.gather(*(self._try(gateway, digest, under) for gateway in now)))
        if copies > self._copies[digest]:
            self._copies[digest] = copies
            _log.info("blob handed over digest=%s copies=%d", digest.hex()[:12], copies)
        self._tried[digest] += 1
        # A member may not have seen yet that the chain names it.
        self._not_before[digest] = time.monotonic() + min(_RETRY_S * 2 ** min(self._tried[digest], 8), _RETRY_MAX_S)
        self._under_way.pop(digest, None)
        self._woken.set()

    async def _try(self, gateway: str, digest: bytes, under: bytes | None) -> bool:
        """Whether that gateway has the blob now."""
        try:
            await self._hander.hand(gateway, digest, under)
        except NotTaken as refusal:
            self._failures[gateway] += refusal.is_final
            _log.debug("blob not taken digest=%s gateway=%s reason=%s", digest.hex()[:12], gateway, refusal)
            return False
        self._failures[gateway] = 0
        return True


def _find_disputable(history: History) -> Iterator[Round]:
    yield from history.rounds[first_disputable_round(history.number) - 1 :]


def _read_checkpoint(record: bytes) -> bytes:
    try:
        return decode_record(record).checkpoint
    except InvalidBlob:
        return b""
