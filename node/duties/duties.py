"""What a member does for the circle beside its rounds: report, eject, release, vote, dispute, appeal, rotate.

Anyone may make most of these calls. So that not all do at once, each waits its turn in the order of the round's
chores; a node that finds it done meanwhile drops it.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ledger.chain.rpc.client import ChainTrouble
from ledger.chain.transactions.receipts import CallNotDone, Reverted
from ledger.chain.transactions.sender import CALLS_AT_ONCE, PlannedCall, Receipt, Refused
from ledger.circle.events import Stage
from ledger.circle.fold.state import APPEAL_BONDS
from ledger.circle.history import History
from ledger.untrusted.text import format_ether
from node.duties.evidence import EvidenceStore
from node.duties.voting import Voting
from node.duties.watcher import Watcher
from node.follower import Follower
from node.operating.notices import Notice, Notices
from node.seat.seating import CLOCK_SLACK_S, is_rotation_due

_log = logging.getLogger(__name__)
_STEP_S: Final = 3.0
# Until a duty is tried again; twice as long after each time that the contract refused it, which costs gas.
_HOLD_OFF_S: Final = 30.0
_HOLD_OFF_MAX_S: Final = 6 * 3600.0
# The part of the shorter of a round's windows for which duties may keep its calls waiting, within these seconds.
_WAITING_PART: Final = 4
_WAITING_MIN_S, _WAITING_MAX_S = 5.0, 60.0
_OF_TRIALS: Final = frozenset(["vote", "resolve", "summon"])
# What stays in the account for its rounds, whatever claims there are to raise.
_RESERVE_WEI: Final = 10**16


@dataclass(frozen=True)
class Duty:
    """One call that is due."""

    call: str
    """The contract's function."""
    arguments: tuple[object, ...]
    """The call's."""
    is_own: bool = False
    """Nobody else can make it, so it waits for nobody."""
    value_wei: int = 0
    """What it pledges."""

    @property
    def planned(self) -> PlannedCall:
        """The call as it is sent."""
        return PlannedCall(self.call, self.arguments, self.value_wei)


def find_duties(history: History, seat: int, now_s: float) -> list[Duty]:
    """What is due by the chain alone. seat: the peer's own. now_s: Unix time."""
    found: list[Duty] = []
    for number, held in history.seats.items():
        if held.is_held and (history.is_struck_out(number) or history.is_absent(number)):
            found.append(Duty("eject", (number,)))
        elif _is_releasable(history, number, now_s):
            found.append(Duty("release", (number,)))
    mine = history.seats[seat]
    for dispute in history.open_disputes.values():
        if dispute.is_over(now_s - CLOCK_SLACK_S):
            found.append(Duty("resolve", (dispute.number,)))
        elif dispute.stage == Stage.DRAWING:
            # R26.5: the challenger has the jury drawn, or loses its bond.
            found.append(Duty("summon", (dispute.number,), is_own=dispute.claim.challenger in mine.keys))
    # A new hot key's node finishes the rotation itself; what changes the cold key alone is finished by this one.
    if mine.announced is not None and mine.announced[0] == mine.peer and is_rotation_due(history, seat, now_s):
        found.append(Duty("finish_rotation", (seat,), is_own=True))
    return found


def count_members_ahead(history: History, seat: int) -> int:
    """How many members are to do a duty that anyone may do before this one. 0: do it now (R21)."""
    if history.round is None:
        return seat
    # A seat below the floor may be the one that a duty is about, and is no help.
    able = history.members & ~history.below | 1 << seat
    return history.draw_duty_order(able).index(seat)


def _is_releasable(history: History, seat: int, now_s: float) -> bool:
    held = history.seats[seat]
    is_free = held.free_at is not None and not held.is_released and now_s >= held.free_at + CLOCK_SLACK_S
    return is_free and held.disputes == 0 and not history.is_in_round(seat)


