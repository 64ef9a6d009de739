"""What a member does for the circle beside its rounds: report, eject, release, summon, vote, resolve, rotate.

Anyone may make most of these calls. So that not all do at once, each waits its turn in the order of the round's
chores; who finds it done meanwhile drops it.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Final

from ledger.audit.jury import Truth
from ledger.blobs.fetch import Unavailable
from ledger.chain.rpc import ChainUnreachable, RpcFault
from ledger.chain.sender import NoFunds, NoReceipt, Reverted
from ledger.errors import PeerFault
from ledger.history import History
from ledger.members import Dispute
from ledger.topology import duty_order
from node.evidence import EvidenceStore
from node.follower import Follower, Overtaken
from node.jury import Fetch, truth_of

_log = logging.getLogger(__name__)
_STEP_S: Final = 3.0
_HOLD_OFF_S: Final = 30.0
_RECOMPUTE_AGAIN_S: Final = 15.0
# The chain's clock may be a little behind this machine's.
_SLACK_S: Final = 1.0


@dataclass(frozen=True)
class Duty:
    """One call that is due. is_own: nobody else can make it, so it waits for nobody."""

    call: str
    arguments: tuple[object, ...]
    is_own: bool = False


def duties_of(history: History, seat: int, now_s: float) -> list[Duty]:
    """What is due by the chain alone. seat: the peer's own. now_s: Unix time."""
    after = history.parameters.eject_after
    found: list[Duty] = []
    for number, held in history.seats.items():
        if held.is_held and 0 < after <= held.strikes:
            found.append(Duty("eject", (number,)))
        elif _is_releasable(history, number, now_s):
            found.append(Duty("release", (number,)))
    for dispute in history.disputes:
        if dispute.outcome is None and (dispute.is_decided or now_s >= dispute.deadline + _SLACK_S):
            found.append(Duty("resolve", (dispute.claim.dispute,)))
        elif dispute.outcome is None and dispute.summoned is None:
            found.append(Duty("summon", (dispute.claim.dispute,)))
    mine = history.seats[seat]
    # A new hot key's node finishes the rotation itself; what changes the cold key alone is finished by this one.
    if mine.announced is not None and mine.announced[0] == mine.peer and is_rotation_due(history, seat, now_s):
        found.append(Duty("finish_rotation", (seat,), is_own=True))
    return found


def is_rotation_due(history: History, seat: int, now_s: float) -> bool:
    """Whether a seat's announced keys can be put in force now."""
    announced = history.seats[seat].announced
    return announced is not None and now_s >= announced[2] + _SLACK_S and not history.is_in_round(seat)


def votes_due(history: History, seat: int, now_s: float) -> list[Dispute]:
    """The open disputes that wait for this seat's vote."""
    return [
        dispute for dispute in history.disputes if history.may_vote(seat, dispute) and not dispute.is_over(now_s)
    ]


def turn(history: History, seat: int) -> int:
    """How many members are to do a duty that anyone may do before this one. 0: do it now."""
    round_ = history.round
    if round_ is None or history.opened is None:
        return seat
    seed = round_.seed or history.opened.task + round_.number.to_bytes(8, "big")
    # Who is below the floor may be the one whom a duty is about, and is no help.
    able = history.members & ~history.below | 1 << seat
    return duty_order(seed, able).index(seat)


def _is_releasable(history: History, seat: int, now_s: float) -> bool:
    held = history.seats[seat]
    is_free = held.free_at is not None and not held.is_released and now_s >= held.free_at + _SLACK_S
    return is_free and held.disputes == 0 and not history.is_in_round(seat)


