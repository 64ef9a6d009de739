"""How long the circle has been where it is, and how late that is."""

import time
from typing import Final

from ledger.chain.rpc.client import ChainUnreachable
from ledger.circle.history import PATIENCE_WINDOWS, History, Phase
from node.follower import Follower
from node.round.next_step import Lateness, count_seats_ahead, is_heard

_DUTY_STEP_S: Final = 3.0
_DEADLINE_AFTER_S: Final = 3.0
# The block that a round's seed follows from is known for 256 blocks, and how many there are by now is a question.
_SEED_AFTER_S: Final = 15.0
_SEED_BLOCKS: Final = 256


class PhaseClock:
    """Starts anew whenever the circle moves on; `note` is told of every change."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._phase: tuple[int, Phase, bytes | None, bool] | None = None
        self._since = 0.0
        self._deadline_s: int | None = None
        self._due_since: float | None = None
        self._seed_asked = 0.0
        self._is_lost = False

    def note(self, history: History, *, anew: bool = False) -> None:
        """Look where the circle is. anew: a reorganisation may have changed the deadline of the same phase."""
        round_ = history.round
        is_full = round_ is not None and is_heard(history, round_)
        # With the seed: a round whose seed was lost is drawn again, and has a new deadline then.
        now = (round_.number if round_ else 0, history.phase, round_.seed if round_ else None, is_full)
        if anew or now != self._phase:
            self._phase, self._since = now, time.monotonic()
            self._seed_asked, self._is_lost = self._since, False
            self._deadline_s = self._due_since = None

    async def measure_lateness(self) -> Lateness:
        """How late the open phase is; the chain is asked only once waiting is long."""
        late_s = await self.measure_late_s()
        patience_s = PATIENCE_WINDOWS * self._follower.circle.attest_window_s
        return Lateness(late_s > 0, late_s > patience_s, await self._is_seed_lost())

    async def measure_late_s(self) -> float:
        """Seconds since the open phase's deadline, 0 before it; the chain is asked only once waiting is long."""
        if self._follower.history.phase not in (Phase.COMMIT, Phase.ATTEST):
            return 0.0
        if time.monotonic() - self._since < _DEADLINE_AFTER_S:
            return 0.0
        if self._deadline_s is None:
            try:
                self._deadline_s = (await self._follower.fetch_state()).deadline_s
            except ChainUnreachable:
                return 0.0
        return max(0.0, time.time() - self._deadline_s - 1)

    async def _is_seed_lost(self) -> bool:
        """Nobody attested while the chain still knew the block that the seed follows from (R3.9)."""
        history = self._follower.history
        if history.phase != Phase.ATTEST or history.round is None or history.round.heard:
            return False
        if not self._is_lost and time.monotonic() - self._seed_asked >= _SEED_AFTER_S:
            self._seed_asked = time.monotonic()
            try:
                self._is_lost = await self._follower.count_blocks_since_draw() >= _SEED_BLOCKS
            except ChainUnreachable:
                return False
        return self._is_lost

    def hold_off(self, seconds: float) -> None:
        """A chore was tried: where that changes nothing, so long until it is this seat's turn again."""
        self._due_since = time.monotonic() + seconds

    def turn_begins_in_s(self, seat: int) -> float:
        """Seconds until it is this seat's turn to close or settle, which is due now; 0 or less: now."""
        if self._due_since is None:
            self._due_since = time.monotonic()
        return self._due_since + _DUTY_STEP_S * count_seats_ahead(self._follower.history, seat) - time.monotonic()
