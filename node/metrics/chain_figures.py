"""A local chain's figures, and its health: what runs beside it and watches it."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from prometheus_client import Counter, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ledger.testchain.server.serve import ChainState, Companion
from node.metrics.families import make_gauge, make_states, tell_disk
from node.metrics.health import Check, Health
from node.metrics.server import MetricsServer
from node.metrics.shared import make_registry
from node.metrics.store_size import StoreSize

_CALL_S: Final = (0.001, 0.005, 0.02, 0.1, 0.5, 2, 10)
_BLOCK_S: Final = (1, 2, 5, 12, 30, 60, 300, 3600)
# Blocks by the clock may be late where the machine is busy.
_BLOCKS_LATE: Final = 10
_LATE_LEAST_S: Final = 60.0


class ChainMonitor(Companion):
    """Beside one chain. block_time_s: 0 where blocks come on demand.

    ready: called once with the base URL.
    """

    def __init__(
        self, place: tuple[str, int], folder: Path, block_time_s: float, ready: Callable[[str], None]
    ) -> None:
        """place: host and port to listen on. folder: the chain's."""
        self._place, self._block_time_s, self._ready = place, block_time_s, ready
        self._size = StoreSize(folder, folder)
        registry = make_registry("chain")
        self._calls = Counter(
            "folkmoot_testchain_requests", "Calls answered.", ["method", "outcome"], registry=registry
        )
        self._seconds = Histogram(
            "folkmoot_testchain_request_duration_seconds",
            "From a call to its answer.",
            ["method"],
            buckets=_CALL_S,
            registry=registry,
        )
        self._intervals = Histogram(
            "folkmoot_testchain_block_interval_seconds",
            "From one block to the next, by the chain's clock.",
            buckets=_BLOCK_S,
            registry=registry,
        )
        self._last_block_s: int | None = None
        self._mined_at = time.monotonic()
        self._look: Callable[[], ChainState] | None = None
        registry.register(_ChainFigures(self.look, self._size, self._name_checks))
        self._server = MetricsServer(registry, self.check)

    def note_call(self, method: str, outcome: str, seconds: float) -> None:
        """See Companion."""
        self._calls.labels(method, outcome).inc()
        self._seconds.labels(method).observe(seconds)

    def note_block(self, time_s: int) -> None:
        """See Companion."""
        self._mined_at = time.monotonic()
        if self._last_block_s is not None:
            self._intervals.observe(max(0, time_s - self._last_block_s))
        self._last_block_s = time_s

    async def begin(self, look: Callable[[], ChainState]) -> None:
        """See Companion. Raises SetupError for a port that is not to be had."""
        self._look, self._mined_at = look, time.monotonic()
        self._ready(await self._server.start(*self._place))

    async def end(self) -> None:
        """See Companion."""
        await self._server.close()

    def look(self) -> ChainState | None:
        """The chain now; None before it is served."""
        return None if self._look is None else self._look()

    def check(self) -> Health:
        """How the chain is now."""
        self._size.measure()
        quiet_s, wanted_s = time.monotonic() - self._mined_at, self._block_time_s
        is_late = wanted_s > 0 and quiet_s > max(_LATE_LEAST_S, _BLOCKS_LATE * wanted_s)
        says = f"a block every {wanted_s:g} s" if wanted_s else "blocks come when there is something in them"
        if is_late:
            says = f"no block for {quiet_s:.0f} s, one is to come every {wanted_s:g} s"
        room = self._size.room
        short = self._size.reason if room is None else room.complaint
        return Health(
            [
                Check("served", self._look is not None, "calls are answered"),
                Check("blocks", not is_late, says),
                Check("disk", not short, short or "there is room"),
            ]
        )

    def _name_checks(self) -> dict[str, bool]:
        return {one.name: one.is_ok for one in self.check().checks}


class _ChainFigures(Collector):
    def __init__(
        self, look: Callable[[], ChainState | None], size: StoreSize, health: Callable[[], Mapping[str, bool]]
    ) -> None:
        self._look, self._size, self._health = look, size, health

    def collect(self) -> Iterator[Metric]:
        yield make_states("folkmoot_health", "Whether a check of /healthz is passed.", "check", self._health())
        yield from tell_disk(self._size.room)
        yield make_gauge("folkmoot_testchain_store_bytes", "What the chain takes on disk.", self._size.bytes)
        state = self._look()
        if state is None:
            return
        yield make_gauge("folkmoot_testchain_head", "Number of the newest block.", state.head)
        yield make_gauge(
            "folkmoot_testchain_head_timestamp_seconds", "Its time, by the chain's clock.", state.head_time_s
        )
        yield make_gauge("folkmoot_testchain_head_gas", "Gas that its transactions used.", state.gas_used)
        yield make_gauge("folkmoot_testchain_base_fee_gwei", "Its base fee per gas.", state.base_fee_wei / 10**9)
        pending = state.pending
        yield make_gauge("folkmoot_testchain_pending_transactions", "Transactions that wait for a block.", pending)
        yield make_gauge("folkmoot_testchain_connections", "Open WebSockets.", state.connections)
