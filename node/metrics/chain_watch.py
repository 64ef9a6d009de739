"""The chain's newest block and an account's balance, asked for every few seconds by a thread.

A chain thread may be busy with a transaction for a minute, and a scrape is not to wait for an endpoint. It
gets what was seen some seconds ago, and when that was.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ledger.chain.rpc import answers
from ledger.chain.rpc.client import ChainTrouble, Rpc
from ledger.chain.rpc.failover import connect
from ledger.chain.rpc.patience import EndpointPatience

EVERY_S: Final = 15.0
_PATIENCE: Final = EndpointPatience(answer_s=5.0, fault_s=0.0, busy_s=0.0, catch_up_s=0.0)


@dataclass(frozen=True)
class ChainSight:
    """What an endpoint said at one moment."""

    at_s: float
    """When, Unix seconds."""
    head: int
    """The newest block's number."""
    head_time_s: int
    """Its time, Unix seconds."""
    balance_wei: int
    """What the account holds."""


class ChainWatch:
    """Looks in a daemon thread from `start` to `close`."""

    def __init__(
        self,
        urls: Sequence[str],
        chain_id: int,
        address: str,
        *,
        every_s: float = EVERY_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """address: the account whose balance is asked for. Raises SetupError for what is no endpoint's address."""
        self._rpc: Rpc = connect(urls, chain_id, patience=_PATIENCE)
        self.endpoints = len(set(urls))
        """How many endpoints there are."""
        self._address, self._every_s, self._clock = address, every_s, clock
        self._is_over = threading.Event()
        self.sight: ChainSight | None = None
        """What was seen last; None before the first time."""
        self.is_answered = False
        """Whether the last question was answered."""
        self.reason = "not asked yet"
        """Why it was not."""
        self.rounds: Callable[[], None] = lambda: None
        """Called after each look, in the thread: for what else takes its time."""

    def start(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._run, name="metrics-chain", daemon=True).start()

    def close(self) -> None:
        """Look no more; what is under way ends by itself."""
        self._is_over.set()

    def look(self) -> None:
        """Ask once. Blocking, for some seconds at most an endpoint."""
        try:
            block = self._rpc.request("eth_getBlockByNumber", ["latest", False], answers.block_parser(None))
            balance = self._rpc.fetch_number("eth_getBalance", self._address, "latest")
        except ChainTrouble as error:
            self.is_answered, self.reason = False, str(error)
            return
        self.sight = ChainSight(self._clock(), block.number, block.time_s, balance)
        self.is_answered, self.reason = True, ""

    def _run(self) -> None:
        while not self._is_over.is_set():
            self.look()
            self.rounds()
            self._is_over.wait(self._every_s)
