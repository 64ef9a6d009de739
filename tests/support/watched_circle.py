"""A source of the live page over a circle in memory, with nodes' folders beside it, and its workers running."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ledger.chain.placed_event import PlacedEvent
from ledger.circle.history import History
from node.blobs.store import BlockStore
from node.operating.data_folder import FolderPlaces
from node.operating.round_log import ToldRound, note_round
from node.watch.block_times import BlockTimes
from node.watch.event_log import EventLog
from node.watch.query import Query
from node.watch.source import Following, Source
from node.watch.view import View
from tests.support.histories.circles import NETWORK, Circle
from tests.support.histories.parts import digest
from tests.support.stand_ins import as_any

OPENED_IN = "0x" + "0f" * 32
Provider = Callable[[Source, Query], Any]


class WatchedCircle(Source):
    """Every event has a block of its own, and a transaction too."""

    kind = "live"

    def __init__(self, circle: Circle, folders: Sequence[Path] = (), rpc: Any = None) -> None:
        stands_in = SimpleNamespace(network=NETWORK, terms=circle.terms, rpc=rpc)
        super().__init__(as_any(stands_in), 0, tuple(folders))
        self.receipts_rpc = rpc
        log, history = EventLog(), History(circle.terms)
        for block, event in enumerate(circle.events):
            history.apply(event)
            block_hash = OPENED_IN if block == 0 else "0x" + digest("block", block).hex()
            log.record(PlacedEvent((block, 0), block_hash, transaction_of(block), event), history)
        self._view = View(1, history, log.cut(), BlockTimes(as_any(rpc)), len(circle.events) - 1, None)

    def describe_following(self) -> Following:
        return Following("live", "followed", 0)

    def start(self) -> None:
        pass

    def close(self) -> None:
        pass


def transaction_of(block: int) -> str:
    """The hash of the transaction in a block."""
    return "0x" + digest("transaction", block).hex()


def find_places(folder: Path) -> FolderPlaces:
    """Where a node of the circle keeps its files."""
    return FolderPlaces(folder, NETWORK, OPENED_IN)


def fill_store(folder: Path, blobs: Mapping[bytes, bytes | None]) -> None:
    """Put blobs into a node's store."""
    store = BlockStore(folder / "blobs")
    for blob in blobs.values():
        if blob is not None:
            store.put(blob)


def tell_rounds(folder: Path, told: Sequence[ToldRound]) -> Path:
    """Have a node report rounds; returns the file."""
    path = find_places(folder).rounds
    path.parent.mkdir(parents=True, exist_ok=True)
    for one in told:
        note_round(path, NETWORK.domain_separator, one)
    return path


def make_told(number: int, seat: int = 0, **more: Any) -> ToldRound:
    """What a node says of a round."""
    given = {"at_s": 1_700_000_000.0 + number, "seconds": 2.0, "bytes_sent": 1000, "gas": 90_000, "reputation": 0.5}
    return ToldRound(number, seat, **(given | more))


def ask(source: Source, provider: Provider, **query: object) -> Any:
    """One answer of a provider."""
    return provider(source, Query({name.rstrip("_"): str(value) for name, value in query.items()}))


@asynccontextmanager
async def working(source: Source, *workers: Callable[[Source], Any]) -> AsyncIterator[None]:
    """Run what works behind the page."""
    tasks = [asyncio.create_task(worker(source)) for worker in workers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def ask_until_known(source: Source, provider: Provider, **query: object) -> Any:
    """Ask as the page does, until nothing is waited for any more."""
    async with asyncio.timeout(20):
        while True:
            answer = await asyncio.to_thread(ask, source, provider, **query)
            if not answer["pending"]:
                return answer
            await asyncio.sleep(0.01)
