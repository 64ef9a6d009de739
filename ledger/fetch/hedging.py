"""Getting one block from many gateways, none of which can hold up the others.

The first in the line is asked. If it fails, the next one is; if it is not on course for half a second, as many
more are asked beside it as are being asked already. So a slow gateway costs a moment, and in the end everyone in
the line was asked. A gateway that failed otherwise than by not having a block rests: for a while it stands last.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Final

from yarl import URL

from ledger.fetch.block_request import GatewayFailed

WIDTH: Final = 12
# So long a slow gateway keeps its place while others wait to be asked.
TURN_S: Final = 2.0
_REST_S: Final = 1.0
_REST_MAX_S: Final = 60.0
_RESTS_KEPT: Final = 4096
_BUSY_WAIT_S: Final = 0.25
_BUSY_WAIT_MAX_S: Final = 4.0

# Gateway, and whether it rests, in; block out. Raises GatewayFailed. The last argument hears of bytes as they come.
AskGateway = Callable[[URL, bool, Callable[[int], None]], Coroutine[None, None, bytes]]


class RestingGateways:
    """Which gateways failed lately. Each time in a row one rests twice as long, from a second to a minute."""

    def __init__(self) -> None:
        self._rests: OrderedDict[URL, tuple[float, float]] = OrderedDict()

    def note_failure(self, gateway: URL, now_s: float) -> None:
        """It could not be reached, stalled or lied."""
        _, last_s = self._rests.pop(gateway, (0.0, _REST_S / 2))
        rest_s = min(2 * last_s, _REST_MAX_S)
        self._rests[gateway] = (now_s + rest_s, rest_s)
        if len(self._rests) > _RESTS_KEPT:
            self._rests.popitem(last=False)

    def note_success(self, gateway: URL) -> None:
        """It gave what it was asked for."""
        self._rests.pop(gateway, None)

    def is_resting(self, gateway: URL, now_s: float) -> bool:
        """Whether to ask others first."""
        return gateway in self._rests and now_s < self._rests[gateway][0]


@dataclass
class FetchJob:
    """One fetch."""

    gateways: list[URL]
    """Those still asked, in the order of the caller."""
    pace: float
    """Bytes a second at which a request is on course."""
    rests: RestingGateways
    """Which gateways are left alone for a while."""
    hedge_s: float
    """Seconds until another gateway is asked as well, see BlobFetcher."""
    slots: asyncio.Semaphore
    """Bounds the requests under way."""
    gave: set[URL] = field(default_factory=set)
    """The gateways that gave a block."""
    asking: dict[URL, int] = field(default_factory=dict)
    """Gateway → its requests under way."""
    received: dict[URL, int] = field(default_factory=dict)
    """Gateway → bytes so far."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Gateway → what failed there."""

    def rank_gateways(self, now_s: float) -> deque[URL]:
        """The order to ask for the next block: those that gave one, the least busy first; resting ones last."""

        def place(gateway: URL) -> tuple[bool, bool, int]:
            gave = gateway in self.gave
            resting = self.rests.is_resting(gateway, now_s)
            return (resting, not gave, self.asking.get(gateway, 0) if gave else 0)

        return deque(sorted(self.gateways, key=place))

    def note(self, gateway: URL, failure: GatewayFailed, now_s: float) -> None:
        """Remember why a gateway gave nothing."""
        self.reasons[str(gateway)] = str(failure)
        if failure.is_fatal:
            self.rests.note_failure(gateway, now_s)
            if gateway in self.gateways:
                self.gateways.remove(gateway)


@dataclass
class _Ask:
    """One request under way."""

    gateway: URL
    """Whom it asks."""
    since_s: float
    """When it began, by the loop's clock."""
    received: int = 0
    """Bytes so far."""
    seen: int = 0
    """Bytes of its gateway at the last look."""


