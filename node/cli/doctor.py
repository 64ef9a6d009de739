"""`folkmoot doctor`: look at all that a node needs, and say what is wrong and what to do about it.

It takes the options of `folkmoot node`, so `doctor` is put in the place of `node`; none is required. It changes
nothing, asks nobody but the chain's endpoints, members of the circle and the IPFS daemon, and ends within --limit.
Exit status 0: nothing is wrong, there may be warnings. 3: something is.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from ledger.errors import SetupError, UsageError
from node.cli.config import ConfigurableParser
from node.cli.node_options import add_node_options, read_node_options
from node.cli.opened import load_circle_task
from node.cli.options import Subparsers, choose_rpc_urls, parse_address, print_json
from node.operating.printing import say

_LIMIT_S: Final = 30.0
_LIMIT_MAX_S: Final = 3600.0
_WRONG: Final = 3
_WIDTH: Final = 7


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser: ConfigurableParser = commands.add_parser(
        "doctor", help="look at all that a node needs, and change nothing", description=__doc__
    )
    add_node_options(parser)
    for option in parser._actions:
        option.required = False
    parser.add_argument(
        "--rounds", type=int, metavar="N", help="how many rounds the coin is to pay (default: all that are left)"
    )
    parser.add_argument(
        "--limit",
        type=float,
        default=_LIMIT_S,
        metavar="SECONDS",
        help=f"be done within so long, whatever does not answer (default {_LIMIT_S:g})",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Look, and tell."""
    from node.doctor.findings import examine, is_sound

    if not 0 < options.limit <= _LIMIT_MAX_S:
        raise UsageError(f"--limit is above 0 and at most {_LIMIT_MAX_S:g} seconds, not {options.limit:g}")
    if options.rounds is not None and not 0 <= options.rounds <= 1 << 40:
        raise UsageError(f"--rounds is how many rounds are to be paid for, not {options.rounds}")
    findings = examine(_make_groups(options), options.limit)
    is_ok = is_sound(findings)
    if options.json:
        print_json({"ok": is_ok, "findings": [one.to_fields() for one in findings]})
    else:
        _print(findings)
    return 0 if is_ok else _WRONG


def _make_groups(options: argparse.Namespace) -> dict[str, Any]:
    """What is looked at side by side, in the order in which it is told. Raises UsageError."""
    from node.doctor.circle import Asked, look_at_chain
    from node.doctor.daemon import look_at_daemon
    from node.doctor.keys import look_at_key
    from node.doctor.machine import look_at_machine, look_at_program
    from node.doctor.ports import look_at_ports
    from node.doctor.stores import look_at_data, look_at_folder
    from node.tasks.built_in import OWN_DATA

    sound = read_node_options(options)
    asked = Asked(
        options.circle,
        choose_rpc_urls(options),
        options.rpc_ws,
        options.keystore,
        _find_cold(options.cold),
        options.invitation,
        options.rounds,
        OWN_DATA if options.data is None and options.task is None else frozenset(),
        None if options.data is not None and not options.data.exists() else partial(_open_task, options, sound.own),
    )
    groups = {
        "program": look_at_program,
        "machine": look_at_machine,
        "folder": lambda notebook: look_at_folder(notebook, options.folder),
        "data": lambda notebook: look_at_data(notebook, options.data),
        "key": lambda notebook: look_at_key(notebook, options.keystore, options.password_file),
        "ports": lambda notebook: look_at_ports(notebook, sound.listening, sound.metrics_at, options.folder),
        "chain": lambda notebook: look_at_chain(notebook, asked),
    }
    if options.ipfs_api is not None:
        groups["ipfs daemon"] = lambda notebook: look_at_daemon(notebook, options.ipfs_api)
    return groups


def _open_task(options: argparse.Namespace, own: Mapping[str, str], manifest: Any) -> Any:
    """The task as the node makes it, for the device that it names. Raises UsageError, SetupError."""
    from node.learning.devices import choose_device

    task = load_circle_task(manifest, options.task, options.frozen, own=own, data=options.data)
    return replace(task, device=choose_device(options.device))


def _find_cold(text: str | None) -> str | None:
    try:
        return None if text is None else parse_address(text, "--cold")
    except SetupError as error:
        raise UsageError(str(error)) from error


def _print(findings: Sequence[Any]) -> None:
    for one in findings:
        say(f"{one.level.value:{_WIDTH}} {one.check}: {one.saw}")
        if one.do:
            say(f"{'':{_WIDTH}}   → {one.do}")
    levels = [one.level.value for one in findings]
    wrong, warnings = levels.count("wrong"), levels.count("warning")
    say(f"{wrong} wrong, {warnings} to be looked at, {levels.count('ok')} as they should be")
