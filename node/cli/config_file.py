"""A file of options: read whole or refused, with the line where it is wrong."""

import argparse
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from ledger.errors import UsageError
from ledger.files import opened_regular
from node.cli.config import is_repeatable
from node.operating.wording import find_meant

FILE_MAX_BYTES: Final = 1 << 16
PATHS_IN_TEXTS: Final[Mapping[str, re.Pattern[str]]] = {
    "attack": re.compile(r"\.py:"),
    "task": re.compile(r"\.py:"),
    "cold": re.compile(r"^(?!0x)"),
}
"""Options that name a file or something else → what a text looks like that names a file."""
_UNITS: Final = ("ETH", "GWEI", "EPSILON")
"""Texts that stand for such amounts may be written as the numbers that they are."""
_SECRETS: Final = ("password", "key", "private-key", "secret")
_ENDPOINTS: Final = ("rpc", "rpc-ws")
_SHOWN: Final = 40
_DIGITS_MAX: Final = 40
"""Numbers that are longer keep their exponent."""
_OTHERS_READ: Final = stat.S_IRGRP | stat.S_IROTH


class ConfigFile:
    """A file that is TOML."""

    def __init__(self, path: Path, data: bytes, mode: int) -> None:
        """mode: the file's permission bits. Raises UsageError for what is no TOML."""
        self._path, self._mode = path, mode
        try:
            # Some editors begin a file with a mark of their own.
            self._text = data.decode("utf-8-sig")
            self._values: dict[str, Any] = tomllib.loads(self._text, parse_float=Decimal)
        except (ValueError, ArithmeticError, RecursionError) as error:
            raise UsageError(f"{path} is no TOML: {error}: mend it there") from error

    @classmethod
    def read(cls, path: Path) -> "ConfigFile":
        """Raises UsageError for a file that cannot be read, is too large or is no TOML."""
        try:
            with opened_regular(path) as file:
                mode, data = os.fstat(file.fileno()).st_mode, file.read(FILE_MAX_BYTES + 1)
        except OSError as error:
            raise UsageError(f"--config {path}: {error.strerror or error}: name a file that can be read") from error
        if len(data) > FILE_MAX_BYTES:
            raise UsageError(f"--config {path} has more than {FILE_MAX_BYTES} bytes: it is no file of options")
        return cls(path, data, mode)

    def parse(self, options: Mapping[str, argparse.Action]) -> dict[str, Any]:
        """The program's names and values, as if typed. options: those that there are, by name.

        Raises UsageError for the first that cannot be meant.
        """
        found = {}
        for name, value in self._values.items():
            if name not in options:
                raise UsageError(f"{self._find_place(name)}: {_refuse(name, options)}")
            try:
                found[options[name].dest] = _read_value(options[name], value)
            except (ValueError, argparse.ArgumentTypeError) as error:
                raise UsageError(f"{self._find_place(name)}: {name} {error}") from error
        placed = {options[name].dest: name for name in self._values}
        return {dest: self._place(placed[dest], value) for dest, value in found.items()}

    def find_cautions(self) -> list[str]:
        """What is not as it should be and ends nothing: a secret that others of this machine can read."""
        from ledger.chain.rpc.address import mask_url

        values = [self._values[name] for name in _ENDPOINTS if name in self._values]
        urls = [url for value in values for url in (value if isinstance(value, list) else [value])]
        if self._mode & _OTHERS_READ and any(mask_url(url) != url for url in urls):
            return [
                f"{self._path} names an endpoint whose address may hold a key, and others on this machine can read"
                f" it: chmod 600 {self._path}"
            ]
        return []

    def _place(self, name: str, value: Any) -> Any:
        """With paths as they are seen from the file's folder."""
        folder = self._path.parent
        if isinstance(value, list):
            return [self._place(name, one) for one in value]
        if isinstance(value, Path):
            return folder / value
        is_path = isinstance(value, str) and name in PATHS_IN_TEXTS and PATHS_IN_TEXTS[name].search(value)
        return str(folder / value) if is_path else value

    def _find_place(self, name: str) -> str:
        """The file, and the line where the name stands."""
        written = rf"[\"']?{re.escape(name)}[\"']?[ \t]*"
        line = re.search(rf"^[ \t]*(\[+[ \t]*{written}[\].]|{written}[=.])", self._text, re.MULTILINE)
        if line is None:
            return str(self._path)
        before = self._text[: line.start()]
        return f"{self._path}, line {len(before.splitlines()) + 1}"


def _read_value(option: argparse.Action, value: object) -> object:
    """What the option makes of it when typed. Raises ValueError, ArgumentTypeError: the rest of a sentence."""
    if option.nargs == 0 or (option.nargs == "?" and isinstance(value, bool)):
        if not isinstance(value, bool):
            raise ValueError(f"is true or false, not {_show(value)}")
        if isinstance(option, argparse.BooleanOptionalAction):
            return value
        return option.const if value else option.default
    if is_repeatable(option) or option.nargs not in (None, "?"):
        return [_read_one(option, one) for one in (value if isinstance(value, list) else [value])]
    return _read_one(option, value)


def _read_one(option: argparse.Action, value: object) -> object:
    kind: Any = option.type
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if kind is int and not (is_number and isinstance(value, int)):
        raise ValueError(f"is a whole number, not {_show(value)}")
    if kind is float and not is_number:
        raise ValueError(f"is a number, not {_show(value)}")
    is_text = kind in (None, str, Path) and option.metavar not in _UNITS
    if not isinstance(value, str) and (is_text or not is_number):
        raise ValueError(f"is a text in quotes, not {_show(value)}")
    if isinstance(value, str) and "\0" in value:
        raise ValueError(f"has a zero byte, which nothing that is typed has: {_show(value)}")
    try:
        made = _spell(value) if kind is None else kind(_spell(value))
    except ValueError as error:
        raise ValueError(f"cannot be {_show(value)}") from error
    if option.choices is not None and made not in option.choices:
        raise ValueError(f"is one of {', '.join(map(str, option.choices))}, not {_show(value)}")
    return made


def _spell(value: object) -> str:
    """As it would be typed."""
    is_plain = isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) <= _DIGITS_MAX
    return f"{value:f}" if is_plain else str(value)


def _refuse(name: str, options: Mapping[str, argparse.Action]) -> str:
    if name in _SECRETS:
        return f"no secret stands in this file: {name} goes into a file of its own, see password-file and keystore"
    meant = find_meant(name, options)
    return f"{_show(name)} is no option: {f'is {meant} meant?' if meant else '`--help` lists them'}"


def _show(value: object) -> str:
    """As TOML has it, in a few words."""
    kinds = {dict: "a table", list: "a list", bool: str(value).lower(), str: repr(value)}
    shown = kinds.get(type(value), str(value))
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 1]}…"
