"""What the live page takes on a long history: `python -m scripts.bench.watch --seats 256 --rounds 1000 [--json]`.

Makes the events of a circle of that size (and keeps them under `.cache/bench`) and follows them as the page does, twice:
with an empty cache folder, and opened again from what the first time left there. Prints memory, seconds of this
process's time without those that making the events takes, and what each answer takes: seconds until it is made and packed, and its bytes. What an endpoint takes to
tell the events, and what reading its answers takes, comes on top of the first time.
"""

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final

from ledger.chain.circle import BlockMark
from ledger.chain.placed_event import PlacedEvent
from ledger.chain.tracker import Tracker
from ledger.circle.events import Attested, Committed
from ledger.circle.snapshot import copy_history
from ledger.errors import Foreseen
from node.operating.fast_keccak import choose_keccak
from node.operating.printing import say
from node.watch.answers import Answers
from node.watch.block_times import BlockTimes
from node.watch.event_log import EventLog
from node.watch.kept_events import KeptEvents, open_kept
from node.watch.query import Query
from node.watch.routes import ROUTES
from node.watch.source import Following, Source
from node.watch.view import View
from scripts.bench.made_circle import MadeCircle, make_long_history

FOLDER: Final = Path(".cache/bench")
# A block for the commits, one for the draw, one for the attestations, one for the settlement; others lie between.
_BLOCKS: Final = 10
_BLOCK_S: Final = 12


class MadeChain:
    """The made events as an endpoint would tell them, each range once and in order: what a `Tracker` asks."""

    def __init__(self, made: MadeCircle, times: BlockTimes) -> None:
        self.terms, self._times = made.terms, times
        self._coming = self._place(made)
        # None of them lies behind it.
        self.head = _BLOCKS * (made.terms.start_seats + 4 * made.terms.last_round + 4)
        self._hash = made.read_end()
        self.spent_s = 0.0

    def _place(self, made: MadeCircle) -> Iterator[PlacedEvent]:
        block, before = 0, None
        for index, event in enumerate(made.read_events()):
            kind = type(event) if isinstance(event, Committed | Attested) else index
            block, before = block + _BLOCKS * (kind != before), kind
            self._times.put(block, 1_700_000_000 + _BLOCK_S * block)
            yield PlacedEvent((block, index), _hash_of(block), f"0x{index + (1 << 250):064x}", event)

    def fetch_head(self) -> int:
        """See `EventSource`."""
        return self.head

    def fetch_mark(self, number: int) -> BlockMark | None:
        """See `EventSource`."""
        return BlockMark(number, _hash_of(number))

    def fetch_events(self, first: int, last: int) -> list[PlacedEvent]:
        """See `EventSource`."""
        began = time.process_time()
        found = self._find_events(first, last)
        self.spent_s += time.process_time() - began
        return found

    def _find_events(self, first: int, last: int) -> list[PlacedEvent]:
        found = []
        for entry in self._coming:
            if entry.position[0] > last:
                self._coming = chain([entry], self._coming)
                break
            if entry.position[0] >= first:
                found.append(entry)
        return found

    def fetch_events_to_head(self, first: int) -> list[PlacedEvent]:
        """See `EventSource`."""
        return self.fetch_events(first, self.head)

    def fetch_history_hash(self, _: int) -> bytes:
        """See `EventSource`."""
        return self._hash


class LongCircle(Source):
    """A source over a made history. Nobody follows anything."""

    kind = "live"

    def __init__(self, made: MadeCircle, kept: KeptEvents | None) -> None:
        super().__init__(made, 0)  # type: ignore[arg-type]  # the chain is not asked
        times = BlockTimes(None)  # type: ignore[arg-type]
        line, log = MadeChain(made, times), EventLog(kept)
        began = time.process_time()
        tracker = Tracker(line, 0, recorder=log, earlier=kept)
        tracker.advance()
        self.open_s = time.process_time() - began - line.spent_s
        self.kept = log.spooled_bytes
        began = time.process_time()
        frozen = copy_history(tracker.history)
        self.freeze_s = time.process_time() - began
        self._view = View(1, frozen, log.cut(), times, line.head, None)

    def describe_following(self) -> Following:
        """See `Source`."""
        return Following("finished", "made up", 0)

    def start(self) -> None:
        """See `Source`."""

    def close(self) -> None:
        """See `Source`."""


def measure(seats: int, rounds: int, degree: int) -> dict[str, Any]:
    """Figures by name: seconds of this process's time, bytes."""
    made = make_long_history(FOLDER, seats=seats, rounds=rounds, degree=degree)
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(dir=FOLDER) as cache:
        for name in ("first", "again"):
            kept = open_kept(Path(cache), made.network)
            before = _memory()
            source = LongCircle(made, kept)
            figures |= {
                f"{name}_open_s": source.open_s,
                f"{name}_freeze_s": source.freeze_s,
                f"{name}_memory_bytes": _memory() - before,
                f"{name}_kept_bytes": source.kept,
            }
            if kept is not None:
                kept.close()
            if name == "first":
                del source
        answers = asyncio.run(_ask(source, rounds))
    return {**figures, "most_memory_bytes": _most_memory(), "answers": answers}


async def _ask(source: Source, rounds: int) -> dict[str, dict[str, float]]:
    answers = Answers(source)
    asked: list[tuple[str, dict[str, str]]] = [
        ("/api/now", {}),
        ("/api/seats", {}),
        ("/api/seats/{seat}", {"seat": "0"}),
        ("/api/rounds", {}),
        ("/api/rounds/{number}", {"number": str(rounds)}),
        ("/api/rounds/{number}", {"number": "1"}),
        ("/api/reputations", {}),
        ("/api/reputations", {"points": "10000"}),
        ("/api/reputations", {"seats": "0,1,2,3"}),
        ("/api/search", {"q": "12"}),
        ("/api/search", {"q": "0x" + "ab" * 32}),
        ("/api/exclusion/{seat}", {"seat": "0"}),
        ("/api/distances", {"judge": "0", "author": "1"}),
        ("/api/costs", {}),
        ("/api/privacy", {}),
        ("/api/findings", {}),
        ("/api/disputes", {}),
        ("/api/figures", {}),
    ]
    by_path = {route.path: route for route in ROUTES}
    found = {}
    for path, values in asked:
        began, wall = time.process_time(), time.perf_counter()
        try:
            packed = await answers.find(by_path[path], f"{path}{values}", Query(values))
        except Foreseen as error:
            say(f"{path}: {error}")
            continue
        spent, wall = time.process_time() - began, time.perf_counter() - wall
        sent = packed.plain if packed.packed is None else packed.packed
        found[f"{path} {json.dumps(values)}"] = {
            "cpu_s": spent,
            "s": wall,
            "bytes": len(packed.plain),
            "sent_bytes": len(sent),
        }
    answers.close()
    return found


def _memory() -> int:
    """Bytes that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _most_memory() -> int:
    """Bytes that this process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _hash_of(block: int) -> str:
    return f"0x{block:064x}"


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seats", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--degree", type=int, default=16)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    choose_keccak()
    figures = measure(options.seats, options.rounds, options.degree)
    if options.json:
        say(json.dumps(figures))
        return 0
    answers = figures.pop("answers")
    for name, value in figures.items():
        say(f"{name:20} {value:,.3f}" if isinstance(value, float) else f"{name:20} {value:,}")
    for name, one in answers.items():
        say(f"{one['cpu_s']:8.3f} s {one['bytes']:12,} bytes, {one['sent_bytes']:10,} sent  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
