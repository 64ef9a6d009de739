"""`folkmoot`: parse, call one function, print. Exit 0 fine, 1 findings, 2 usage, 3 this machine or its set-up.

Status 1 is an audit's alone: whatever else ends a command, a fault of this program included, ends it with another.
"""

import argparse
import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

from ledger.errors import Foreseen, UsageError
from node.cli.config import ConfigurableParser
from node.operating import printing
from node.operating.fast_keccak import choose_keccak
from node.operating.late_bls import load_bls_late
from node.operating.lifeline import end_with_parent
from node.operating.logs import FORMS, log_crash, log_to_stderr

COMMANDS: Final[Mapping[str, str]] = {
    "demo": "run a whole network here and audit it",
    "simulate": "run hundreds of peers in one process",
    "chain": "run a local test chain",
    "keys": "make, import, show and fund a peer's key, send its coin",
    "deploy": "deploy a circle for a task",
    "node": "run a peer",
    "doctor": "look at all that a node needs, and change nothing",
    "audit": "audit a circle's rounds",
    "status": "show a circle's round, seats and reputations",
    "seat": "show a seat, leave, release, restart or rotate it",
    "invite": "invite a peer to a circle for invited ones",
    "schema": "describe a table for the task `table`",
    "provision": "write a kit for each member of a circle",
    "dispute": "dispute a false verdict or record",
    "disputes": "list disputes, or do by hand what nodes do",
    "report": "report a peer that signed two updates",
    "privacy": "plan a circle's privacy terms",
    "leakage": "measure what updates give away of your data",
    "model": "take a model out of a circle as a file",
    "trace": "say whose data is in a model, and how much",
    "watch": "show a circle as a live page",
}
"""Name → what it does, in the order of help; `node.cli.NAME` is imported where it is the one that is named."""
_log = logging.getLogger("node.cli.main")  # also where this is `__main__`
# Names of old that no option of today is near.
_FORMER: Final = {"--data": "--folder", "--learning": "--option"}
_UNRECOGNIZED: Final = re.compile("unrecognized arguments: (?P<option>--[^ =]+)")
USAGE, SET_UP, INTERRUPTED = 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    typed = sys.argv[1:] if arguments is None else arguments
    try:
        parser = _make_parser(typed)
        parsed = parser.parse_args(typed)
        if parsed.version:
            return _say_version(parsed.verbose)
        if parsed.command is None:
            parser.error("the following arguments are required: COMMAND")
        log_to_stderr(parsed.log, parsed.log_format)
        _log_beginning(parsed.command)
        load_bls_late()
        choose_keccak()
        end_with_parent()
        for sentence in getattr(parsed, "cautions", ()):
            printing.caution(sentence)
        _lend_rule(parsed)
        return int(parsed.run(parsed))
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        sentence, status_ = describe_ending(error)
        printing.complain(sentence)
        log_crash(error)
        return status_


def _lend_rule(parsed: argparse.Namespace) -> None:
    """Let this process have the rules of --rule-file."""
    if getattr(parsed, "rule_file", None) is not None:
        from node.own_rules.rule_file import lend_rule_file

        lend_rule_file(parsed.rule_file)


def load_command(name: str) -> Any:
    """The module of a command, with `add_parser`; importing it is what a command's start mostly takes."""
    return import_module(f"node.cli.{name}")


class _CommandLine(argparse.ArgumentParser):
    """The parser of all commands; of an option that there is none of it says which one is nearest."""

    def error(self, message: str) -> NoReturn:
        """End the program with status 2."""
        unknown = _UNRECOGNIZED.match(message)
        if unknown is not None:
            from node.operating.wording import find_meant

            known = list(_list_option_strings(self))
            former = _FORMER.get(unknown["option"])
            meant = former if former in known else find_meant(unknown["option"], known)
            message += f": is {meant} meant?" if meant else ""
        super().error(message)


def _list_option_strings(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Of a parser and of the commands below it; of the latter only the one that was named has any."""
    for action in parser._actions:
        yield from (text for text in action.option_strings if text.startswith("--"))
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _list_option_strings(command)


def _make_parser(typed: Sequence[str]) -> argparse.ArgumentParser:
    """All commands, with the options of the one that is named."""
    parser = _CommandLine(
        prog="folkmoot",
        allow_abbrev=False,
        description="Learn together without a server, and prove to anyone what was learnt from whom.",
    )
    parser.add_argument("--log", default="warning", choices=("debug", "info", "warning", "error"), help="to stderr")
    parser.add_argument("--log-format", default="text", choices=FORMS, help="of what goes to stderr (default text)")
    parser.add_argument("--version", action="store_true", help="say which version this is, and end")
    parser.add_argument(
        "--verbose", action="store_true", help="with --version: the commit, Python, torch and other packages too"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=ConfigurableParser)
    # No option before it takes such a word as its value, so the first one is the command, if any is.
    named = next((one for one in typed if one in COMMANDS), None)
    for name, does in COMMANDS.items():
        if name == named:
            load_command(name).add_parser(commands)
        else:
            commands.add_parser(name, help=does)
    return parser


def _say_version(verbose: bool) -> int:
    from node.operating.versions import PROGRAM, describe_versions, find_version

    for line in describe_versions() if verbose else [f"{PROGRAM} {find_version()}"]:
        printing.say(line)
    return 0


def _log_beginning(command: str) -> None:
    """The first line of a log: of which program it is."""
    if _log.isEnabledFor(logging.INFO):
        from node.operating.versions import find_version

        _log.info("begun command=%s pid=%d version=%s", command, os.getpid(), find_version())


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
    sys.exit(main())
