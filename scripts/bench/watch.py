"""What the live page takes on a long history: `python -m scripts.bench.watch --seats 256 --rounds 1000 [--json]`.

Makes the events of a circle of that size (and keeps them under `.cache/bench`), folds them as the page does, and prints
memory, the time of a fold and a view, and what each answer takes: seconds until it is made and packed, and its bytes.
"""

import argparse
import asyncio
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any, Final

from ledger.chain.placed_event import PlacedEvent
from ledger.circle.events import Attested, Committed
from ledger.circle.history import History
from ledger.circle.snapshot import copy_history
from node.operating.printing import say
from node.watch.answers import Answers
from node.watch.block_times import BlockTimes
from node.watch.event_log import EventLog
from node.watch.query import Query
from node.watch.routes import ROUTES
from node.watch.source import Following, Source
from node.watch.view import View
from scripts.bench.made_circle import MadeCircle, make_long_history

FOLDER: Final = Path(".cache/bench")
# A block for the commits, one for the draw, one for the attestations, one for the settlement.
_BLOCK_S: Final = 12


class LongCircle(Source):
    """A source over a made history. Nobody follows anything."""

    kind = "live"

    def __init__(self, made: MadeCircle) -> None:
        super().__init__(made, 0)  # type: ignore[arg-type]  # the chain is not asked
        log, history = EventLog(), History(made.terms)
        times, block, before = BlockTimes(None), 0, None  # type: ignore[arg-type]
        self.record_s = 0.0
        for index, event in enumerate(made.read_events()):
            kind = type(event) if isinstance(event, Committed | Attested) else index
            block, before = block + (kind != before), kind
            times.put(block, 1_700_000_000 + _BLOCK_S * block)
            history.apply(event)
            began = time.process_time()
            entry = PlacedEvent((block, index), f"0x{block:064x}", f"0x{index + (1 << 250):064x}", event)
            log.record(entry, history)
            self.record_s += time.process_time() - began
        self.spooled = log.spooled_bytes
        began = time.process_time()
        frozen = copy_history(history)
        self.freeze_s = time.process_time() - began
        self._view = View(1, frozen, log.cut(), times, block, None)

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
    before, began = _memory(), time.process_time()
    source = LongCircle(made)
    figures: dict[str, Any] = {
        "fold_s": time.process_time() - began - source.record_s,
        "record_s": source.record_s,
        "freeze_s": source.freeze_s,
        "memory_bytes": _memory() - before,
        "spooled_bytes": source.spooled,
    }
    answers = asyncio.run(_ask(source, rounds))
    return {**figures, "answers": answers}


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
        ("/api/reputations", {"seats": "0,1,2,3"}),
        ("/api/search", {"q": "12"}),
        ("/api/search", {"q": "0x" + "ab" * 32}),
    ]
    by_path = {route.path: route for route in ROUTES}
    found = {}
    for path, values in asked:
        began = time.perf_counter()
        packed = await answers.find(by_path[path], f"{path}{values}", Query(values))
        spent = time.perf_counter() - began
        sent = packed.plain if packed.packed is None else packed.packed
        found[f"{path} {json.dumps(values)}"] = {"s": spent, "bytes": len(packed.plain), "sent_bytes": len(sent)}
    answers.close()
    return found


def _memory() -> int:
    """Bytes that this process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seats", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--degree", type=int, default=16)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure(options.seats, options.rounds, options.degree)
    if options.json:
        say(json.dumps(figures))
        return 0
    answers = figures.pop("answers")
    for name, value in figures.items():
        say(f"{name:16} {value:,.3f}" if isinstance(value, float) else f"{name:16} {value:,}")
    for name, one in answers.items():
        say(f"{one['s']:8.3f} s {one['bytes']:12,} bytes, {one['sent_bytes']:10,} sent  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
