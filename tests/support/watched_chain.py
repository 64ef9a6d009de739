"""A chain in memory that the live page follows: it grows when told to, takes events back, lies or is down."""

from typing import Any

from ledger.chain.circle import Circle as ReadCircle
from ledger.chain.rpc.client import Rpc
from node.watch.source import LiveSource
from tests.support.circle_endpoint import FIRST_BLOCK, URL, Endpoint
from tests.support.histories.circles import NETWORK, Circle
from tests.support.histories.parts import digest
from tests.support.stand_ins import as_any


class Growing(Endpoint):
    """Tells the first `shown` events alone, each in a block of its own."""

    def __init__(self, circle: Circle, shown: int | None = None) -> None:
        super().__init__(circle)
        self.shown = len(self._events) if shown is None else shown
        self.other_from: int | None = None
        """From this event on blocks have other hashes than at first: the chain was reorganised."""

    @property
    def head(self) -> int:
        return FIRST_BLOCK + self.shown - 1

    def swap_last(self) -> None:
        """The last two events that are shown come in another order: a reorganisation."""
        at = self.shown - 2
        events = [*self._events[:at], self._events[at + 1], self._events[at], *self._events[at + 2 :]]
        shown, lies = self.shown, self.lies
        self._circle.events = events
        Endpoint.__init__(self, self._circle, lies)
        self.shown, self.other_from = shown, at

    def _eth_getBlockByNumber(self, number: str, whole: bool) -> Any:  # noqa: N802
        found = super()._eth_getBlockByNumber(number, whole)
        return None if found is None else found | self._rehash(int(number, 16), "hash")

    def _eth_getLogs(self, query: dict[str, str]) -> list[dict[str, Any]]:  # noqa: N802
        return [log | self._rehash(int(log["blockNumber"], 16), "blockHash") for log in super()._eth_getLogs(query)]

    def _rehash(self, number: int, name: str) -> dict[str, str]:
        if self.other_from is None or number < FIRST_BLOCK + self.other_from:
            return {}
        return {name: "0x" + digest("other block", number).hex()}


class Line:
    """The way to a chain. fault: raised in place of an answer, while it is there."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint, self.fault = endpoint, None

    fault: Exception | None

    def make_request(self, method: str, parameters: list[Any]) -> Any:
        if self.fault is not None:
            raise self.fault
        return self.endpoint.make_request(method, parameters)

    def rpc(self) -> Rpc:
        return Rpc(URL, provider=as_any(self))


def follow(line: Line) -> LiveSource:
    """A source that nobody has started: a test calls `look`."""
    return LiveSource(ReadCircle(line.rpc(), NETWORK.contract), FIRST_BLOCK, line.rpc())