def choose_calls(ready: Sequence[Duty]) -> list[Duty]:
    """What to send at once, most urgent first: calls of different trials do each other no harm, and one other call.

    Votes have deadlines, but a flood of claims to vote on must keep neither their ends nor another duty waiting.
    """
    others = [duty for duty in ready if duty.call not in _OF_TRIALS][:1]
    ends = [duty for duty in ready if duty.call in _OF_TRIALS and duty.call != "vote"]
    votes = [duty for duty in ready if duty.call == "vote"]
    room = CALLS_AT_ONCE - len(others)
    ends = ends[: max(room - len(votes), CALLS_AT_ONCE // 4)]
    return [*votes[: room - len(ends)], *ends, *others]


class Duties:
    """Makes the calls that are due when the peer has nothing more urgent to do."""

    def __init__(
        self, follower: Follower, evidence: EvidenceStore, voting: Voting, watcher: Watcher, notices: Notices
    ) -> None:
        self._follower, self._evidence, self._notices = follower, evidence, notices
        self._voting, self._watcher = voting, watcher
        self._since: dict[Duty, float] = {}
        self._not_before: dict[Duty, float] = {}
        self._reverts: dict[Duty, int] = {}
        self._is_poor = False

    @property
    def _history(self) -> History:
        return self._follower.history

    def close(self) -> None:
        """Drop what is being recomputed."""
        self._voting.close()
        self._watcher.close()

    async def attend(self, seat: int) -> bool:
        """Make the calls that are due and whose turn has come, some at once. Returns whether there were any.

        seat: the peer's own, held or given up and not released.
        """
        self._voting.look(seat)
        self._watcher.look(seat, is_busy=self._voting.is_working)
        due, now = self._find_due(seat), time.monotonic()
        self._since = {duty: self._since.get(duty, now) for duty in due}
        self._not_before = {duty: at for duty, at in self._not_before.items() if at > now}
        self._reverts = {duty: times for duty, times in self._reverts.items() if duty in self._since}
        waits = _STEP_S * count_members_ahead(self._history, seat)
        ready = [
            duty
            for duty in due
            if now >= max(self._since[duty] + waits * (not duty.is_own), self._not_before.get(duty, 0.0))
        ]
        if ready:
            await self._do_all(choose_calls(ready), seat)
        return bool(ready)

    def _find_due(self, seat: int) -> list[Duty]:
        votes = [Duty("vote", said, is_own=True) for said in self._voting.list_votes(seat)]
        reports = [
            Duty("report_equivocation", one.call_arguments()) for one in self._evidence.list_open(self._history)
        ]
        return votes + reports + find_duties(self._history, seat, time.time()) + self._find_claims()

    def _find_claims(self) -> list[Duty]:
        """What pledges coin for what was recomputed, and gets it back."""
        bond, watcher = self._history.terms.dispute_bond, self._watcher
        appeals = [
            Duty("appeal", said, value_wei=APPEAL_BONDS * bond)
            for said in watcher.list_appeals(self._voting.list_appeals())
        ]
        disputes = [Duty("dispute", said, value_wei=bond) for said in watcher.list_disputes()]
        return appeals + disputes + [Duty("withdraw", (), is_own=True)] * watcher.is_owed()

    async def _do_all(self, duties: Sequence[Duty], seat: int) -> None:
        self._not_before.update(dict.fromkeys(duties, time.monotonic() + _HOLD_OFF_S))
        try:
            wanted = [duty for duty in duties if not duty.value_wei or await self._can_pledge(duty.value_wei)]
            if not wanted:
                return
            done = await self._follower.call_all(
                lambda _: self._find_due_still(wanted, seat), timeout_s=self._waiting_s
            )
        except (CallNotDone, Refused, ChainTrouble) as error:
            # No duty is worth a node's end, nor a reorganisation while some were under way.
            _log.info("duties not taken calls=%s reason=%s", ",".join(duty.call for duty in duties), error)
            return
        self._note_reverts({duty: done[duty.planned] for duty in wanted if duty.planned in done})
        for call, outcome in done.items():
            if isinstance(outcome, CallNotDone):
                # Most often another member was faster.
                _log.info("duty not taken call=%s reason=%s", call.name, outcome)
            else:
                _log.info("duty done call=%s first=%s", call.name, next(iter(call.arguments), ""))
        if any(call.name == "dispute" and not isinstance(outcome, CallNotDone) for call, outcome in done.items()):
            await self._summon(seat)

    def _find_due_still(self, duties: Sequence[Duty], seat: int) -> list[PlannedCall]:
        due = set(self._find_due(seat))
        return [duty.planned for duty in duties if duty in due]

    def _note_reverts(self, done: Mapping[Duty, Receipt | CallNotDone]) -> None:
        """A duty that the contract refuses, whatever the history says of it, must not cost gas twice a minute."""
        for duty, outcome in done.items():
            if isinstance(outcome, Reverted):
                self._reverts[duty] = self._reverts.get(duty, 0) + 1
                pause_s = min(_HOLD_OFF_S * 2 ** (self._reverts[duty] - 1), _HOLD_OFF_MAX_S)
                self._not_before[duty] = time.monotonic() + pause_s

    @property
    def _waiting_s(self) -> float:
        """For how long calls may be waited for before the round has its turn; what was sent is taken up later."""
        words = self._follower.circle.immutables
        window_s = min(words["COMMIT_WINDOW_S"], words["ATTEST_WINDOW_S"])
        return min(max(window_s / _WAITING_PART, _WAITING_MIN_S), _WAITING_MAX_S)

    async def _summon(self, seat: int) -> None:
        """At once: a claim whose jury nobody draws in 256 blocks costs its bond."""
        try:
            await self._follower.follow()
        except ChainTrouble as error:
            _log.info("jury not drawn yet reason=%s", error)
            return
        own = [duty for duty in self._find_due(seat) if duty.call == "summon" and duty.is_own]
        await self._do_all(own[:CALLS_AT_ONCE], seat)

    async def _can_pledge(self, wei: int) -> bool:
        """The account pays for its rounds first. Raises ChainUnreachable."""
        is_poor = await self._follower.fetch_balance_wei() < wei + _RESERVE_WEI
        if is_poor and not self._is_poor:
            says = (
                f"this node's account holds too little to pledge {format_ether(wei)} for a claim and go on: fund "
                "it, or say with --dispute-budget 0 that it is to raise none"
            )
            self._notices.tell(Notice("no_coin_for_claims", says, True, {"value_wei": wei}))
        self._is_poor = is_poor
        return not is_poor
