"""A node's look at what the others said: recomputed at random, within what the operator gives for it.

Where recomputing gives something else, to the bit, the node raises a claim by itself. What a judge does not show
it goes on asking for, tells its operator, and in the end has the circle ask for it: the proof is the judge's.
"""

import asyncio
import logging
import random
import time
from dataclasses import dataclass
from typing import Final

from ledger.circle.events import ASKING, WITHOUT_RECORD
from ledger.circle.fold.fault_events import DISPUTE_ROUNDS
from ledger.circle.fold.state import APPEAL_BONDS
from ledger.circle.history import History
from ledger.judging.false_verdicts import Examination, Truth
from ledger.rules import find_rule
from node.duties.jury import FetchBlobs, RecomputedTruth, TimedFetch, read_recomputed, recompute_attestation
from node.duties.watching import (
    AttestationOf,
    UnshownAttestation,
    choose_target,
    compute_patience_s,
    compute_staked_wei,
    draw_attestation,
    is_disputable,
    is_heard,
    is_withdrawal_due,
    is_withheld,
    make_outcome_notice,
    may_be_asked,
    may_claim,
)
from node.follower import Follower
from node.operating.notices import Notice, Notices
from node.operating.wording import format_duration

_log = logging.getLogger(__name__)
WATCH_SHARE: Final = 0.05
"""Of one core's time, unless the operator says otherwise."""
_LIMIT_S: Final = 900.0
# Of that, for all that is fetched: what comes slower is not shown.
_SHOWING_S: Final = 300.0
# Where there is nothing to look at, or what it needs is not to be had.
_PAUSE_S: Final = 5.0
_AGAIN_S: Final = 60.0
_ASKED_A_WINDOW: Final = 8


@dataclass(frozen=True)
class WatchBudget:
    """What an operator gives for looking at others."""

    share: float
    """Of one core's time, 0..1; 0: it looks at nobody."""
    stake_wei: int
    """The most that lies in claims and appeals at a time; 0: it raises none."""

    def rest_s(self, cpu_s: float) -> float:
        """How long to rest after a look that took so much."""
        return cpu_s * (1 / self.share - 1)


@dataclass(frozen=True)
class FoundFalse:
    """What recomputing showed to be false."""

    said: AttestationOf
    """The attestation."""
    false: tuple[int, ...]
    """The targets of the claims that are right."""
    record: bytes
    """Digest of the true record, 32 bytes."""