class Duties:
    """Makes the calls that are due, one at a time, when the peer has nothing more urgent to do."""

    def __init__(self, follower: Follower, evidence: EvidenceStore, fetch: Fetch) -> None:
        """fetch: gets the blobs behind a disputed verdict."""
        self._follower, self._evidence, self._fetch = follower, evidence, fetch
        self._since: dict[Duty, float] = {}
        self._not_before: dict[Duty, float] = {}
        self._jury = _Jury(follower, fetch)

    @property
    def _history(self) -> History:
        return self._follower.history

    def close(self) -> None:
        """Drop what is being recomputed."""
        self._jury.close()

    async def attend(self, seat: int) -> bool:
        """Make one call that is due, if its turn has come. Returns whether one was made."""
        self._jury.look(seat)
        due, now = self._due(seat), time.monotonic()
        self._since = {duty: self._since.get(duty, now) for duty in due}
        for duty in due:
            waits = 0.0 if duty.is_own else _STEP_S * turn(self._history, seat)
            if now >= max(self._since[duty] + waits, self._not_before.get(duty, 0.0)):
                await self._do(duty, seat)
                return True
        return False

    def _due(self, seat: int) -> list[Duty]:
        reports = [Duty("report_equivocation", one.arguments()) for one in self._evidence.open(self._history)]
        votes = [Duty("vote", said, is_own=True) for said in self._jury.votes(seat)]
        return votes + reports + duties_of(self._history, seat, time.time())

    async def _do(self, duty: Duty, seat: int) -> None:
        self._not_before[duty] = time.monotonic() + _HOLD_OFF_S
        try:
            await self._follower.call(duty.call, *duty.arguments, only_if=lambda _: duty in self._due(seat))
        except (Reverted, NoReceipt, NoFunds, Overtaken, ChainUnreachable, RpcFault) as error:
            # Most often another member was faster; and no duty is worth a node's end.
            _log.info("duty not taken call=%s reason=%s", duty.call, error)
        else:
            _log.info("duty done call=%s first=%s", duty.call, duty.arguments[0])


class _Jury:
    """Recomputes disputed verdicts beside everything else, and remembers what came out."""

    def __init__(self, follower: Follower, fetch: Fetch) -> None:
        self._follower, self._fetch = follower, fetch
        self._found: dict[tuple[int, bytes], bool] = {}
        self._working: tuple[tuple[int, bytes], asyncio.Task[bool | None]] | None = None
        self._rest_until = 0.0

    def close(self) -> None:
        if self._working is not None:
            self._working[1].cancel()

    def votes(self, seat: int) -> list[tuple[int, bool]]:
        """(dispute, whether to uphold it) of those recomputed and not voted on yet."""
        due = votes_due(self._follower.history, seat, time.time())
        return [(one.claim.dispute, self._found[_key(one)]) for one in due if _key(one) in self._found]

    def look(self, seat: int) -> None:
        """Take in what is recomputed, and begin with the next."""
        if self._working is not None and self._working[1].done():
            key, task = self._working
            self._working = None
            found = _result(task)
            if found is None:
                self._rest_until = time.monotonic() + _RECOMPUTE_AGAIN_S
            else:
                self._found[key] = found
        if self._working is None and time.monotonic() >= self._rest_until:
            due = votes_due(self._follower.history, seat, time.time())
            todo = next((one for one in due if _key(one) not in self._found), None)
            if todo is not None:
                self._working = _key(todo), asyncio.create_task(self._recompute(todo))

    async def _recompute(self, dispute: Dispute) -> bool | None:
        claim, history = dispute.claim, self._follower.history
        network = self._follower.circle.network.domain_separator
        async with asyncio.timeout(max(1.0, dispute.deadline - time.time())):
            answered = await truth_of(history, network, claim.round, claim.judge, claim.target, self._fetch)
        _log.info("recomputed dispute=%d truth=%s", claim.dispute, answered.truth)
        return {Truth.FALSE: True, Truth.RIGHT: False}.get(answered.truth)


def _key(dispute: Dispute) -> tuple[int, bytes]:
    # With the seed: after a reorganisation the same number may be another dispute.
    return dispute.claim.dispute, dispute.seed


def _result(task: "asyncio.Task[bool | None]") -> bool | None:
    try:
        return task.result()
    except (Unavailable, PeerFault, TimeoutError, asyncio.CancelledError) as error:
        _log.info("not recomputed reason=%s", error)
        return None
