"""What a peer lacks for a while: told once, asked for again after a pause."""

import time
from collections.abc import Callable
from typing import Final

from node.operating.notices import Notice

AGAIN_S: Final = 5.0


class Lacks:
    """Things by name. tell: called with a notice where one is lacking that was not, and where it is here again."""

    def __init__(self, tell: Callable[[Notice], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._tell, self._clock = tell, clock
        self._asked_at: dict[str, float] = {}

    def note_lacking(self, name: str, reason: str, does: str) -> None:
        """It was asked for just now and is not to be had. does: what the peer does meanwhile."""
        if name not in self._asked_at:
            self._tell(Notice("lacking", f"{reason}; {does}, and asks again", fields={"what": name}))
        self._asked_at[name] = self._clock()

    def note_here(self, name: str) -> None:
        """It is here."""
        if self._asked_at.pop(name, None) is not None:
            self._tell(Notice("had", f"{name} is here again", is_bad=False, fields={"what": name}))

    def is_due(self, name: str) -> bool:
        """Whether it is time to ask: it is not known to be lacking, or was asked for long ago."""
        return self._clock() - self._asked_at.get(name, -float("inf")) >= AGAIN_S
