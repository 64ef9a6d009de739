"""How long the others take to commit, so that a peer that trains for many times as long ends its training then.

A round waits for all on its roster (R3.7), so one slow machine would hold up all others in every round, or cost
them a whole window. Training is its peer's own affair, and fewer steps are an update like any other.
"""

import math
import time
from collections.abc import Callable
from typing import Final

from ledger.circle.draw import seats_of
from ledger.circle.history import History, Phase, Round

STRAGGLES: Final = 3.0
"""Who takes no more than so many times what the others take is waited for until it has done."""
_LEAST_S: Final = 2.0
_SHARE: Final = 0.75
"""How long the others take is how long so many of them do: a few that are slow as well say nothing."""
_DOZING: Final = 0.75
"""Nobody waits for a seat that dozes: it has to be ready while the others are not yet."""
_KEPT: Final = 3


class Pace:
    """One peer's view of it.

    own_seat: the peer's, None before it has one. now: seconds of a clock that only goes on. `note` is told of all
    changes, in one thread; whoever trains asks `is_over` in another.
    """

    def __init__(
        self, own_seat: Callable[[History], int | None], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._own_seat, self._now = own_seat, now
        self._number = 0
        self._opened_s: float | None = None
        self._committed_s: dict[int, float] = {}
        self._took_s: tuple[float, ...] = ()
        self._present_s: float | None = None
        # How long it was until more than half of the others had committed in this round; None while they have not.
        self._done_s: float | None = None
        self._is_dozing = False
        self._whole: int | None = None

    def note(self, history: History) -> None:
        """Look who has committed since."""
        round_, own, now = history.round, self._own_seat(history), self._now()
        if round_ is None:
            return
        if round_.number != self._number:
            self._begin(round_.number, now, is_followed=self._is_new(round_))
        if own is None or self._opened_s is None:
            return
        self._is_dozing = bool(history.dozing >> own & 1)
        for seat in round_.commits:
            self._committed_s.setdefault(seat, now - self._opened_s)
        others = (history.roster | round_.committed) & ~(1 << own)
        times = sorted(took for seat, took in self._committed_s.items() if seat != own)
        # Once the phase is over, who has not committed is waited for no more.
        count = len(seats_of(others)) if history.phase == Phase.COMMIT else len(times)
        if 0 < (wanted := math.ceil(_SHARE * count)) <= len(times):
            self._present_s = times[wanted - 1]
        if self._done_s is None and 2 * len(times) > count:
            self._done_s = times[count // 2]

    def is_over(self, number: int, passes: int, took_s: float) -> bool:
        """Whether training for a round has to end. passes: of the model, so far. took_s: seconds they took."""
        opened_s, limit_s = self._opened_s, self._find_limit_s()
        # Training ahead has its time until the round opens.
        if limit_s is None or opened_s is None or number > self._number:
            return False
        # A round in which all take longer than in the last ones makes a straggler of nobody.
        if self._done_s is None and not self._is_dozing:
            return False
        late_s = self._now() - opened_s
        if late_s < limit_s:
            return False
        left = 0 if self._whole is None else max(0, self._whole - passes)
        return late_s + left * took_s / passes > STRAGGLES * limit_s

    def note_training(self, passes: int, *, is_whole: bool) -> None:
        """A round's training took so many passes, or ended after so many."""
        if is_whole:
            self._whole = passes
        elif self._whole is None:
            # More than it got to in three times the time that the others take.
            self._whole = 2 * passes

    def _is_new(self, round_: Round) -> bool:
        """It opened between the last look and this one."""
        return not round_.commits or (self._number > 0 and round_.number == self._number + 1)

    def _begin(self, number: int, now: float, *, is_followed: bool) -> None:
        if self._present_s is not None:
            self._took_s = (*self._took_s, self._present_s)[-_KEPT:]
        self._number, self._committed_s, self._present_s, self._done_s = number, {}, None, None
        # Of a round that was met under way nobody can say how long it has been.
        self._opened_s = now if is_followed else None

    def _find_limit_s(self) -> float | None:
        took_s = max(self._took_s, default=self._present_s)
        if took_s is None:
            return None
        return max(_LEAST_S, took_s * _DOZING if self._is_dozing else max(took_s, self._done_s or 0.0))
