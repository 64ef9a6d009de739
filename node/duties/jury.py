"""Recomputing what a judge said: what a juror votes by, and what a watcher or a challenger looks at first.

It starts from the judge's last checkpoint, and asks the judge first for all that its verdicts follow from: who
attested that it judged an update had it, keeps it and shows it (R29).
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from ledger.arithmetic.exact import GridState
from ledger.blobs.contents.checkpoint import checkpoint_max_bytes, decode_checkpoint, decode_checkpoint_record
from ledger.blobs.contents.records import RECORD_MAX_BYTES, decode_genesis, update_max_bytes
from ledger.circle.history import History, Round
from ledger.errors import PeerFault
from ledger.fetch.fetcher import Unavailable
from ledger.judging.false_verdicts import Examination, Truth, digests_behind_verdict, examine, is_false_verdict
from ledger.judging.frame_chains import BlobMissing, CircleTask, HeldBlobs, StateCache, find_lacking_blobs
from ledger.judging.replay import ReplayStart, digests_behind_attestation, find_replay_starts, replay
from ledger.judging.screening import RoundVerdicts
from ledger.rules import find_rule, looks_back
from ledger.rules.judge_memory import CarriedState

_log = logging.getLogger(__name__)
T = TypeVar("T")
# A judge keeps what its disputable rounds follow from, back to the checkpoint before: nobody has to look behind it.
_UNSHOWN_MAX: Final = 2


class FetchBlobs(Protocol):
    """digest → seat to be asked first in, digest → bytes out, None for bytes that make no blob.

    What comes back may read them when it is asked. max_bytes: of each. Raises Unavailable.
    """

    async def __call__(self, wanted: Mapping[bytes, int], max_bytes: int) -> Mapping[bytes, bytes | None]: ...


class TimedFetch:
    """Fetches for so many seconds in all, whatever is asked for in how many turns; then nobody gave it.

    What a judge shows byte by byte would else keep whoever recomputes from ever saying that it is withheld.
    """

    def __init__(self, fetch: FetchBlobs, limit_s: float, find: FetchBlobs | None = None) -> None:
        """find: what is here already comes from it and takes none of the time; asks nobody. Else all counts."""
        self.limit_s, self._fetch, self._find, self._left_s = limit_s, fetch, find, limit_s

    async def __call__(self, wanted: Mapping[bytes, int], max_bytes: int) -> Mapping[bytes, bytes | None]:
        """As any FetchBlobs."""
        if self._find is not None:
            # Each try begins anew at a checkpoint: reading all that again must not look like hiding the rest.
            with suppress(Unavailable):
                return await self._find(wanted, max_bytes)
        began_s = time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, self._left_s)):
                return await self._fetch(wanted, max_bytes)
        except TimeoutError as error:
            tried = {"": f"not all of what is asked for came within {self.limit_s:.0f} s"}
            raise Unavailable(next(iter(wanted)), tried) from error
        finally:
            self._left_s -= time.monotonic() - began_s


@dataclass(frozen=True)
class RecomputedTruth:
    """What recomputing a claim gave."""

    truth: Truth
    """The answer."""
    lacking: Unavailable | None = None
    """Of what is withheld, the first blob that nobody gave."""


async def recompute_truth(
    history: History, network: bytes, round_number: int, judge: int, target: int, fetch: FetchBlobs
) -> RecomputedTruth:
    """Whether what a judge said of a target, or all that it attested where that is the judge itself, is false.

    A judge that did not attest, or a target it did not judge, is no false verdict. Raises Unavailable where nobody
    gives the circle's genesis: that is no judge's burden.
    """
    round_ = history.rounds[round_number - 1]
    attestation = round_.attestations.get(judge)
    if attestation is None or not (attestation.judged | 1 << judge) >> target & 1:
        return RecomputedTruth(Truth.RIGHT)
    if not await _is_knowable(history, judge, fetch):
        return RecomputedTruth(Truth.UNKNOWABLE)
    try:
        brought = await _CarriedInto.into(history, network, round_, judge, fetch, for_base=target == judge)
        held = await brought.fetch_updates(round_, digests_behind_verdict(history, round_, judge, target))
    except (Unavailable, BlobMissing) as lacking:
        return _answer_withheld(round_number, judge, lacking)
    found = await asyncio.to_thread(
        is_false_verdict, history, brought.task, round_, judge, target, brought.carried, held
    )
    if found is None:
        return _answer_withheld(round_number, judge, None)
    return RecomputedTruth(Truth.FALSE if found else Truth.RIGHT)


async def recompute_attestation(
    history: History, network: bytes, round_number: int, judge: int, fetch: FetchBlobs
) -> Examination | RecomputedTruth:
    """All that is false of what a judge said in a round, or that it is withheld, or that nobody can tell.

    The judge must have attested. Raises Unavailable as `recompute_truth` does.
    """
    round_ = history.rounds[round_number - 1]
    if not await _is_knowable(history, judge, fetch):
        return RecomputedTruth(Truth.UNKNOWABLE)
    try:
        brought = await _CarriedInto.into(history, network, round_, judge, fetch, for_base=True)
        held = await brought.fetch_updates(round_, digests_behind_attestation(round_, judge))
        return await asyncio.to_thread(examine, history, brought.task, round_, judge, brought.carried, held)
    except (Unavailable, BlobMissing) as lacking:
        return _answer_withheld(round_number, judge, lacking)


async def recompute_next_base(
    history: History, network: bytes, round_number: int, seat: int, fetch: FetchBlobs
) -> GridState:
    """The base that a seat goes on with after a round that it attested (R15), (d,), int32.

    Recomputed as a juror recomputes what it said: from its last checkpoint before the round, or from its beginning.
    The rule must be replayable and the circle's genesis one. Raises Unavailable, BlobMissing.
    """
    round_ = history.rounds[round_number - 1]
    brought = await _CarriedInto.into(history, network, round_, seat, fetch, for_base=True)
    assert brought.carried is not None
    screened = await brought.replay(round_, brought.carried)
    return (brought.carried if screened is None else screened.carried).base


def _answer_withheld(number: int, judge: int, lacking: Unavailable | BlobMissing | None) -> RecomputedTruth:
    if isinstance(lacking, BlobMissing):
        lacking = Unavailable(lacking.digest, {"": str(lacking)})
    _log.info("blob withheld round=%d judge=%d reason=%s", number, judge, lacking)
    return RecomputedTruth(Truth.WITHHELD, lacking)


def read_recomputed(task: "asyncio.Task[T]", log: logging.Logger) -> T | None:
    """What a task that recomputed something, and is over, gave; None where it gave nothing.

    log: of the duty that lacks it.
    """
    try:
        return task.result()
    except (Unavailable, PeerFault, TimeoutError, asyncio.CancelledError) as error:
        log.info("not recomputed reason=%s", error)
        return None
    except Exception:
        # Whatever a judge's blobs do to what recomputes them: that is no end of a node, nor of its other duties.
        log.exception("not recomputed")
        return None


async def _is_knowable(history: History, judge: int, fetch: FetchBlobs) -> bool:
    manifest = history.manifest
    is_replayable = find_rule(manifest).is_replayable
    return is_replayable and await fetch_genesis(history, judge, fetch) is not None


async def fetch_genesis(history: History, first: int, fetch: FetchBlobs) -> GridState | None:
    """The circle's first state, None where no state can be made of it. first: whom to ask first."""
    manifest = history.manifest
    fetched = await fetch({manifest.genesis_digest: first}, update_max_bytes(manifest))
    blob = fetched[manifest.genesis_digest]
    try:
        return None if blob is None else decode_genesis(blob, manifest)
    except PeerFault:
        return None


