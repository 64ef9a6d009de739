"""Help and refusals come at once: until a command is parsed, nothing is imported that has to be installed."""

import json
import subprocess
import sys
from typing import Final

import pytest

from node.cli.main import COMMANDS, load_command
from tests.support.imports import ROOT

# Runs one command line in a fresh interpreter and says how it ended and which installed packages it imported.
_PROGRAM: Final = """
import sys
before = set(sys.modules)
from node.cli.main import main
try:
    status = main(sys.argv[1:])
except SystemExit as ended:
    status = ended.code
places = {name: getattr(sys.modules[name], "__file__", None) or "" for name in set(sys.modules) - before}
found = sorted({name.partition(".")[0] for name, place in places.items() if "site-packages" in place})
import json
print(json.dumps([status, found, sorted(name for name in places if name.startswith("node.cli."))]), file=sys.stderr)
"""


def run_afresh(*arguments: str) -> tuple[int, list[str], list[str], str]:
    """Its status, installed packages and modules of `node.cli` that it imported, and what it said."""
    command = [sys.executable, "-c", _PROGRAM, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, cwd=ROOT)
    refusal, _, told = done.stderr.rstrip().rpartition("\n")
    status, packages, modules = json.loads(told)
    return status, packages, modules, done.stdout + refusal


@pytest.mark.parametrize(
    ("arguments", "status"), [(["--help"], 0), ([], 2), (["vote"], 2), (["--no-such-option", "x"], 2)]
)
def test_without_a_command_none_is_imported(arguments: list[str], status: int) -> None:
    ended, packages, modules, said = run_afresh(*arguments)
    assert (ended, packages, modules) == (status, [], ["node.cli.config", "node.cli.main"])
    assert "usage: folkmoot" in said


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_help_and_refusals_need_none_but_pythons_own(name: str) -> None:
    for typed, expected in ([name, "--help"], 0), ([name, "--no-such-option"], 2):
        status, packages, _, said = run_afresh(*typed)
        assert (status, packages) == (expected, [])
        assert f"usage: folkmoot {name}" in said or "usage: folkmoot [-h]" in said


class _Told(Exception):
    pass


class _Listener:
    """Takes a command's declaration up to the words that help shows."""

    def add_parser(self, _: str, *, help: str, **__: object) -> None:
        raise _Told(help)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_has_each_commands_own_words(name: str) -> None:
    with pytest.raises(_Told) as told:
        load_command(name).add_parser(_Listener())
    assert str(told.value) == COMMANDS[name]


def test_help_lists_all_commands_in_order() -> None:
    listed = run_afresh("--help")[3].partition("\n  COMMAND\n")[2].partition("\n\n")[0]
    assert [line.split()[0] for line in listed.splitlines() if line[4] != " "] == [*COMMANDS]
