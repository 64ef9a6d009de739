"""What a seat answers in a dispute, and when it has the circle hear one: by recomputing, by nothing else (R26)."""

import asyncio
import logging
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ledger.circle.events import Answer, Disputed, Stage
from ledger.circle.history import History
from ledger.circle.members import Dispute
from ledger.judging.false_verdicts import Truth
from node.duties.jury import FetchBlobs, TimedFetch, read_recomputed, recompute_truth
from node.follower import Follower

_log = logging.getLogger(__name__)
# Between two tries to get what nobody gave; in a short window, a part of it.
_AGAIN_S: Final = 15.0
_AGAIN_PART: Final = 12
# For all that one try fetches: a part of a window, shared by the claims that wait, and so many seconds at least.
# A judge that shows byte by byte keeps nobody from asking through two thirds of it.
_SHOWING_PART: Final = 6
_SHOWING_MIN_S: Final = 10.0
# About as many as votes go out at once.
_CLAIMS_A_LOOK: Final = 16
_FINAL: Final = (Truth.FALSE, Truth.RIGHT, Truth.UNKNOWABLE)


@dataclass
class ClaimCase:
    """What this node knows of one claim."""

    truth: Truth | None = None
    """What recomputing gave; None before."""
    asked_from_s: float = 0.0
    """Unix time of the first try; 0 before."""
    asked_to_s: float = 0.0
    """Unix time of the last try; 0 before."""
    rest_until_s: float = 0.0
    """No try before, on the monotonic clock."""

    @property
    def is_final(self) -> bool:
        """Trying again would give the same."""
        return self.truth in _FINAL

    def answer(self, deadline_s: float, window_s: float) -> Answer | None:
        """What to vote in a stage that ends at its deadline, Unix seconds; None for nothing, or nothing yet.

        *Withheld* is said only by a voter that asked from the first third of the window on into its last one: the
        judge has until then to show what it judged from.
        """
        if self.truth == Truth.FALSE:
            return Answer.UPHOLDS
        # A claim that nobody can recompute cannot be shown to be false: a juror that kept silent would pay for
        # each such claim.
        if self.truth in (Truth.RIGHT, Truth.UNKNOWABLE):
            return Answer.REJECTS
        third = window_s / 3
        is_asked = 0 < self.asked_from_s <= deadline_s - 2 * third and self.asked_to_s >= deadline_s - third
        return Answer.WITHHELD if self.truth == Truth.WITHHELD and is_asked else None


def find_votes_due(history: History, seat: int, now_s: float) -> list[Dispute]:
    """The open disputes that wait for this seat's vote."""
    return [
        dispute
        for dispute in history.open_disputes.values()
        if history.may_vote(seat, dispute) and not dispute.is_over(now_s)
    ]


def find_open_appeals(history: History, now_s: float) -> list[Dispute]:
    """The disputes that anyone may take from the jury to the circle now."""
    return [
        dispute
        for dispute in history.open_disputes.values()
        if dispute.stage == Stage.APPEAL and not dispute.is_over(now_s)
    ]


class Answers(Protocol):
    """Chooses what to vote: a peer that follows the protocol, the answer that recomputing gave."""

    def __call__(self, answer: Answer, *, is_own: bool) -> Answer:
        """is_own: the claim is about what this peer said."""
        ...


