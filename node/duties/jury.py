"""Recomputing what a judge said: what a juror votes by, and what a watcher or a challenger looks at first.

It starts from the judge's last checkpoint, and asks the judge first for all that its verdicts follow from: who
attested that it judged an update had it, keeps it and shows it (R29).
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from ledger.arithmetic.exact import State
from ledger.blobs.contents.checkpoint import checkpoint_max_bytes, decode_checkpoint, decode_checkpoint_record
from ledger.blobs.contents.records import RECORD_MAX_BYTES, decode_genesis, update_max_bytes
from ledger.circle.history import History, Round
from ledger.errors import PeerFault
from ledger.fetch.fetcher import Unavailable
from ledger.judging.false_verdicts import Examined, Truth, blobs_behind, examine, is_false_verdict
from ledger.judging.frame_chains import CircleTask, Held, Lost, States, further
from ledger.judging.replay import Start, blobs_needed, replay, starts
from ledger.rules import looks_back, rule_of
from ledger.rules.judge_memory import Carried

_log = logging.getLogger(__name__)
# A judge keeps what its disputable rounds follow from, back to the checkpoint before: nobody has to look behind it.
_UNSHOWN_MAX: Final = 2


class Fetch(Protocol):
    """digest → seat to be asked first in, digest → bytes out, None for bytes that make no blob.

    What comes back may read them when it is asked. max_bytes: of each. Raises Unavailable.
    """

    async def __call__(self, wanted: Mapping[bytes, int], max_bytes: int) -> Mapping[bytes, bytes | None]: ...


@dataclass(frozen=True)
class Answered:
    """What recomputing a claim gave. lacking: of what is withheld, the first blob that nobody gave."""

    truth: Truth
    lacking: Unavailable | None = None


async def truth_of(
    history: History, network: bytes, round_number: int, judge: int, target: int, fetch: Fetch
) -> Answered:
    """Whether what a judge said of a target, or where that is the judge itself, its record or base, is false.

    A judge that did not attest, or a target it did not judge, is no false verdict. Raises Unavailable where nobody
    gives the circle's genesis: that is no judge's burden.
    """
    round_ = history.rounds[round_number - 1]
    attestation = round_.attestations.get(judge)
    if attestation is None or not (attestation.judged | 1 << judge) >> target & 1:
        return Answered(Truth.RIGHT)
    if not await _is_knowable(history, judge, fetch):
        return Answered(Truth.UNKNOWABLE)
    try:
        brought = await _Brought.into(history, network, round_, judge, fetch, for_base=target == judge)
        held = await brought.whole(round_, blobs_behind(history, round_, judge, target))
    except Unavailable as error:
        return _withheld(round_number, judge, error)
    except Lost as lost:
        return _withheld(round_number, judge, Unavailable(lost.digest, {"": str(lost)}))
    found = await asyncio.to_thread(
        is_false_verdict, history, brought.task, round_, judge, target, brought.carried, held
    )
    if found is None:
        return _withheld(round_number, judge, None)
    return Answered(Truth.FALSE if found else Truth.RIGHT)


async def examined(
    history: History, network: bytes, round_number: int, judge: int, fetch: Fetch
) -> Examined | Answered:
    """All that is false of what a judge said in a round, or that it is withheld, or that nobody can tell.

    The judge must have attested. Raises Unavailable as `truth_of` does.
    """
    round_ = history.rounds[round_number - 1]
    if not await _is_knowable(history, judge, fetch):
        return Answered(Truth.UNKNOWABLE)
    try:
        brought = await _Brought.into(history, network, round_, judge, fetch, for_base=True)
        held = await brought.whole(round_, blobs_needed(round_, judge))
        return await asyncio.to_thread(examine, history, brought.task, round_, judge, brought.carried, held)
    except Unavailable as error:
        return _withheld(round_number, judge, error)
    except Lost as lost:
        return _withheld(round_number, judge, Unavailable(lost.digest, {"": str(lost)}))


def _withheld(number: int, judge: int, error: Unavailable | None) -> Answered:
    _log.info("withheld round=%d judge=%d reason=%s", number, judge, error)
    return Answered(Truth.WITHHELD, error)


async def _is_knowable(history: History, judge: int, fetch: Fetch) -> bool:
    manifest = history.manifest
    is_replayable = rule_of(manifest.rule, manifest.rule_parameters).is_replayable
    return is_replayable and await genesis_of(history, judge, fetch) is not None


async def genesis_of(history: History, first: int, fetch: Fetch) -> State | None:
    """The circle's first state, None where no state can be made of it. first: whom to ask first."""
    manifest = history.manifest
    fetched = await fetch({manifest.genesis_digest: first}, update_max_bytes(manifest))
    blob = fetched[manifest.genesis_digest]
    try:
        return None if blob is None else decode_genesis(blob, manifest)
    except PeerFault:
        return None


