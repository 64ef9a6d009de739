"""The file that `--write-config` writes: every option, what it is for, its default, and what was typed beside."""

import argparse
import os
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ledger.errors import SetupError, UsageError
from ledger.files import write_new
from node.cli.config import is_repeatable
from node.operating.figures import dump_toml
from node.operating.printing import say

_WIDTH: Final = 100
_TOLD_DEFAULT: Final = re.compile(r"\(default ([0-9]+(?:\.[0-9]+)?)\)")
_HEAD: Final = (
    "Options for --config. What is typed on the command line counts more than what stands here.",
    "Paths are seen from this file's folder. What begins with # is a default, or an example where there is none.",
    "No secret belongs here: a key stays in its keystore, and its password in a file of its own.",
)


def run_writing(options: argparse.Namespace) -> int:
    """Write the file, and say what is left to do."""
    path: Path = options.path
    try:
        write_new(path, "".join(f"{line}\n" for line in list_lines(options.options, options.values, path)).encode())
    except UnicodeEncodeError as error:
        raise UsageError(
            "what was typed is no text in UTF-8, and a file of options is: type it otherwise"
        ) from error
    except FileExistsError as error:
        raise SetupError(f"{path} exists already: choose another name") from error
    except OSError as error:
        raise SetupError(f"{path} cannot be written ({error.strerror}): choose another place") from error
    lacking = [
        name for name, option in options.options.items() if option.required and option.dest not in options.values
    ]
    say(f"{path} written" + (f": fill in {', '.join(lacking)}" if lacking else ""))
    return 0


def list_lines(options: Mapping[str, argparse.Action], values: Mapping[str, Any], path: Path) -> Iterator[str]:
    """Of a file at the path. values: what was typed, by the program's names; it stands there without a #."""
    for sentence in _HEAD:
        yield from textwrap.wrap(sentence, _WIDTH, initial_indent="# ", subsequent_indent="# ")
    for name, option in options.items():
        yield ""
        yield from textwrap.wrap(
            f"{'Needed: ' if option.required else ''}{_expand(option)}",
            _WIDTH,
            initial_indent="# ",
            subsequent_indent="#   ",
        )
        if option.dest in values:
            yield f"{name} = {dump_toml(_relate(values[option.dest], path.parent))}"
        else:
            yield f"# {name} = {dump_toml(_choose_example(option))}"


def _expand(option: argparse.Action) -> str:
    return (option.help or option.metavar or option.dest) % {**vars(option), "prog": "folkmoot node"}  # type: ignore[operator]


def _choose_example(option: argparse.Action) -> Any:
    """Its default, or something of its kind."""
    if option.default not in (None, []):
        return option.default
    if option.nargs == 0:
        return False
    if option.choices:
        one = next(iter(option.choices))
    elif option.type in (int, float):
        # An option that counts under another alone has no default in the parser; its help says it.
        told = _TOLD_DEFAULT.search(option.help or "")
        one = option.type(told[1]) if told else 0
    else:
        one = option.metavar if isinstance(option.metavar, str) else option.dest.upper()
    return [one] if is_repeatable(option) else one


def _relate(value: Any, folder: Path) -> Any:
    """A path that was typed, seen from here, as it is seen from the folder."""
    if isinstance(value, list):
        return [_relate(one, folder) for one in value]
    return os.path.relpath(value, folder) if isinstance(value, Path) and not value.is_absolute() else value
