"""Keeping a circle's history at what the chain says now, also when the chain changes its mind.

An endpoint does not tell which logs a reorganisation took back, so block hashes are compared: every look begins at
the block of the newest event folded, and that event's log must be there still, under the same block hash. As a
block's hash covers all its ancestors, nothing older can have changed then. Where the circle is quiet for long, the
header of a recent block takes the event's place.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol

from ledger.chain.circle import BlockMark
from ledger.chain.placed_event import PlacedEvent
from ledger.chain.rollback import KEPT_BLOCKS, Kept, is_log
from ledger.chain.rpc.client import ChainUnreachable, RpcFault
from ledger.circle.events import Drawn, Ejected, Equivocated, Left, Moved, Resolved, Restarted, Rotated, Settled
from ledger.circle.history import CircleTerms, History, HistoryFault
from ledger.circle.manifest import MalformedManifest

_log = logging.getLogger(__name__)
# A chain that ends before what was folded: an endpoint that lags behind the others, or a chain cut short.
_BEHIND_S: Final = 10.0
_QUIET_LOOKS: Final = 100
# So much is read and folded at a time: a circle's whole history need never lie in memory event by event.
_PIECE_BLOCKS: Final = 2_000
_ATTEMPTS: Final = 4
_CHECKED: Final = (Drawn, Settled, Left, Ejected, Equivocated, Resolved, Restarted, Rotated, Moved)


class EventSource(Protocol):
    """What the tracker asks of `ledger.chain.circle.Circle`."""

    terms: CircleTerms

    def fetch_head(self) -> int:
        """The newest block's number."""

    def fetch_mark(self, number: int) -> BlockMark | None:
        """The canonical block of this number."""

    def fetch_events(self, first: int, last: int) -> list[PlacedEvent]:
        """The circle's events of these blocks, in order."""

    def fetch_events_to_head(self, first: int) -> list[PlacedEvent]:
        """The circle's events from this block on, in order."""

    def fetch_history_hash(self, block: int) -> bytes:
        """The contract's running hash at the end of a block."""


class Recorder(Protocol):
    """Is told of every event that the tracker folds and takes back, for whoever keeps more than the history."""

    def begin(self) -> None:
        """All that was recorded is gone: the events come anew, from the first on."""

    def record(self, entry: PlacedEvent, history: History) -> None:
        """One more event. history: with it folded in."""

    def take_back(self, count: int) -> None:
        """The newest events, so many, are taken back."""


class EarlierEvents(Protocol):
    """Events that were read before and kept, told in the endpoint's place; no more trusted than an endpoint."""

    def read(self, is_canonical: Callable[[PlacedEvent], bool]) -> Iterator[list[PlacedEvent]]:
        """From the first on, in pieces that are not empty, in order, as far as their blocks are in the chain still.

        is_canonical: whether an event's block is; asked a few times. Raises what that raises, and nothing else.
        """

    def discard(self, reason: str) -> None:
        """They are not what the contract wrote: none of them is told again."""


