"""One node's metrics and health, wired: what it reports, what is looked at now and then, the port that tells."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ledger.circle.history import Phase
from node.membership.parts import PeerParts
from node.metrics.chain_watch import ChainWatch
from node.metrics.health import Health
from node.metrics.node_figures import NodeFigures, RoundFigures
from node.metrics.node_health import NodeSights, check_node
from node.metrics.server import MetricsServer
from node.metrics.shared import make_registry
from node.metrics.store_size import StoreSize
from node.seat.accounts import LOCAL_CHAIN_IDS

Event = dict[str, Any]


class NodeMonitor:
    """From before a peer runs to after it has ended.

    urls: the chain's endpoints. blocks, root: the folder of the store's blocks, and the data folder.
    """

    def __init__(self, urls: Sequence[str], chain_id: int, address: str, blocks: Path, root: Path) -> None:
        """address: the node's own. Raises SetupError for what is no endpoint's address."""
        self._makes_blocks = chain_id not in LOCAL_CHAIN_IDS
        self._watch, self._size = ChainWatch(urls, chain_id, address), StoreSize(blocks, root)
        self._watch.rounds = self._size.measure
        self.find_parts: Callable[[], PeerParts | None] = lambda: None
        """Gives what the peer works with, once it has begun."""
        registry = make_registry("node")
        self._reported = RoundFigures(registry)
        figures = NodeFigures(self._find_parts, self._reported, self._watch, self._size, self._name_checks)
        # Not by the registry's own way, which would scrape it at once.
        registry.register(figures)
        self._server = MetricsServer(registry, self.check)

    def pass_on(self, report: Callable[[Event], None]) -> Callable[[Event], None]:
        """The same report, and every event is counted."""

        def both(event: Event) -> None:
            self._reported.note(event)
            report(event)

        return both

    async def start(self, host: str, port: int) -> str:
        """Listen, and begin to look. Returns the base URL. Raises SetupError."""
        url = await self._server.start(host, port)
        self._watch.start()
        return url

    async def close(self) -> None:
        """Look and tell no more."""
        self._watch.close()
        await self._server.close()

    def check(self) -> Health:
        """How the node is now."""
        parts, watch, now, room = self.find_parts(), self._watch, time.monotonic(), self._size.room
        read_at = None if parts is None else parts.follower.answered_at
        return check_node(
            NodeSights(
                now_s=time.time(),
                sight=watch.sight,
                trouble="" if watch.is_answered else watch.reason,
                read_s=None if read_at is None else now - read_at,
                makes_blocks=self._makes_blocks,
                seat=None if parts is None else parts.history.seat_of(parts.address),
                is_away=parts is not None and parts.tenancy.is_away,
                is_finished=parts is not None and parts.history.phase == Phase.FINISHED,
                room=room,
                room_trouble=self._size.reason,
            )
        )

    def _find_parts(self) -> PeerParts | None:
        return self.find_parts()

    def _name_checks(self) -> dict[str, bool]:
        return {one.name: one.is_ok for one in self.check().checks}