class Race:
    """One block's requests."""

    def __init__(self, job: FetchJob, asking: AskGateway) -> None:
        self._job, self._asking = job, asking
        self._clock = asyncio.get_running_loop().time
        self._line = job.rank_gateways(self._clock())
        self._look_s = self._clock() + job.hedge_s
        self._later: list[URL] = []
        self._all_asked = False
        self._busy: list[URL] = []
        self._under_way: dict[asyncio.Task[bytes], _Ask] = {}
        self._ended: list[asyncio.Task[bytes]] = []

    async def run(self) -> bytes | None:
        """The block, None where everyone was asked and nobody has it. A busy gateway is asked again and again."""
        wait_s = _BUSY_WAIT_S
        try:
            while True:
                if not self._under_way:
                    self._start(1)
                if not self._under_way and not self._busy:
                    return None
                if not self._under_way:
                    await asyncio.sleep(wait_s)
                    wait_s = min(2 * wait_s, _BUSY_WAIT_MAX_S)
                    self._line.extend(self._busy)
                    self._busy = []
                    continue
                done, _ = await asyncio.wait(
                    self._under_way,
                    timeout=max(0.0, self._look_s - self._clock()),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for task in done:
                    block = self._end(task)
                    if block is not None:
                        return block
                self._start(len(done))
                # Not only where nothing ends: a gateway that says no slowly would hold up the line as well.
                if self._clock() >= self._look_s:
                    self._look_s = self._clock() + self._job.hedge_s
                    if not self._is_on_course():
                        self._make_room()
                        self._start(max(1, len(self._under_way)))
        finally:
            for task in list(self._under_way):
                self._call_off(task)
            await asyncio.gather(*self._ended, return_exceptions=True)

    def _start(self, count: int) -> None:
        for _ in range(min(count, WIDTH - len(self._under_way))):
            if not self._line:
                # A gateway too slow while others waited may try again now that nobody waits.
                self._line.extend(self._later)
                self._later, self._all_asked = [], True
            if not self._line:
                return
            self._ask(self._line.popleft())

    def _ask(self, gateway: URL) -> None:
        now_s, job = self._clock(), self._job
        job.asking[gateway] = job.asking.get(gateway, 0) + 1
        ask = _Ask(gateway, now_s, seen=job.received.get(gateway, 0))

        def note(count: int) -> None:
            ask.received += count
            job.received[gateway] = job.received.get(gateway, 0) + count

        resting = job.rests.is_resting(gateway, now_s)
        self._under_way[asyncio.create_task(self._asking(gateway, resting, note))] = ask

    def _end(self, task: asyncio.Task[bytes]) -> bytes | None:
        gateway = self._forget(task)
        try:
            block = task.result()
        except GatewayFailed as failure:
            self._job.note(gateway, failure, self._clock())
            if failure.is_busy:
                self._busy.append(gateway)
            return None
        self._job.gave.add(gateway)
        self._job.rests.note_success(gateway)
        return block

    def _forget(self, task: asyncio.Task[bytes]) -> URL:
        gateway = self._under_way.pop(task).gateway
        self._job.asking[gateway] -= 1
        return gateway

    def _is_on_course(self) -> bool:
        """Whether some gateway sent enough since the last look, for this block or another of the blob (R20.2)."""
        is_on_course = False
        for ask in self._under_way.values():
            now = self._job.received.get(ask.gateway, 0)
            is_on_course |= now - ask.seen >= self._job.pace * self._job.hedge_s
            ask.seen = now
        return is_on_course

    def _make_room(self) -> None:
        """Where the slow take all places and others were not asked yet, the slower half have to wait (R20.2)."""
        if self._all_asked or not self._line or len(self._under_way) < WIDTH:
            return
        since_s = self._clock() - TURN_S
        slow = [(ask.received, task) for task, ask in self._under_way.items() if ask.since_s <= since_s]
        for _, task in sorted(slow, key=lambda one: one[0])[: WIDTH // 2]:
            gateway = self._call_off(task)
            self._job.reasons[str(gateway)] = "slower than others"
            self._later.append(gateway)

    def _call_off(self, task: asyncio.Task[bytes]) -> URL:
        task.cancel()
        self._ended.append(task)
        return self._forget(task)