class Tracker:
    """One circle's history. Blocking: `advance` asks the endpoint, everything else only tells. One thread's.

    confirmations: how many blocks must lie on top of an event's before it is taken in. recorder: what is told of
    each event; while `advance` raises it may have been told more than what is so, and is set right by the next one
    that does not. earlier: what need not be asked for again.
    """

    def __init__(
        self,
        source: EventSource,
        first_block: int,
        confirmations: int = 0,
        clock: Callable[[], float] = time.monotonic,
        recorder: Recorder | None = None,
        earlier: EarlierEvents | None = None,
    ) -> None:
        self._source, self._first_block, self._confirmations = source, first_block, confirmations
        self._clock, self._recorder, self._earlier = clock, recorder, earlier
        self._kept = Kept.begin(source.terms, first_block)
        self.rollbacks = 0
        """How often events that had been folded were taken back."""
        self.through = first_block - 1
        """The newest block that is known to be folded."""
        self._anchor: BlockMark | None = None
        self._is_torn = False
        # A round was settled and the contract's hash could not be asked for: all is read again, up to the newest
        # block, whose state any endpoint has.
        self._is_unchecked = False
        # The newest reading of all began with what was kept.
        self._is_retold = False
        self._looks = 0
        self._behind_since: float | None = None

    @property
    def history(self) -> History:
        """What the chain says; it grows in place until something is taken back."""
        return self._kept.history

    def advance(self) -> bool:
        """Take in what is new and take back what is gone; whether the history changed.

        Raises ChainUnreachable, RpcFault, and HistoryFault or MalformedManifest where the endpoint does not tell
        what the contract wrote, which no reorganisation explains: ask another one, or again later.
        """
        if self._is_torn or self._is_unchecked or not self._kept.recent:
            return self._refold()
        first = self._first_unsure
        is_pause = self._looks > 0 and self._looks % _QUIET_LOOKS == 0
        last = self._find_last() if self._confirmations or is_pause else None
        if last is not None and last < first:
            return self._reconcile()
        further = (
            self._source.fetch_mark(last) if is_pause and last is not None and last - first >= KEPT_BLOCKS else None
        )
        logs = self._look(first, last)
        if logs is None or not self._is_canonical(logs):
            return self._reconcile()
        changed = self._take(logs, last)
        if further is not None and not changed:
            self._anchor = further
        return changed

    def doubt(self) -> None:
        """What was folded may not be what the contract wrote: the next `advance` reads all of it again."""
        self._is_unchecked = True

    @property
    def drawn_in(self) -> int:
        """The block of the newest draw; before the first one, the first block."""
        draws = (entry.position[0] for entry in reversed(self._kept.recent) if isinstance(entry.event, Drawn))
        return next(draws, self._kept.marks[0].drawn_in)

    # ------------------------------------------------------------------------------------------- looking

    @property
    def _first_unsure(self) -> int:
        """The block to look from: the quiet anchor's or the newest event's."""
        return self._anchor.number if self._anchor else self._kept.recent[-1].position[0]

    def _find_last(self) -> int:
        # The deployment's block is named in the circle file, so it needs no confirmation.
        return max(self._source.fetch_head() - self._confirmations, self._first_block)

    def _look(self, first: int, last: int | None) -> list[PlacedEvent] | None:
        """The logs from a block on; None if the chain ends before it."""
        if last is not None:
            return self._source.fetch_events(first, last)
        try:
            return self._source.fetch_events_to_head(first)
        except RpcFault:
            # To some endpoints a range that begins behind their head is an error.
            if self._source.fetch_head() < first:
                return None
            raise

    def _is_canonical(self, logs: Iterable[PlacedEvent]) -> bool:
        if self._anchor is not None:
            return self._source.fetch_mark(self._anchor.number) == self._anchor
        return any(is_log(self._kept.recent[-1], log) for log in logs)

    # ------------------------------------------------------------------------------------- taking things in

    def _take(self, logs: Iterable[PlacedEvent], last: int | None, *, is_doubtful: bool = False) -> bool:
        """Fold the logs behind what is folded. last: the block they reach to, if it is known."""
        newest = self._kept.recent[-1].position if self._kept.recent else self._kept.floor.position
        self._behind_since = None
        try:
            new = [log for log in logs if log.position > newest]
            self._fold(new)
            # R4, twice a round and before a peer may take its seat for lost: what was told is what was written. A
            # draw that did not happen would have it unseal its update while others may still copy it (R5).
            self._is_unchecked |= is_doubtful or any(isinstance(entry.event, _CHECKED) for entry in new)
            if self._is_unchecked:
                self._check_hash(last or self._kept.recent[-1].position[0])
        except (HistoryFault, MalformedManifest) as fault:
            # The endpoint lies, or the chain was changing while it was asked: reading all again tells.
            _log.info("reading chain again reason=%s", fault)
            self._is_torn = True
            return self._refold()
        self._looks = 0 if new else self._looks + 1
        if new:
            self._anchor = None
            self._kept.drop_old()
        self.through = max(self.through, last or self._kept.recent[-1].position[0])
        return bool(new)

    def _fold(self, entries: Iterable[PlacedEvent]) -> None:
        self._is_torn = True
        for entry in entries:
            self._kept.take(entry)
            if self._recorder is not None:
                self._recorder.record(entry, self.history)
        self._is_torn = False

    def _check_hash(self, block: int) -> None:
        if self._source.fetch_history_hash(block) != self.history.hash:
            raise HistoryFault("the events are not the ones the contract wrote: use another endpoint with --rpc")
        self._is_unchecked = False

    # ------------------------------------------------------------------------------------- taking things back

    def _reconcile(self) -> bool:
        """Find what the chain shares with what was folded, and fold from there."""
        last, floor = self._find_last(), self._kept.floor
        if last < self._first_unsure and not self._has_been_behind_for_long():
            return False
        logs = self._source.fetch_events(max(floor.position[0], self._first_block), last)
        if floor.block_hash and not any(is_log(floor, log) for log in logs):
            _log.warning("chain changed too deep, reading all of it kept_blocks=%d", KEPT_BLOCKS)
            return self._refold()
        logs = [log for log in logs if log.position > floor.position]
        shared = 0
        while shared < min(len(logs), len(self._kept.recent)) and is_log(self._kept.recent[shared], logs[shared]):
            shared += 1
        if not shared and not floor.block_hash and not logs:
            raise ChainUnreachable("the chain does not hold the circle any more: see if --rpc is the right one")
        is_rolled_back = shared < len(self._kept.recent)
        if is_rolled_back:
            self._roll_back(shared)
        self._anchor, self.through = None, last
        return self._take(logs[shared:], last, is_doubtful=True) or is_rolled_back

    def _roll_back(self, shared: int) -> None:
        gone, kept = self._kept.recent[shared:], self._kept.recent[:shared]
        _log.warning("chain reorganised, events taken back count=%d from_block=%d", len(gone), gone[0].position[0])
        self._kept = self._kept.go_back(len(kept))
        self.rollbacks += 1
        if self._recorder is not None:
            self._recorder.take_back(len(gone))

    def _has_been_behind_for_long(self) -> bool:
        now = self._clock()
        if self._behind_since is None:
            self._behind_since = now
        return now - self._behind_since >= _BEHIND_S

    def _refold(self) -> bool:
        """Everything from the deployment on, read while the chain held still."""
        for _ in range(_ATTEMPTS):
            last = self._find_last()
            mark = self._source.fetch_mark(last)
            try:
                kept, is_known = self._fold_anew(self._read_pieces(last))
                if self._source.fetch_history_hash(last) != kept.history.hash:
                    raise HistoryFault("the events are not the ones the contract wrote: use another endpoint")
            except (HistoryFault, MalformedManifest) as fault:
                if mark is None or self._source.fetch_mark(last) != mark:
                    continue
                if self._earlier is None or not self._is_retold:
                    raise
                # Whose fault it is is not known: without what was kept it is the endpoint's.
                self._earlier.discard(str(fault))
                continue
            if mark is not None and self._source.fetch_mark(last) == mark:
                return self._install(kept, last, is_known)
        raise ChainUnreachable(
            "the chain does not hold still: wait until it does, or see if --rpc is the right one"
        )

    def _read_pieces(self, last: int) -> Iterator[list[PlacedEvent]]:
        """All events up to a block: those kept from earlier, the others from the endpoint."""
        newest: PlacedEvent | None = None
        self._is_retold = False
        for piece in self._earlier.read(self._is_in_chain) if self._earlier is not None else ():
            if piece[-1].position[0] > last:
                break
            self._is_retold, newest = True, piece[-1]
            yield piece
        begin = self._first_block if newest is None else newest.position[0]
        for first in range(begin, last + 1, _PIECE_BLOCKS):
            logs = self._source.fetch_events(first, min(first + _PIECE_BLOCKS - 1, last))
            if newest is not None and first == begin:
                if not any(is_log(newest, log) for log in logs):
                    raise HistoryFault("the newest of the events kept is not the chain's")
                logs = [log for log in logs if log.position > newest.position]
            yield logs

    def _is_in_chain(self, entry: PlacedEvent) -> bool:
        number = entry.position[0]
        return self._source.fetch_mark(number) == BlockMark(number, entry.block_hash)

    def _fold_anew(self, pieces: Iterable[list[PlacedEvent]]) -> tuple[Kept, bool]:
        """A new fold, and whether it goes through the present state, so that nothing of that is taken back."""
        kept, present = Kept.begin(self._source.terms, self._first_block), self.history.hash
        is_known = kept.history.hash == present
        if self._recorder is not None:
            self._recorder.begin()
        for piece in pieces:
            for entry in piece:
                kept.take(entry)
                if self._recorder is not None:
                    self._recorder.record(entry, kept.history)
                is_known |= kept.history.hash == present
            kept.drop_old()
        return kept, is_known and not self._is_torn

    def _install(self, kept: Kept, last: int, is_known: bool) -> bool:
        changed = not is_known or kept.history.hash != self.history.hash
        self.rollbacks += not is_known
        self._kept, self._anchor = kept, None
        self._is_torn = self._is_unchecked = False
        self._looks, self._behind_since, self.through = 0, None, last
        return changed
