"""What a node tells while it runs: what has become of its seat, as it changes, and one event a round."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from ledger.chain.rpc.client import ChainTrouble
from ledger.circle.history import Round
from ledger.circle.reputation import FULL
from ledger.judging.screening import RoundVerdicts
from node.follower import Follower
from node.learning.private.budget import Spending
from node.operating.meter import Meter
from node.operating.notices import Notice, Notices
from node.seat.fate import Purse, Standing, find_news, find_standing

_log = logging.getLogger(__name__)


class SeatReporter:
    """Tells of one node.

    report: called with the round events. bytes_sent: bodies handed to the network so far. keep: notes a round event
    on the disk; it may raise OSError, and the node goes on without.
    """

    def __init__(
        self,
        report: Callable[[dict[str, Any]], None],
        notices: Notices,
        follower: Follower,
        meter: Meter,
        bytes_sent: Callable[[], int],
        keep: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:
        self._keep = keep
        self._report, self._notices, self._follower = report, notices, follower
        self._meter, self._bytes_sent = meter, bytes_sent
        self._standing: Standing | None = None
        self._rollbacks = 0
        self._purse = Purse()
        self._is_privacy_told = False
        self._lap_started = time.monotonic()
        self._bytes_before = self._gas_before = 0

    def report_standing(self, seat: int) -> bool:
        """Tell what has become of the seat since the last look. Returns whether its judges lacked its update."""
        history, rollbacks = self._follower.history, self._follower.rollbacks
        is_known = self._standing is not None and self._standing.seat == seat and rollbacks == self._rollbacks
        standing = find_standing(history, seat, self._standing if is_known else None)
        told = find_news(self._standing, standing, history.terms)
        self._standing, self._rollbacks = standing, rollbacks
        for notice in told:
            self._notices.tell(notice)
        return any(notice.kind == "unheard" for notice in told)

    async def report_round(
        self,
        round_: Round,
        seat: int,
        screened: RoundVerdicts,
        figures: Mapping[str, Any],
        better: Mapping[str, str],
        spending: Spending | None = None,
    ) -> None:
        """One event: what the round was like and what it cost. Then whether coin and privacy last.

        figures: the task's, the main one first. better: of those where it is known, whether `higher` or `lower` is.
        spending: of privacy; None where the circle has no terms for it.
        """
        sent, gas, now = self._bytes_sent(), self._follower.sender.gas_spent, time.monotonic()
        event = {
            "event": "round",
            "round": round_.number,
            "seat": seat,
            "figures": figures,
            "better": better,
            "verdicts": {entry.seat: entry.verdict for entry in screened.entries},
            "reputation": round_.reputations[seat] / FULL,
            "seconds": now - self._lap_started,
            "bytes_sent": sent - self._bytes_before,
            "gas": gas - self._gas_before,
            "cpu_s": self._meter.lap(),
            **({} if spending is None else {"privacy": spending.to_fields()}),
        }
        await self._note(event)
        self._report(event)
        self._tell_of_privacy(spending)
        self._lap_started, self._bytes_before, self._gas_before = now, sent, gas
        try:
            balance_wei = await self._follower.fetch_balance_wei()
        except ChainTrouble as error:
            _log.info("balance not known reason=%s", error)
            return
        rounds_to_go = self._follower.history.terms.last_round - round_.number
        if (notice := self._purse.note(balance_wei, rounds_to_go)) is not None:
            self._notices.tell(notice)

    async def _note(self, event: dict[str, Any]) -> None:
        try:
            await asyncio.to_thread(self._keep, event)
        except OSError as error:
            _log.warning("round not noted round=%d reason=%s", event["round"], error)

    def _tell_of_privacy(self, spending: Spending | None) -> None:
        """Once, when no further round can be paid for."""
        if spending is None or spending.rounds_left != 0 or self._is_privacy_told:
            return
        self._is_privacy_told = True
        spent, budget = spending.spent_milli / 1000, spending.budget_milli / 1000
        sentence = (
            f"the privacy budget is spent: ε {spent:g} of {budget:g}, and one more round would be too much; the"
            " node trains no more in this circle, and goes on judging the others"
        )
        fields = {"spent_epsilon": spent, "budget_epsilon": budget}
        self._notices.tell(Notice("privacy_spent", sentence, is_bad=False, fields=fields))
