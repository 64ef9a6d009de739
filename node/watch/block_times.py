"""When blocks were made: asked for in a thread of its own, the newest first, and kept.

A header's time is what the endpoint says; nothing is decided by it.
"""

import bisect
import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from ledger.chain.rpc import answers
from ledger.chain.rpc.client import ChainTrouble, Rpc
from ledger.errors import Foreseen

_log = logging.getLogger(__name__)
_PAUSE_S: Final = 5.0
_TOLD_EVERY: Final = 1000
_WANTED_MAX: Final = 200_000
_KEPT_MAX: Final = 2_000_000
YEAR_MAX_S: Final = 1 << 40
"""A later time is none: no calendar goes that far."""


class BlockTimes:
    """Block → Unix seconds. `run` asks, in one thread; any thread reads.

    on_more: called, in that thread, whenever `version` has risen.
    """

    def __init__(self, rpc: Rpc, on_more: Callable[[], None] = lambda: None) -> None:
        self._rpc, self._on_more = rpc, on_more
        self._known: dict[int, int] = {}
        # The known blocks in order, as far as `find_bounds` has needed them.
        self._ordered: list[int] = []
        # Block → whether a page lacks it: then pages are told once it is known.
        self._wanted: dict[int, bool] = {}
        self._is_lacked = False
        # The source has no header of them.
        self._untold: set[int] = set()
        self._epoch = 0
        self._lock = threading.Condition()
        self._is_ended = False
        self.version = 0
        """Rises when times have come that a page lacked: when all of them are there, and in between."""

    def find(self, block: int) -> int | None:
        """The time of a block, None where it is not known."""
        return self._known.get(block)

    def find_bounds(self, block: int) -> tuple[int, int] | None:
        """The times of the nearest known blocks before and after one that the source has no header of.

        None where its time may come yet, or where nothing is known on one side.
        """
        with self._lock:
            if block not in self._untold:
                return None
            if len(self._ordered) != len(self._known):
                self._ordered = sorted(self._known)
            at = bisect.bisect(self._ordered, block)
            if not 0 < at < len(self._ordered):
                return None
            return self._known[self._ordered[at - 1]], self._known[self._ordered[at]]

    def want(self, blocks: Iterable[int], wait_s: float = 0.0, *, is_lacked: bool = True) -> None:
        """Have these asked for before all others, and wait so long at most for them.

        is_lacked: a page lacks them; else it does not matter to anybody when they come.
        """
        missing = [block for block in blocks if block not in self._known and block not in self._untold]
        if not missing:
            return
        until = time.monotonic() + wait_s
        with self._lock:
            for block in sorted(missing):
                # The one wanted last is at the end, from where it is taken.
                self._wanted[block] = self._wanted.pop(block, False) or is_lacked
            while len(self._wanted) > _WANTED_MAX:
                del self._wanted[next(iter(self._wanted))]
            self._lock.notify_all()
            while not self._is_ended and any(block in self._wanted for block in missing):
                left_s = until - time.monotonic()
                if left_s <= 0:
                    return
                self._lock.wait(left_s)

    def put(self, block: int, time_s: int) -> None:
        """Note what was learnt on another way."""
        with self._lock:
            self._known[block] = time_s

    def forget_from(self, block: int) -> None:
        """This block and later ones were taken back."""
        with self._lock:
            self._epoch += 1
            self._ordered = []
            for known in [one for one in self._known if one >= block]:
                del self._known[known]
            self._untold = {one for one in self._untold if one < block}

    def end(self) -> None:
        """Let `run` return, and nobody wait any more."""
        with self._lock:
            self._is_ended = True
            self._lock.notify_all()

    def run(self) -> None:
        """Ask until `end`. An endpoint that does not answer is asked again after a pause."""
        while True:
            with self._lock:
                while not self._wanted and not self._is_ended:
                    self._lock.wait()
                if self._is_ended:
                    return
                block, epoch = next(reversed(self._wanted)), self._epoch
            try:
                found = self._ask(block)
            except (ChainTrouble, Foreseen) as error:
                _log.info("time of block not told block=%d reason=%s", block, error)
                with self._lock:
                    self._lock.wait_for(lambda: self._is_ended, _PAUSE_S)
                continue
            self._take(block, found, epoch)

    def _ask(self, block: int) -> int | None:
        parse = answers.or_null(answers.block_parser(block))
        found = self._rpc.request("eth_getBlockByNumber", [hex(block), False], parse)
        return None if found is None or found.time_s > YEAR_MAX_S else found.time_s

    def _take(self, block: int, time_s: int | None, epoch: int) -> None:
        with self._lock:
            if epoch != self._epoch:
                return
            self._is_lacked |= self._wanted.pop(block, False)
            if time_s is None:
                self._untold.add(block)
            elif len(self._known) < _KEPT_MAX:
                self._known[block] = time_s
            is_told = self._is_lacked and (not self._wanted or len(self._known) % _TOLD_EVERY == 0)
            if is_told:
                self._is_lacked = False
                self.version += 1
            self._lock.notify_all()
        if is_told:
            self._on_more()
