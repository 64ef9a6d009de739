"""Search for what a minority of the seats could take from the others; docs/what-cheating-costs.md tells what came of it.

    python -m scripts.search.coalition                       200,000 calls on the twin; then 20 traces on the contract
    python -m scripts.search.coalition --without all         the same search with each mend taken out in turn
    python -m scripts.search.coalition --small 6             every order of six steps in circles of three to five seats
    python -m scripts.search.coalition --figures             some moves under the terms of an open circle

(needs the `dev` extra.) A run is numbered, and its number decides everything in it. Exit status 1 where the whole rules
let a goal be reached, where contract and twin differ, or where the search misses a hole that it is to find.
"""

import argparse
import sys
import time

from scripts.search.coalitions.figures import figures
from scripts.search.coalitions.mends import MENDS
from scripts.search.coalitions.search import Run, Tally, played, random_plan, replayed, search, shortened
from scripts.search.coalitions.small import STARTS, explored
from scripts.search.coalitions.twin import SearchTwin

SMALL_CIRCLES = ((3, 2), (4, 3), (5, 3))
CHUNK_CALLS = 25_000


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", maxsplit=1)[0])
    parser.add_argument("--calls", type=int, default=200_000, help="so many in a search (default 200,000)")
    parser.add_argument("--first", type=int, default=0, metavar="NUMBER", help="of the first run")
    parser.add_argument("--replay", type=int, default=20, metavar="RUNS", help="traces to play on the contract too")
    parser.add_argument("--without", metavar="MEND", help=f"all, or one of {', '.join(MENDS)}")
    parser.add_argument(
        "--small", type=int, metavar="DEPTH", help="try every order of so many steps in small circles"
    )
    parser.add_argument("--figures", action="store_true", help="play through some moves under the default terms")
    options = parser.parse_args()
    if options.figures:
        for told in figures():
            print(told, flush=True)
        return 0
    if options.small is not None:
        return explore(options.small)
    if options.without is not None:
        names = list(MENDS) if options.without == "all" else [options.without]
        return sum(not finds(name, options.calls, options.first) for name in names) > 0
    return whole(options.calls, options.first, options.replay)


def whole(calls: int, first: int, runs: int) -> int:
    """Search the rules as they are, and play some of its runs on the contract."""
    tally, number = Tally(), first
    while tally.calls < calls and not tally.found:
        part = search(min(CHUNK_CALLS, calls - tally.calls), number)
        number += part.circles
        tally = Tally(
            tally.circles + part.circles,
            tally.seconds + part.seconds,
            tally.accepted + part.accepted,
            tally.refused + part.refused,
            part.found,
        )
        print(line(tally), flush=True)
    for run in tally.found:
        tell(run, SearchTwin)
    began, played_calls = time.monotonic(), 0
    for one in range(first, first + runs):
        played_calls += replayed(played(random_plan(one)))
    if runs:
        took_s = time.monotonic() - began
        print(
            f"{played_calls:,} calls of {runs} circles on the contract in {took_s:.0f} s, each as the twin foretold"
        )
    return 1 if tally.found else 0


def line(tally: Tally) -> str:
    """How far a search is."""
    return (
        f"{tally.calls:,} calls ({tally.accepted.total():,} accepted) in {tally.circles:,} circles, "
        f"{tally.seconds:.0f} s: {len(tally.found)} found"
    )


def finds(name: str, calls: int, first: int) -> bool:
    """Search without a mend. Returns whether a goal was reached."""
    twin = MENDS[name]
    tally = search(calls, first, twin)
    rule = str(twin.__doc__)
    if not tally.found:
        print(f"| {name} | {rule} | nothing found in {tally.calls:,} calls |", flush=True)
        return False
    run = shortened(tally.found[0], twin)
    assert run.found is not None
    how = f"{run.found}; by {', '.join(move for move, _ in run.plan.genes) or 'nothing but joining'}"
    print(f"| {name} | {rule} | {tally.calls:,} | {tally.seconds:.0f} s | {how} |", flush=True)
    return True


def tell(run: Run, twin: type[SearchTwin]) -> None:
    """What was found, as few moves as lead to it."""
    short = shortened(run, twin)
    print(short.found)
    print(short.plan)
    for step in short.world.trace:
        print("   ", step)


def explore(depth: int) -> int:
    """Every order of so many steps from each start, in each small circle."""
    for seats, quorum in SMALL_CIRCLES:
        for name, start in STARTS.items():
            began = time.monotonic()
            found = explored(start(seats, quorum), depth)
            took_s = time.monotonic() - began
            print(
                f"{seats} seats, {name}: {found.states:,} states, {found.steps:,} steps, {took_s:.0f} s", flush=True
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
