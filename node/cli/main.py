"""`folkmoot`: parse, call one function, print. Exit 0 fine, 1 findings, 2 usage, 3 this machine or its set-up.

Status 1 is an audit's alone: whatever else ends a command, a fault of this program included, ends it with another.
"""

import argparse
from collections.abc import Sequence

from ledger.errors import Foreseen, UsageError
from node.cli import (
    audit,
    chain,
    demo,
    deploy,
    dispute,
    disputes,
    invite,
    keys,
    leakage,
    model,
    privacy,
    report,
    seat,
    simulate,
    status,
    trace,
)
from node.cli import node as node_command
from node.operating import printing
from node.operating.lifeline import end_with_parent
from node.operating.logs import log_crash, log_to_stderr

COMMANDS = (
    demo,
    simulate,
    chain,
    keys,
    deploy,
    node_command,
    audit,
    status,
    seat,
    invite,
    dispute,
    disputes,
    report,
    privacy,
    leakage,
    model,
    trace,
)
USAGE, SET_UP, INTERRUPTED = 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="folkmoot",
        description="Learn together without a server, and prove to anyone what was learnt from whom.",
    )
    parser.add_argument("--log", default="warning", choices=("debug", "info", "warning", "error"), help="to stderr")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add_parser(commands)
    parsed = parser.parse_args(arguments)
    log_to_stderr(parsed.log)
    end_with_parent()
    try:
        return int(parsed.run(parsed))
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        sentence, status_ = describe_ending(error)
        printing.complain(sentence)
        log_crash(error)
        return status_


def describe_ending(error: Exception) -> tuple[str, int]:
    """What a person is told of an error that ends a command, and the exit status."""
    if isinstance(error, ExceptionGroup):
        # Parallel work wraps what went wrong; what a person can act on counts most.
        leaves = list(_flatten_group(error))
        expected = [one for one in leaves if isinstance(one, (Foreseen, OSError))]
        return describe_ending((expected or leaves)[0])
    if isinstance(error, UsageError):
        return str(error), USAGE
    if isinstance(error, Foreseen):
        return str(error), SET_UP
    if isinstance(error, OSError):
        # The disk or the network of this machine: full, read-only, forbidden.
        place = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror or error}{place}: mend that and start again", SET_UP
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"this is a fault of the program ({what}): report it with what `--log debug` shows", SET_UP


def _flatten_group(group: ExceptionGroup[Exception]) -> Sequence[Exception]:
    found: list[Exception] = []
    for error in group.exceptions:
        found += _flatten_group(error) if isinstance(error, ExceptionGroup) else [error]
    return found


if __name__ == "__main__":
    import sys

    sys.exit(main())
