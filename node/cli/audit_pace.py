"""How `folkmoot audit` goes about its work: in how many processes."""

import argparse

from ledger.errors import UsageError


def add_pace(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="processes that recompute (default: as many as cores, where there is enough to do); the report is the"
        " same whatever N",
    )


def parse_jobs(options: argparse.Namespace) -> int | None:
    """How many processes; None for what is worth it. Raises UsageError."""
    jobs: int | None = options.jobs
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs {jobs} is not above 0: give a number of processes")
    return jobs
