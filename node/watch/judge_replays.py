"""A judge's records over again, from the updates in a bundle, which holds none: they follow from these to the byte.

One judge at a time, off the event loop, round by round. What comes out counts where it is the record that the judge
anchored; else that is what is said of the round.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Final

from ledger.arithmetic.exact import GridState
from ledger.audit.bundle.names import BadBundle
from ledger.circle.history import History, Round
from ledger.errors import NotYet, PeerFault
from ledger.fetch.fetcher import Unavailable
from ledger.judging.frame_chains import CircleTask, StateCache
from ledger.judging.replay import digests_behind_attestation, find_attested_before, replay
from ledger.rules import find_rule, looks_back
from ledger.rules.judge_memory import CarriedState
from ledger.untrusted.text import make_printable
from node.duties.jury import fetch_genesis, fetch_updates
from node.watch.rule_figures import RECORD, find_reading, read_record
from node.watch.shelf import Found, Lost, find_shelf, read_bundled
from node.watch.source import Source

_log = logging.getLogger(__name__)
ROUNDS_MAX: Final = 500
"""So many rounds of a judge are recomputed; of a rule that looks back, all since its beginning or none."""
# A view asks again more often than this for what it waits for.
_LEFT_S: Final = 5.0
_PRIVATE: Final = "the rule goes by the judge's private data, so nobody else can recompute its record"
_LONG: Final = f"more than {ROUNDS_MAX} rounds would have to be recomputed: name the judge's folder with --folder"
_NO_GENESIS: Final = "the bundle does not hold the genesis, from which all would be recomputed"
_OTHER: Final = "recomputing gives another record than the one that the judge anchored"
_NO_UPDATE: Final = "the judge's own update is none, so there is nothing to judge by"


class JudgeReplays:
    """One source's. `run` recomputes; all else is called from any thread."""

    def __init__(self, source: Source) -> None:
        self._source, self._shelf = source, find_shelf(source)
        self._asked_at: dict[int, float] = {}
        self._done: set[int] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()

    def ask(self, judge: int) -> bool:
        """Have a judge's records recomputed. Returns whether it is to come; who waits for it asks again."""
        if self._source.bundle is None or judge in self._done:
            return False
        self._asked_at[judge] = time.monotonic()
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)
        return True

    async def run(self) -> None:
        """Recompute what is asked for, until cancelled."""
        self._loop = asyncio.get_running_loop()
        while True:
            judge = self._choose()
            if judge is None:
                self._wake.clear()
                if self._choose() is None:
                    await self._wake.wait()
            elif await self._try_recompute(judge):
                self._done.add(judge)
                self._shelf.version += 1

    def _choose(self) -> int | None:
        """Whom to recompute next: who was asked for last."""
        wanted = [judge for judge in list(self._asked_at) if judge not in self._done]
        return max(wanted, key=self._asked_at.__getitem__, default=None)

    def _is_left(self, judge: int) -> bool:
        """Whether nobody waits for this one any more, and somebody for another one."""
        return time.monotonic() - self._asked_at[judge] > _LEFT_S and self._choose() != judge

    async def _try_recompute(self, judge: int) -> bool:
        """The same, whatever happens: after a fault of this program nobody waits for what will not come."""
        try:
            return await self._recompute(judge)
        except Exception as error:
            _log.error("recomputing failed judge=%s", judge, exc_info=error)
            rounds = _list_rounds(self._source.view.history, judge)
            return self._give_up(rounds, judge, f"recomputing failed: {type(error).__name__}")

    async def _recompute(self, judge: int) -> bool:
        """All rounds of a judge. Returns whether it came to an end, and not another one was asked for."""
        history = self._source.view.history
        rule = find_rule(history.manifest)
        rounds = _list_rounds(history, judge)
        is_chained = looks_back(rule)
        if not rule.is_replayable or (is_chained and len(rounds) > ROUNDS_MAX):
            return self._give_up(rounds, judge, _LONG if rule.is_replayable else _PRIVATE)
        try:
            genesis = await fetch_genesis(history, judge, self._fetch)
        except Unavailable:
            genesis = None
        if genesis is None:
            return self._give_up(rounds, judge, _NO_GENESIS)
        return await self._replay_all(history, rounds, judge, genesis, is_chained=is_chained)

    async def _replay_all(
        self, history: History, rounds: list[Round], judge: int, genesis: GridState, *, is_chained: bool
    ) -> bool:
        network = self._source.circle.network.domain_separator
        task = CircleTask(history.manifest, network, StateCache(genesis))
        carried = CarriedState(genesis) if is_chained else None
        ordered = rounds if is_chained else rounds[-ROUNDS_MAX:][::-1]
        for place, round_ in enumerate(ordered):
            if self._is_left(judge):
                return False
            try:
                held = await fetch_updates(
                    history,
                    round_,
                    digests_behind_attestation(round_, judge),
                    self._fetch,
                    task.states,
                    first=judge,
                )
                screened = await asyncio.to_thread(replay, history, task, round_, judge, carried, held)
            except NotYet:
                reason = f"recomputing round {round_.number} needs an update that the bundle does not hold"
                lost = ordered[place:] if is_chained else [round_]
                self._give_up(lost, judge, reason)
                if is_chained:
                    return True
                continue
            except PeerFault:
                # R15: its base stays as it was.
                self._give_up([round_], judge, _NO_UPDATE)
                continue
            carried = screened.carried if is_chained else None
            self._put(history, round_, judge, screened.record, digest=screened.record_digest)
        return True

    def _put(self, history: History, round_: Round, judge: int, record: bytes, digest: bytes) -> None:
        if round_.attestations[judge].record != digest:
            self._shelf.refute((RECORD, round_.attestations[judge].record), _OTHER)
            return
        value = read_record(record, find_reading(history.manifest.rule))
        self._shelf.put((RECORD, digest), Found(value, len(record)))

    def _give_up(self, rounds: list[Round], judge: int, reason: str) -> bool:
        for round_ in rounds:
            key = RECORD, round_.attestations[judge].record
            self._shelf.put(key, Lost(make_printable(reason), True, time.monotonic()))
        return True

    async def _fetch(self, wanted: Mapping[bytes, int], max_bytes: int) -> Mapping[bytes, bytes | None]:
        """As any FetchBlobs, out of the bundle. Raises Unavailable."""
        return {digest: await asyncio.to_thread(self._read, digest, max_bytes) for digest in wanted}

    def _read(self, digest: bytes, max_bytes: int) -> bytes | None:
        try:
            return read_bundled(self._source.bundle, digest, max_bytes)
        except PeerFault:
            return None
        except BadBundle:
            raise Unavailable(digest, {"": "the bundle does not hold it"}) from None


def find_judge_replays(source: Source) -> JudgeReplays:
    """The one that goes with a source."""
    found: JudgeReplays = source.__dict__.setdefault("judge_replays", JudgeReplays(source))
    return found


async def run_judge_replays(source: Source) -> None:
    """Recompute what the views of a bundle ask for, until cancelled; of a live circle records are fetched."""
    if source.bundle is not None:
        await find_judge_replays(source).run()


def _list_rounds(history: History, judge: int) -> list[Round]:
    """The rounds that the seat's present holder attested since its beginning, oldest first."""
    last = next((one for one in reversed(history.rounds) if judge in one.attestations), None)
    return [] if last is None else [*reversed([*find_attested_before(history, last, judge)]), last]
