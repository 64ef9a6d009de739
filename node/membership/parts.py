"""What a peer works with, whether it has a seat or not."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from ledger.chain.circle import Circle
from ledger.circle.history import History
from node.behaviour import Behaviour
from node.follower import Follower
from node.operating.meter import Meter
from node.round.announcements import AnnouncementJournal
from node.round.pace import Pace
from node.round.phase_clock import PhaseClock
from node.seat.tenancy import Tenancy
from node.services import Services
from node.state.keeping import HandingOver

_T = TypeVar("_T")
# For one blob behind a disputed verdict.
_BLOBS_S: Final = 30.0
_ASKED_PART: Final = 6


class Worker:
    """One thread for what takes long, off the event loop: training, encoding, screening, evaluating."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="learner")

    async def run(self, work: Callable[[], _T]) -> _T:
        """Do it, after all that was asked for before."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Begin with nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)


class Meanwhile(Protocol):
    """Does work that takes long, and meanwhile the duties that wait for nobody's training."""

    async def __call__(self, work: Callable[[], _T]) -> _T:
        """Raises Overtaken where the seat was given up meanwhile."""
        ...


@dataclass(frozen=True)
class PeerParts:
    """One of each, from a peer's start to its end."""

    circle: Circle
    """Read through the chain's endpoints."""
    follower: Follower
    """Follows the circle's history, and makes the peer's calls."""
    services: Services
    """Gossip, gateway and store."""
    clock: PhaseClock
    """How long the circle has been where it is, and how late that is."""
    pace: Pace
    """How long the others take to commit."""
    tenancy: Tenancy
    """Holds the seat against other processes with its key."""
    journal: AnnouncementJournal
    """What the key has announced."""
    behaviour: Behaviour
    """What the peer does at the hooks; nothing, for an honest one."""
    meter: Meter
    """Measures CPU time by part."""
    worker: Worker
    """Does the heavy work, off the event loop."""
    handing: HandingOver
    """Has members keep this peer's blobs while nobody reaches it."""
    fail_at: Callable[[int, str], None]
    """Told of each round and step; for tests, which end the process there."""

    @property
    def history(self) -> History:
        """What the chain says."""
        return self.follower.history

    @property
    def network(self) -> bytes:
        """The circle's name in all that is signed, 32 bytes."""
        return self.circle.network.domain_separator

    @property
    def address(self) -> str:
        """The peer's own."""
        return self.follower.sender.address

    async def fetch_blobs(
        self, wanted: Mapping[bytes, int], max_bytes: int, *, asks_daemon: bool = False
    ) -> Mapping[bytes, bytes | None]:
        """Digest → seat to be asked first in, blobs out, to recompute what was said. Raises Unavailable.

        asks_daemon: for what no gateway gives. Not for a vote or a claim: what a judge shows to those who have a
        daemon and to no others would divide a jury (R20.4).
        """
        parameters = self.history.terms
        # Within a vote's window there is time to ask again.
        timeout_s = (
            min(_BLOBS_S, parameters.dispute_window_s / _ASKED_PART) if parameters.dispute_bond else _BLOBS_S
        )
        exchange = self.services.exchange
        return await exchange.fetch_blobs(
            self.history, wanted, max_bytes=max_bytes, timeout_s=timeout_s, asks_daemon=asks_daemon
        )

    async def find_blobs(self, wanted: Mapping[bytes, int], max_bytes: int) -> Mapping[bytes, bytes | None]:
        """The same of what is in the store already, asking nobody. Raises Unavailable."""
        return await self.services.exchange.find_blobs(wanted, max_bytes=max_bytes)

    def unseal(self, digest: bytes) -> None:
        """Let others fetch an update of this peer's own, once no commit can copy it any more."""
        with self.meter.measure_section("blobs"):
            self.services.store.unseal(digest)
            if not self.behaviour.is_unreadable:
                self.services.pin(digest)