class _CarriedInto:
    """What a judge brought into a round, and the states decoded on the way.

    carried: None where the verdict follows without it.
    """

    def __init__(self, history: History, network: bytes, judge: int, fetch: FetchBlobs, genesis: GridState) -> None:
        self._history, self._judge, self._fetch, self._genesis = history, judge, fetch, genesis
        self.task = CircleTask(history.manifest, network, StateCache(genesis))
        self.carried: CarriedState | None = None

    @classmethod
    async def into(
        cls, history: History, network: bytes, round_: Round, judge: int, fetch: FetchBlobs, *, for_base: bool
    ) -> "_CarriedInto":
        """for_base: also where the rule does not look back. Raises Unavailable."""
        genesis = await fetch_genesis(history, judge, fetch)
        assert genesis is not None
        found = cls(history, network, judge, fetch, genesis)
        rule = find_rule(history.manifest)
        if looks_back(rule) or for_base:
            found.carried = await found._recompute_carried(round_, looks_back=looks_back(rule))
        return found

    async def fetch_updates(self, round_: Round, needed: Mapping[int, bytes]) -> HeldBlobs:
        """The blobs of these seats' updates and what they hang on; the judge is asked first."""
        return await fetch_updates(self._history, round_, needed, self._fetch, self.task.states, first=self._judge)

    async def replay(self, round_: Round, carried: CarriedState) -> RoundVerdicts | None:
        """What the rule gives for a round that the judge attested; None where its own update is none.

        Its base stays as it was then (R15). Raises Unavailable, BlobMissing.
        """
        held = await self.fetch_updates(round_, digests_behind_attestation(round_, self._judge))
        try:
            return await asyncio.to_thread(replay, self._history, self.task, round_, self._judge, carried, held)
        except PeerFault:
            return None

    async def _recompute_carried(self, round_: Round, *, looks_back: bool) -> CarriedState:
        unshown: dict[int, Unavailable] = {}
        for start in find_replay_starts(self._history, round_, self._judge, looks_back=looks_back):
            try:
                carried = await self._fetch_start(start)
            except Unavailable as error:
                assert start.checkpoint is not None
                unshown[start.checkpoint.number] = error
                if len(unshown) == _UNSHOWN_MAX:
                    raise
            except PeerFault as fault:
                # Provably no checkpoint, as everybody sees who has its bytes: it is looked behind.
                _log.info("no checkpoint judge=%d fault=%s", self._judge, fault)
            else:
                return await self._follow(start, carried, unshown)
        raise AssertionError("the last start is the beginning, and nothing lacks there")

    async def _fetch_start(self, start: ReplayStart) -> CarriedState:
        if start.checkpoint is None:
            return CarriedState(self._genesis)
        return await fetch_checkpoint(
            self._history, self.task.network, start.checkpoint, self._judge, self._genesis, self._fetch
        )

    async def _follow(
        self, start: ReplayStart, carried: CarriedState, unshown: Mapping[int, Unavailable]
    ) -> CarriedState:
        """Round by round, so that the blobs of a long history are never in memory together."""
        for before in start.rounds:
            screened, record = await self.replay(before, carried), None
            if screened is not None:
                carried, record = screened.carried, screened.record_digest
            # What it said later follows from the checkpoint that it anchored. Where that is not the true one, who
            # has it and who has not would find differently: it is the judge's to show it.
            if before.number in unshown and record != before.attestations[self._judge].record:
                raise unshown[before.number]
        return carried


