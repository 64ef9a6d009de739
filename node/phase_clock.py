"""How long the circle has been where it is, and how late that is."""

import time
from typing import Final

from ledger.chain.rpc import ChainUnreachable
from ledger.history import History, Phase
from node.follower import Follower
from node.rounds import duty_rank

_DUTY_STEP_S: Final = 3.0
_DEADLINE_AFTER_S: Final = 3.0


class PhaseClock:
    """Starts anew whenever the circle moves on; `note` is told of every change."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._phase: tuple[int, Phase, bool] | None = None
        self._since = 0.0
        self._deadline_s: int | None = None
        self._due_since: float | None = None

    def note(self, history: History, *, anew: bool = False) -> None:
        """Look where the circle is. anew: a reorganisation may have changed the deadline of the same phase."""
        round_ = history.round
        is_full = round_ is not None and len(round_.attestations) == len(round_.commits)
        now = (round_.number if round_ else 0, history.phase, is_full)
        if anew or now != self._phase:
            self._phase, self._since = now, time.monotonic()
            self._deadline_s = self._due_since = None

    async def late_s(self) -> float:
        """Seconds since the open phase's deadline, 0 before it; the chain is asked only once waiting is long."""
        if self._follower.history.phase not in (Phase.COMMIT, Phase.ATTEST):
            return 0.0
        if time.monotonic() - self._since < _DEADLINE_AFTER_S:
            return 0.0
        if self._deadline_s is None:
            try:
                self._deadline_s = (await self._follower.state()).deadline_s
            except ChainUnreachable:
                return 0.0
        return max(0.0, time.time() - self._deadline_s - 1)

    def turn_in_s(self, seat: int) -> float:
        """Seconds until it is this seat's turn to close or settle, which is due now; 0 or less: now."""
        if self._due_since is None:
            self._due_since = time.monotonic()
        return self._due_since + _DUTY_STEP_S * duty_rank(self._follower.history, seat) - time.monotonic()
