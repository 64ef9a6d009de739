"""What a peer keeps: all that a disputable round of its own follows from. The rest goes, so that disks do not fill.

Deleted is only what this circle's chain names and no disputable round needs (R29). As long as all rounds can be
disputed, that is nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Final

from ledger.blobs.contents.checkpoint import first_disputable_round
from ledger.blobs.contents.records import RECORD_MAX_BYTES, InvalidBlob, decode_record
from ledger.circle.history import History, Round
from ledger.judging.frame_chains import find_frame_chain
from ledger.judging.replay import digests_behind_attestation, find_replay_starts, shows_checkpoint
from ledger.rules import find_rule, looks_back
from node.blobs.store import BlockStore
from node.state.peer_state import KEPT_ROUNDS

_log = logging.getLogger(__name__)
# A deletion takes a look at each block; it need not come in every round.
_EVERY_ROUNDS: Final = 16


def first_kept_round(history: History) -> int:
    """From this round on everything that is here stays, whoever needs it.

    Behind the first that can be disputed lie the last checkpoints of all judges, and what a reorganisation of the
    chain may make disputable again.
    """
    slack = 2 * history.manifest.checkpoint_every + KEPT_ROUNDS
    return max(1, first_disputable_round(history.number) - slack)


def find_owed_rounds(history: History, seat: int) -> tuple[set[int], set[int]]:
    """Rounds whose updates a judge owes, and those whose checkpoint it owes, before `first_kept_round` (R29)."""
    rule, first = find_rule(history.manifest), first_kept_round(history)
    updates, checkpoints = _find_resumed_rounds(history, seat, first)
    for round_ in _find_asked_rounds(history, seat, first):
        if round_.number < first:
            updates.add(round_.number)
        start = next(find_replay_starts(history, round_, seat, looks_back=looks_back(rule)))
        updates |= {before.number for before in start.rounds if before.number < first}
        if start.checkpoint is not None and start.checkpoint.number < first:
            checkpoints.add(start.checkpoint.number)
    return updates, checkpoints


def _find_resumed_rounds(history: History, seat: int, first: int) -> tuple[set[int], set[int]]:
    """The same for what it attests next: a peer that was away for long goes on from where it was."""
    updates = set[int]()
    for round_ in reversed(history.rounds[max(history.seats[seat].begun_round - 1, 0) :]):
        if seat in round_.attestations:
            if round_.number >= first:
                break
            if shows_checkpoint(history, round_, seat):
                return updates, {round_.number}
            updates.add(round_.number)
    return updates, set()


def _find_asked_rounds(history: History, seat: int, first: int) -> Iterator[Round]:
    """The first round from `first` on that the seat attested, and those of its open disputes."""
    kept = (round_ for round_ in history.rounds[first - 1 :] if seat in round_.attestations)
    yield from (round_ for round_ in [next(kept, None)] if round_ is not None)
    for dispute in history.open_disputes.values():
        round_ = history.rounds[dispute.claim.round - 1]
        if dispute.claim.judge == seat and seat in round_.attestations:
            yield round_


def find_own_blobs(history: History, seat: int, address: str, store: BlockStore) -> set[bytes]:
    """Roots of a peer's own blobs that are in its store and served: what a daemon may pin for it.

    The genesis, its updates, its records, the checkpoints they name. Reads the disk. Raises OSError.
    """
    found, begun = {history.manifest.genesis_digest}, history.seats[seat].begun_round
    for round_ in history.rounds:
        # Whoever held the seat before has blobs of its own; a peer with new keys has them from its old ones.
        if round_.number >= begun or round_.peers.get(seat) == address:
            found |= set(_find_seat_blobs(round_, seat, store, history))
    return {digest for digest in found if store.has(digest) and not store.is_sealed(digest)}


class Retention:
    """Deletes from one peer's store. unpin: told of roots of its own that are gone."""

    def __init__(self, store: BlockStore, unpin: Callable[[bytes], None] = lambda _: None) -> None:
        self._store, self._unpin = store, unpin
        # Named before this round, here still and needed for a later one; and which of them are the seat's own.
        self._done, self._left, self._own = 1, set[bytes](), set[bytes]()
        self._looked_at = 0
        self._working: asyncio.Task[None] | None = None

    def delete_when_due(self, history: History, seat: int) -> None:
        """Delete what may go, beside everything else, once some rounds have passed."""
        if history.number - self._looked_at < _EVERY_ROUNDS or (self._working and not self._working.done()):
            return
        self._looked_at = history.number
        if first_kept_round(history) > self._done:
            self._working = asyncio.create_task(self._delete(history, seat))

    def close(self) -> None:
        """Wait for nothing more."""
        if self._working is not None:
            self._working.cancel()

    async def _delete(self, history: History, seat: int) -> None:
        try:
            gone = await asyncio.to_thread(self.delete, history, seat)
        except OSError as error:
            _log.warning("blobs not deleted reason=%s", error)
            return
        for digest in gone:
            self._unpin(digest)

    def delete(self, history: History, seat: int) -> set[bytes]:
        """Delete what may go now. Returns which of the seat's own blobs went. Raises OSError."""
        first, keep = first_kept_round(history), self._find_kept(history, seat)
        named = self._left | set(self._find_named(history, self._done, first))
        own = self._own | set(self._find_own(history, seat, self._done, first))
        gone = self._store.remove(named - keep)
        self._done, self._left, self._own = first, named & keep, own & keep
        _log.info("blobs deleted count=%d before_round=%d", len(gone), first)
        return gone & own

    def _find_kept(self, history: History, seat: int) -> set[bytes]:
        """Of the blobs named before `first_kept_round`, those that stay."""
        updates, checkpoints = find_owed_rounds(history, seat)
        keep = {
            history.manifest.genesis_digest,
            *self._find_frames(history),
            *self._find_named_later(history, seat),
        }
        for number in updates | checkpoints:
            keep |= set(self._find_records(history.rounds[number - 1], seat))
        for number in updates:
            round_ = history.rounds[number - 1]
            for other in digests_behind_attestation(round_, seat):
                keep |= {link.digest for link in find_frame_chain(history, round_, other)}
        return keep

    def _find_named_later(self, history: History, seat: int) -> Iterator[bytes]:
        """What rounds that are kept name: an author may have anchored a blob's digest long before."""
        for round_ in history.rounds[first_kept_round(history) - 1 :]:
            yield from round_.commits.values()
            yield from (said.record for said in round_.attestations.values())
            if seat in round_.attestations and shows_checkpoint(history, round_, seat):
                yield from self._find_records(round_, seat)

    def _find_frames(self, history: History) -> Iterator[bytes]:
        """What the updates that stay hang on, back to their key frames."""
        seen: set[int] = set()
        for round_ in history.rounds[first_kept_round(history) - 1 :]:
            for seat in round_.commits.keys() - seen:
                seen.add(seat)
                yield from (link.digest for link in find_frame_chain(history, round_, seat))

    def _find_named(self, history: History, start: int, end: int) -> Iterator[bytes]:
        """All that the chain names of these rounds, whoever's, and the checkpoints in records that are here."""
        for round_ in history.rounds[start - 1 : end - 1]:
            yield from round_.commits.values()
            for judge in round_.attestations:
                yield from _find_records(round_, judge, self._store, history)

    def _find_records(self, round_: Round, judge: int) -> Iterator[bytes]:
        return _find_records(round_, judge, self._store)

    def _find_own(self, history: History, seat: int, start: int, end: int) -> Iterator[bytes]:
        for round_ in history.rounds[start - 1 : end - 1]:
            yield from _find_seat_blobs(round_, seat, self._store, history)


def _find_seat_blobs(round_: Round, seat: int, store: BlockStore, history: History) -> Iterator[bytes]:
    """A seat's update, record and checkpoint of a round."""
    if seat in round_.commits:
        yield round_.commits[seat]
    if seat in round_.attestations:
        yield from _find_records(round_, seat, store, history)


def _find_records(round_: Round, judge: int, store: BlockStore, history: History | None = None) -> Iterator[bytes]:
    """A judge's record of a round, and the checkpoint it names. history: look only where one is due."""
    record = round_.attestations[judge].record
    yield record
    if history is None or shows_checkpoint(history, round_, judge):
        found = store.find(record, RECORD_MAX_BYTES)
        if found is not None and (checkpoint := _read_checkpoint_digest(found)):
            yield checkpoint


def _read_checkpoint_digest(record: bytes) -> bytes:
    try:
        return decode_record(record).checkpoint
    except InvalidBlob:
        return b""