class Watcher:
    """Looks at one attestation at a time. `look` is called now and then, and the rest is beside everything else."""

    def __init__(
        self,
        follower: Follower,
        fetch: FetchBlobs,
        budget: WatchBudget,
        notices: Notices,
        rng: random.Random | None = None,
        find: FetchBlobs | None = None,
    ) -> None:
        """rng: what to look at; the machine's own randomness unless given. find: gives what is here already."""
        self._follower, self._fetch, self._budget, self._notices = follower, fetch, budget, notices
        self._find = find
        self._rng = rng or random.SystemRandom()
        self._seen: set[AttestationOf] = set()
        self._in_vain: dict[AttestationOf, float] = {}
        self._unshown: dict[int, UnshownAttestation] = {}
        # What can be asked for no more, of judges that have shown nothing since.
        self._settled: dict[int, UnshownAttestation] = {}
        self._claims: dict[AttestationOf, FoundFalse] = {}
        self._open: set[int] | None = None
        self._told: set[str] = set()
        self._working: (
            tuple[AttestationOf, float, float, asyncio.Task[Examination | RecomputedTruth | None]] | None
        ) = None
        self._rest_until_s = 0.0
        self._rollbacks = follower.rollbacks

    @property
    def _history(self) -> History:
        return self._follower.history

    @property
    def _address(self) -> str:
        return self._follower.sender.address

    @property
    def is_watching(self) -> bool:
        """It looks at others at all: the operator lets it, and somebody can be held to what it finds."""
        manifest = self._history.manifest
        is_replayable = find_rule(manifest).is_replayable
        return self._budget.share > 0 and self._history.terms.dispute_bond > 0 and is_replayable

    def close(self) -> None:
        """Drop what is being recomputed."""
        if self._working is not None:
            self._working[-1].cancel()

    def has_coin_for(self, wei: int) -> bool:
        """So much more may be at stake."""
        return compute_staked_wei(self._history, self._address) + wei <= self._budget.stake_wei

    def list_disputes(self) -> list[tuple[int, int, int, bytes]]:
        """The arguments of `dispute` for what was found, one a judge."""
        if not may_claim(self._history, self._address, self._budget.stake_wei):
            return []
        if self._follower.rollbacks != self._rollbacks:
            # What was recomputed is of a chain that is gone: a claim from it may be about a verdict that is right.
            return []
        false = {said: claim.false for said, claim in self._claims.items()}
        found: dict[int, tuple[int, int, int, bytes]] = {}
        for said, claim in self._claims.items():
            is_answerable = is_disputable(self._history, said, time.time())
            if not is_answerable or is_heard(self._history, said.judge, self._address, false):
                continue
            target = choose_target(self._history, said, claim.false)
            if target is not None:
                found.setdefault(said.judge, (said.round, said.judge, target, claim.record))
        for judge, unshown in self._unshown.items():
            said = unshown.said
            may_ask = self._history.find_asking_seat(judge, judge, self._address) is not None
            is_open = may_be_asked(self._history, said, time.time())
            is_open = is_open and not is_heard(self._history, judge, self._address, false)
            if may_ask and is_open and is_withheld(self._history, unshown, self._address, time.monotonic()):
                found.setdefault(judge, (said.round, judge, judge, ASKING))
        return list(found.values())

    def list_appeals(self, wrong: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Those of the appeals for which there is coin."""
        bond = self._history.terms.dispute_bond
        return [one for one in wrong if self.has_coin_for(APPEAL_BONDS * bond)]

    def is_owed(self) -> bool:
        """The circle owes this node what it had pledged."""
        return is_withdrawal_due(self._history, self._address)

    def look(self, seat: int, *, is_busy: bool) -> None:
        """Take in what was recomputed, tell what has come of claims, and begin with the next. is_busy: not now."""
        self._tell_outcomes()
        if self._working is not None and self._working[-1].done():
            said, began_s, cpu_s, task = self._working
            self._working = None
            # Both are more than it took: other threads count in the one, waiting in the other.
            took_s = min(time.monotonic() - began_s, time.process_time() - cpu_s)
            self._rest_until_s = time.monotonic() + max(_PAUSE_S / 10, self._budget.rest_s(took_s))
            self._take_in(said, read_recomputed(task, _log))
        if self._working is None and not is_busy and time.monotonic() >= self._rest_until_s and self.is_watching:
            self._begin(seat)

    def _begin(self, seat: int) -> None:
        history = self._history
        if self._follower.rollbacks != self._rollbacks:
            # What was looked at may not be what the chain says now.
            self._rollbacks = self._follower.rollbacks
            self._seen, self._claims, self._unshown, self._settled = set(), {}, {}, {}
        self._seen = {said for said in self._seen if history.number - said.round <= DISPUTE_ROUNDS}
        self._claims = {said: one for said, one in self._claims.items() if said in self._seen}
        now = time.monotonic()
        self._in_vain = {
            said: at
            for said, at in self._in_vain.items()
            if said not in self._seen and history.number - said.round <= DISPUTE_ROUNDS
        }
        resting = {said for said, at in self._in_vain.items() if now - at < _AGAIN_S}
        said = self._asked_again(now) or draw_attestation(
            history, seat, self._seen | resting, time.time(), self._rng
        )
        if said is None:
            self._rest_until_s = time.monotonic() + _PAUSE_S
            return
        task = asyncio.create_task(self._examine(said))
        self._working = said, time.monotonic(), time.process_time(), task

    def _asked_again(self, now_s: float) -> AttestationOf | None:
        """What a judge has not shown so far and is asked for again; of each judge one thing."""
        over = {
            judge: one
            for judge, one in self._unshown.items()
            if not may_be_asked(self._history, one.said, time.time())
        }
        self._settled |= over
        # What else it said is looked at again: of each judge one thing was asked for.
        self._seen = {said for said in self._seen if said.judge not in over or said in self._claims}
        self._unshown = {judge: one for judge, one in self._unshown.items() if judge not in over}
        pause_s = max(_AGAIN_S, self._history.terms.dispute_window_s / _ASKED_A_WINDOW)
        due = [one.said for one in self._unshown.values() if now_s - one.last_s >= pause_s]
        return due[0] if due else None

    def _take_in(self, said: AttestationOf, found: Examination | RecomputedTruth | None) -> None:
        if isinstance(found, Examination):
            if self._is_unshown(said):
                # It shows what it did not: all that it said is looked at again.
                del self._unshown[said.judge]
                self._seen = {one for one in self._seen if one.judge != said.judge}
            self._forgive(said.judge)
            self._seen.add(said)
            if found.false:
                self._claims[said] = FoundFalse(said, found.false, found.record or WITHOUT_RECORD)
                self._tell_false(said, found.false)
        elif found is not None and found.truth == Truth.UNKNOWABLE:
            self._seen.add(said)
        else:
            self._rest_until_s = max(self._rest_until_s, time.monotonic() + _PAUSE_S)
            if found is not None and (said in self._in_vain or self._is_unshown(said)):
                # Asked for twice: of each judge one thing is asked for from now on.
                self._seen.add(said)
                self._ask_on(said)
                self._tell_unshown(said)
            self._in_vain[said] = time.monotonic()

    def _ask_on(self, said: AttestationOf) -> None:
        if not may_be_asked(self._history, said, time.time()):
            # A judge must not hide behind what was decided: of others it is asked for something else.
            return
        now = time.monotonic()
        known = self._unshown.setdefault(said.judge, UnshownAttestation(said, self._in_vain.get(said, now), now, 1))
        before = self._settled.pop(said.judge, None)
        if before is not None and self._tenure_of(before.said) == self._tenure_of(said):
            # Whoever claims the very record that a node waits for gives the judge no more time with the next.
            known = known.goes_on_from(before)
        if known.said == said:
            self._unshown[said.judge] = known.with_another_request(now)

    def _forgive(self, judge: int) -> None:
        """A judge showed something: it is waited for anew, unless it hid the last until that was too old to ask."""
        settled = self._settled.get(judge)
        if settled is not None and self._history.is_disputed(
            settled.said.round, judge, self._tenure_of(settled.said), judge
        ):
            del self._settled[judge]

    def _tenure_of(self, said: AttestationOf) -> int:
        return self._history.rounds[said.round - 1].tenures[said.judge]

    def _is_unshown(self, said: AttestationOf) -> bool:
        return said.judge in self._unshown and self._unshown[said.judge].said == said

    async def _examine(self, said: AttestationOf) -> Examination | RecomputedTruth | None:
        network = self._follower.circle.network.domain_separator
        async with asyncio.timeout(_LIMIT_S):
            fetch = TimedFetch(self._fetch, _SHOWING_S, self._find)
            found = await recompute_attestation(self._history, network, said.round, said.judge, fetch)
        false = found.false if isinstance(found, Examination) else found.truth
        _log.info("attestation looked at round=%d judge=%d false=%s", said.round, said.judge, false)
        return found

    # ---------------------------------------------------------------------------------------------- telling

    def _tell_false(self, said: AttestationOf, false: tuple[int, ...]) -> None:
        verdicts = [seat for seat in false if seat != said.judge]
        what = f"about seat {verdicts[0]}" if verdicts else "of what it goes on with"
        bond = self._history.terms.dispute_bond
        does = (
            "this node disputes it unless another does"
            if self._budget.stake_wei >= bond
            else "dispute it with `folkmoot dispute`"
        )
        says = f"what seat {said.judge} attested in round {said.round} {what} is false, recomputed here: {does}"
        fields = {"judge": said.judge, "round": said.round, "targets": list(false)}
        self._notices.tell(Notice("false_verdict", says, True, fields))

    def _tell_unshown(self, said: AttestationOf) -> None:
        kind = f"unshown {said.judge}"
        if kind in self._told:
            return
        self._told.add(kind)
        patience = format_duration(compute_patience_s(self._history, said.judge, self._address))
        does = (
            f"if that stays so for {patience} it has the circle ask for it"
            if self._budget.stake_wei >= self._history.terms.dispute_bond
            else "`folkmoot dispute --withheld` has the circle ask for it"
        )
        says = (
            f"seat {said.judge} does not show what it judged from in round {said.round}, and nobody else does: "
            f"this node goes on asking, and {does}"
        )
        self._notices.tell(Notice("unshown", says, True, {"judge": said.judge, "round": said.round}))

    def _tell_outcomes(self) -> None:
        mine = [one for one in self._history.disputes if self._address in (one.claim.challenger, one.appellant)]
        if self._open is not None:
            for one in mine:
                if one.outcome is not None and one.number in self._open:
                    self._notices.tell(make_outcome_notice(self._history, one, self._address))
        self._open = {one.number for one in mine if one.outcome is None}