async def fetch_checkpoint(
    history: History, network: bytes, round_: Round, judge: int, genesis: GridState, fetch: FetchBlobs
) -> CarriedState:
    """What a judge's checkpoint of a round holds. Raises Unavailable, or PeerFault where it is none."""
    digest = round_.attestations[judge].record
    blob = (await fetch({digest: judge}, RECORD_MAX_BYTES))[digest]
    record = decode_checkpoint_record(blob, network, round_, judge)
    limit = checkpoint_max_bytes(history.manifest)
    blob = (await fetch({record.checkpoint: judge}, limit))[record.checkpoint]
    return await asyncio.to_thread(decode_checkpoint, blob, history.manifest, record, genesis)


async def fetch_updates(
    history: History,
    round_: Round,
    needed: Mapping[int, bytes],
    fetch: FetchBlobs,
    states: StateCache,
    held: HeldBlobs | None = None,
    *,
    first: int | None = None,
) -> HeldBlobs:
    """The blobs of these seats' updates, and the earlier ones, or states, that they hang on. Raises Unavailable.

    held: added to and returned. first: the seat to be asked first, each blob's author where it is None. At most
    MAX_CHAIN + 1 blobs a seat are asked for, whatever their authors wrote into them.
    """
    held, limit = HeldBlobs() if held is None else held, update_max_bytes(history.manifest)
    wanted = {digest: seat for seat, digest in needed.items()}
    while wanted:
        asked = wanted if first is None else dict.fromkeys(wanted, first)
        held.add(await fetch(asked, limit))
        wanted = find_lacking_blobs(history, round_, needed, held, states)
    return held
