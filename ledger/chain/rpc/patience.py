"""For how long what endpoints do wrong is borne, and what happens meanwhile: a pause, and the question again."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from ledger.untrusted.text import make_printable

if TYPE_CHECKING:
    from ledger.chain.rpc.client import Rpc

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True)
class EndpointPatience:
    """For how long endpoints' faults are borne. Seconds."""

    answer_s: float = 10.0
    """For an answer."""
    probe_s: float = 3.0
    """For an answer to a first question."""
    fault_s: float = 20.0
    """For so long a request is asked again that nobody answers as it should be."""
    busy_s: float = 120.0
    """The same where somebody asks for patience."""
    catch_up_s: float = 5.0
    """For so long something is waited for that a slow endpoint may lack, and that may not be there at all."""
    first_again_s: float = 60.0
    """After this long the first endpoint is tried again."""
    lag_s: float = 60.0
    """After this long with nobody at the height once seen, that height is given up."""

    @classmethod
    def of(cls, seconds: float) -> "EndpointPatience":
        """So long for faults, and the rest in proportion."""
        usual = cls()
        return cls(
            fault_s=seconds,
            busy_s=seconds * usual.busy_s / usual.fault_s,
            catch_up_s=min(seconds, usual.catch_up_s),
        )


NONE: Final = EndpointPatience(fault_s=0.0, busy_s=0.0, catch_up_s=0.0)
"""What is wrong is raised at once."""


@dataclass
class Backoff:
    """Longer and longer pauses, seconds, each different for everybody."""

    first_s: float = 0.25
    """The first pause, before the dice."""
    most_s: float = 8.0
    """The longest pause, before the dice."""
    dice: Callable[[], float] = random.random
    """Gives a number in 0..1."""
    _next_s: float = 0.0

    def pause_s(self, asked_for_s: float = 0.0) -> float:
        """The next pause. asked_for_s: what the endpoint asks for, which is kept to and a little more."""
        self._next_s = min(2 * self._next_s or self.first_s, self.most_s)
        return max(self._next_s * (0.5 + 0.5 * self.dice()), asked_for_s * (1.0 + 0.1 * self.dice()))


def insist(
    rpc: "Rpc",
    read: Callable[[], _T],
    faults: type[Exception] | tuple[type[Exception], ...],
    borne_s: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> _T:
    """Read something that takes several answers, again and elsewhere while these do not fit together.

    faults: what waiting may explain. borne_s: so long after the first of them it is raised.
    """
    failed_at, backoff = None, Backoff()
    while True:
        try:
            return read()
        except faults as error:
            now, pause_s = clock(), backoff.pause_s()
            failed_at = now if failed_at is None else failed_at
            if now + pause_s - failed_at > borne_s:
                raise
            _log.info("reading again in_s=%.1f reason=%s", pause_s, make_printable(str(error)))
            rpc.doubt(str(error))
            sleep(pause_s)