class _Brought:
    """What a judge brought into a round, and the states decoded on the way.

    carried: None where the verdict follows without it.
    """

    def __init__(self, history: History, network: bytes, judge: int, fetch: Fetch, genesis: State) -> None:
        self._history, self._judge, self._fetch, self._genesis = history, judge, fetch, genesis
        self.task = CircleTask(history.manifest, network, States(genesis))
        self.carried: Carried | None = None

    @classmethod
    async def into(
        cls, history: History, network: bytes, round_: Round, judge: int, fetch: Fetch, *, for_base: bool
    ) -> "_Brought":
        """for_base: also where the rule does not look back. Raises Unavailable."""
        genesis = await genesis_of(history, judge, fetch)
        assert genesis is not None
        found = cls(history, network, judge, fetch, genesis)
        rule = rule_of(history.manifest.rule, history.manifest.rule_parameters)
        if looks_back(rule) or for_base:
            found.carried = await found._carried(round_, looks_back=looks_back(rule))
        return found

    async def whole(self, round_: Round, needed: Mapping[int, bytes]) -> Held:
        """The blobs of these seats' updates and what they hang on; the judge is asked first."""
        return await whole(self._history, round_, needed, self._fetch, self.task.states, first=self._judge)

    async def _carried(self, round_: Round, *, looks_back: bool) -> Carried:
        unshown: dict[int, Unavailable] = {}
        for start in starts(self._history, round_, self._judge, looks_back=looks_back):
            try:
                carried = await self._at(start)
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

    async def _at(self, start: Start) -> Carried:
        if start.checkpoint is None:
            return Carried(self._genesis)
        return await shown(
            self._history, self.task.network, start.checkpoint, self._judge, self._genesis, self._fetch
        )

    async def _follow(self, start: Start, carried: Carried, unshown: Mapping[int, Unavailable]) -> Carried:
        """Round by round, so that the blobs of a long history are never in memory together."""
        for before in start.rounds:
            held = await self.whole(before, blobs_needed(before, self._judge))
            try:
                screened = await asyncio.to_thread(
                    replay, self._history, self.task, before, self._judge, carried, held
                )
            except PeerFault:
                # R15: its update is none, so its base stays as it was.
                record = None
            else:
                carried, record = screened.carried, screened.record_digest
            # What it said later follows from the checkpoint that it anchored. Where that is not the true one, who
            # has it and who has not would find differently: it is the judge's to show it.
            if before.number in unshown and record != before.attestations[self._judge].record:
                raise unshown[before.number]
        return carried


async def shown(
    history: History, network: bytes, round_: Round, judge: int, genesis: State, fetch: Fetch
) -> Carried:
    """What a judge's checkpoint of a round holds. Raises Unavailable, or PeerFault where it is none."""
    digest = round_.attestations[judge].record
    blob = (await fetch({digest: judge}, RECORD_MAX_BYTES))[digest]
    record = decode_checkpoint_record(blob, network, round_, judge)
    limit = checkpoint_max_bytes(history.manifest)
    blob = (await fetch({record.checkpoint: judge}, limit))[record.checkpoint]
    return await asyncio.to_thread(decode_checkpoint, blob, history.manifest, record, genesis)


async def whole(
    history: History,
    round_: Round,
    needed: Mapping[int, bytes],
    fetch: Fetch,
    states: States,
    held: Held | None = None,
    *,
    first: int | None = None,
) -> Held:
    """The blobs of these seats' updates, and the earlier ones, or states, that they hang on. Raises Unavailable.

    held: added to and returned. first: the seat to be asked first, each blob's author where it is None. At most
    MAX_CHAIN + 1 blobs a seat are asked for, whatever their authors wrote into them.
    """
    held, limit = Held() if held is None else held, update_max_bytes(history.manifest)
    wanted = {digest: seat for seat, digest in needed.items()}
    while wanted:
        asked = wanted if first is None else dict.fromkeys(wanted, first)
        held.add(await fetch(asked, limit))
        wanted = further(history, round_, needed, held, states)
    return held
