"""The command that deploys the circle of a project, for a coordinator to look at and run."""

import re
import shlex
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from ledger.errors import UsageError
from node.operating.wording import find_meant
from node.provisioning.project import Project, Value

_FOLLOWS: Final = {
    "peers": "the number of members",
    "task": "`task`",
    "admission": "`invitations`",
    "inviter": "`invitations`",
    "rpc": "`rpc`",
    "out": "`circle`",
    "keystore": "`invitations`",
    "password-file": "`invitations`",
    "from-model": "`frozen`",
}
"""Options that the rest of the project file says."""
_TASK_OPTION: Final = "option"
_OWN_CLASS: Final = re.compile(r"\.py:")


def make_deploy_arguments(project: Project, inviter: str | None) -> list[str]:
    """What `folkmoot` is to be given. inviter: its address; None where anyone may join. Raises UsageError."""
    given = dict(project.deploy)
    admission = given.pop("admission", None)
    for name in given:
        if name in _FOLLOWS:
            raise UsageError(f"deploy: {name} follows from {_FOLLOWS[name]} of the project file: leave it out")
    arguments = ["deploy", *(part for url in project.rpc[:1] for part in ("--rpc", url))]
    invitations = project.invitations
    if invitations is not None:
        if inviter is None:
            raise UsageError("invitations: keystore is not there: `folkmoot keys new` makes one")
        arguments += ["--keystore", str(invitations.keystore)]
        if invitations.password_file is not None:
            arguments += ["--password-file", str(invitations.password_file)]
        arguments += ["--admission", str(admission or "inviter"), "--inviter", inviter]
    if project.task:
        arguments += ["--task", project.task]
    if project.frozen is not None:
        arguments += ["--from-model", str(project.frozen)]
    arguments += ["--peers", str(len(project.peers)), "--out", str(project.circle)]
    return arguments + list_options(given)


def place_deploy_paths(
    deploy: dict[str, Value], folder: Path, paths: Collection[str], option_files: Collection[str]
) -> dict[str, Value]:
    """The table with its paths as they are seen from the project file's folder.

    paths: the options of `deploy` that are paths. option_files: the options of the task that name a file.
    """

    def place(name: str, value: Value) -> Value:
        if isinstance(value, list):
            return [str(place(name, one)) for one in value]
        if not isinstance(value, str):
            return value
        if name == _TASK_OPTION:
            option, is_pair, file = value.partition("=")
            return f"{option}={folder / file}" if is_pair and option.strip() in option_files else value
        return str(folder / value) if name in paths or _OWN_CLASS.search(value) else value

    return {name: place(name, value) for name, value in deploy.items()}


def list_options(options: dict[str, Value]) -> list[str]:
    """NAME → value of a table as a command line has them: true names a switch, a list repeats the option."""
    found: list[str] = []
    for name, value in options.items():
        if isinstance(value, bool):
            found += [f"--{name}"] if value else []
        else:
            for one in value if isinstance(value, list) else [value]:
                found += [f"--{name}", str(one)]
    return found


def check_options(table: str, given: Sequence[str], known: Sequence[str]) -> None:
    """given: an option's names without dashes. known: those that the command has. Raises UsageError."""
    for name in given:
        if name not in known:
            meant = find_meant(name, known)
            what = f"is {meant} meant?" if meant else f"`folkmoot {table} --help` lists all"
            raise UsageError(f"{table}: there is no option {name[:40]!r}: {what}")


def format_command(arguments: Sequence[str], folder: Path) -> str:
    """As it is typed in a folder."""
    here = f"{folder}/"
    seen = (argument.removeprefix(here).replace(f"={here}", "=", 1) for argument in arguments)
    return shlex.join(["folkmoot", *seen])
