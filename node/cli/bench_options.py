"""Options of a researcher's bench: who holds which examples, and who judges whom."""

import argparse
from typing import Any

from node.operating.pairs import parse_finite_numbers

# Written out, as the classes themselves take their time to import; a test compares.
PARTITION_HELP = (
    "task (as the task itself deals, by --skew), fang (the same for any task), dirichlet, shards, quantity, "
    "power-law, noise, rotation, owner, or FILE.py:CLASS"
)
TOPOLOGY_HELP = (
    "random-regular (the network's own), ring, torus, erdos-renyi, star, edges:FILE (two seats a line), or "
    "FILE.py:CLASS; all but the first are the simulator's alone"
)


def add_bench(parser: argparse.ArgumentParser) -> None:
    """--partition and --topology, with their parameters."""
    for option, default, what, example in (
        ("partition", "task", PARTITION_HELP, "alpha=0.1 for dirichlet"),
        ("topology", "random-regular", TOPOLOGY_HELP, "reach=2 for ring; redrawn=1: a new draw in each round"),
    ):
        parser.add_argument(f"--{option}", default=default, metavar="NAME", help=what)
        parser.add_argument(
            f"--{option}-parameter",
            action="append",
            default=[],
            metavar="NAME=NUMBER",
            help=f"e.g. {example}; repeatable; docs/guides/own-{option}.md lists them",
        )


def parse_bench(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of a scenario that these say. Raises UsageError."""
    return {
        "partition": options.partition,
        "partition_parameters": parse_finite_numbers(
            options.partition_parameter, "--partition-parameter", "alpha=0.1"
        ),
        "topology": options.topology,
        "topology_parameters": parse_finite_numbers(options.topology_parameter, "--topology-parameter", "reach=2"),
    }
