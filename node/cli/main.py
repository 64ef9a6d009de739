"""`folkmoot`: parse, call one function, print. Exit 0 fine, 1 findings, 2 usage, 3 this machine or its set-up."""

import argparse
import os
import sys
from collections.abc import Sequence

from ledger.errors import NotYet, PeerFault, SetupError, UsageError
from node.cli import audit, chain, demo, deploy, dispute, invite, keys, report, seat, simulate, status
from node.cli import node as node_command
from node.lifeline import end_with_parent
from node.logs import log_to_stderr

COMMANDS = (demo, simulate, chain, keys, deploy, node_command, audit, status, seat, invite, dispute, report)


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
    except UsageError as error:
        print(f"folkmoot: {error}", file=sys.stderr)
        return 2
    except (SetupError, PeerFault, NotYet) as error:
        print(f"folkmoot: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone, e.g. `| head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # The disk or the network of this machine: full, read-only, forbidden.
        place = f" ({error.filename})" if error.filename else ""
        print(f"folkmoot: {error.strerror or error}{place}: mend that and start again", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main())