class Voting:
    """Recomputes disputed claims beside everything else, one after the other, and remembers what came out.

    While calls wait for their blocks it goes on with the claims of the last look: a flood of claims is answered as
    fast as it can be recomputed. may_appeal: whether it also recomputes what a jury has decided, to appeal where
    the jury was wrong.
    """

    def __init__(
        self,
        follower: Follower,
        fetch: FetchBlobs,
        answers: Answers,
        *,
        may_appeal: bool,
        find: FetchBlobs | None = None,
    ) -> None:
        """find: gives what is here already, and asks nobody."""
        self._follower, self._fetch, self._find, self._may_appeal = follower, fetch, find, may_appeal
        self._answers = answers
        self._cases: dict[Hashable, ClaimCase] = {}
        self._working: asyncio.Task[None] | None = None

    @property
    def _history(self) -> History:
        return self._follower.history

    @property
    def is_working(self) -> bool:
        """Something is being recomputed now."""
        return self._working is not None and not self._working.done()

    def close(self) -> None:
        """Drop what is being recomputed."""
        if self._working is not None:
            self._working.cancel()

    def list_votes(self, seat: int) -> list[tuple[int, int]]:
        """The arguments of `vote`, of the disputes that are recomputed and not voted on yet."""
        window_s = self._history.terms.dispute_window_s
        due = [(one, self._case_of(one.claim)) for one in find_votes_due(self._history, seat, time.time())]
        answers = [(one, case.answer(one.deadline, window_s)) for one, case in due]
        heard = [(one, answer) for one, answer in answers if answer is not None]
        return [
            (one.number, one.vote_argument(self._answers(answer, is_own=one.claim.judge == seat)))
            for one, answer in heard
        ]

    def list_appeals(self) -> list[tuple[int, int]]:
        """The arguments of `appeal`, where a jury did not find for a claim that recomputing shows to be right."""
        due = find_open_appeals(self._history, time.time())
        wrong = [one for one in due if self._case_of(one.claim).truth == Truth.FALSE]
        return [(one.number, one.vote_argument(Answer.REJECTS)) for one in wrong]

    def look(self, seat: int) -> None:
        """Go on with what is to be recomputed, where nothing is under way."""
        if not self.is_working and (todo := self._list_next(seat)):
            self._working = asyncio.create_task(self._work([(one, self._case_of(one.claim)) for one in todo]))

    async def _work(self, todo: Sequence[tuple[Dispute, ClaimCase]]) -> None:
        for dispute, case in todo:
            if dispute.is_over(time.time()):
                continue
            case.asked_from_s = case.asked_from_s or time.time()
            task = asyncio.create_task(self._recompute(dispute, self._showing_s()))
            try:
                await asyncio.wait({task})
            finally:
                task.cancel()
            self._note(case, read_recomputed(task, _log))

    def _note(self, case: ClaimCase, truth: Truth | None) -> None:
        if truth is not None:
            case.truth, case.asked_to_s = truth, time.time()
        if not case.is_final:
            again_s = self._history.terms.dispute_window_s / _AGAIN_PART
            case.rest_until_s = time.monotonic() + min(_AGAIN_S, again_s)

    def _list_next(self, seat: int) -> list[Dispute]:
        """What was tried longest ago, of what is to be recomputed; of what was never tried, what ends first.

        A few claims whose judges show nothing must not keep this seat from all the others.
        """
        due = find_votes_due(self._history, seat, time.time())
        due += find_open_appeals(self._history, time.time()) if self._may_appeal else []
        now = time.monotonic()
        open_ = {self._key(one.claim) for one in self._history.open_disputes.values()}
        self._cases = {key: case for key, case in self._cases.items() if key in open_}
        todo = [one for one in due if not (case := self._case_of(one.claim)).is_final and case.rest_until_s <= now]
        todo.sort(key=lambda one: (self._case_of(one.claim).rest_until_s, one.deadline))
        return todo[:_CLAIMS_A_LOOK]

    def _case_of(self, claim: Disputed) -> ClaimCase:
        return self._cases.setdefault(self._key(claim), ClaimCase())

    def _key(self, claim: Disputed) -> Hashable:
        # With the seed and what was said: after a reorganisation the same number may be about something else.
        round_ = self._history.rounds[claim.round - 1]
        return claim.dispute, claim.judge, claim.target, round_.seed, round_.attestations.get(claim.judge)

    def _showing_s(self) -> float:
        waiting = sum(not case.is_final for case in self._cases.values())
        return max(_SHOWING_MIN_S, self._history.terms.dispute_window_s / _SHOWING_PART / max(1, waiting))

    async def _recompute(self, dispute: Dispute, showing_s: float) -> Truth | None:
        claim, history = dispute.claim, self._history
        fetch = TimedFetch(self._fetch, showing_s, self._find)
        network = self._follower.circle.network.domain_separator
        async with asyncio.timeout(max(1.0, dispute.deadline - time.time())):
            found = await recompute_truth(history, network, claim.round, claim.judge, claim.target, fetch)
        _log.info(
            "dispute recomputed dispute=%d stage=%s truth=%s", dispute.number, dispute.stage.name, found.truth
        )
        return found.truth
