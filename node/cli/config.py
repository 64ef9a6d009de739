"""`--config FILE` and `--write-config FILE`: a command's options in a TOML file, as its own parser has them."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_OWN: Final = ("config", "write-config", "help")
"""Options that no file holds."""


class ConfigurableParser(argparse.ArgumentParser):
    """A command's parser; after `add_config` its options may stand in a file.

    An option is typed whole: what is taken for another's beginning today is refused as ambiguous, or means
    something else, as soon as there is one more.
    """

    takes_config = False

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **{"allow_abbrev": False, **keywords})

    def parse_known_args(  # type: ignore[override]  # of the ways to call it, this is the one that commands need
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As ArgumentParser does. Raises UsageError for a file that cannot be meant."""
        if not self.takes_config:
            return super().parse_known_args(args, namespace)
        # First only what is typed, whatever its default: that counts more than the file.
        usual = [(option, option.default, option.required) for option in self._actions]
        for option in self._actions:
            option.default, option.required = argparse.SUPPRESS, False
        typed, unknown = super().parse_known_args(args, argparse.Namespace())
        for option, default, required in usual:
            option.default, option.required = default, required
        return self._fill(typed, namespace), unknown

    def _fill(self, typed: argparse.Namespace, namespace: argparse.Namespace | None) -> argparse.Namespace:
        """With what the file says, then with defaults. Ends the program where what is required is missing."""
        values, cautions, options = vars(typed), list[str](), list_options(self)
        if (path := values.get("config")) is not None:
            from node.cli.config_file import ConfigFile

            file = ConfigFile.read(path)
            values = {**file.parse(options), **values}
            cautions = file.find_cautions()
        if values.get("write_config") is not None:
            from node.cli.config_example import run_writing

            return argparse.Namespace(run=run_writing, path=values["write_config"], values=values, options=options)
        for option in options.values():
            if option.dest in values:
                option.default, option.required = values[option.dest], False
        found, _ = super().parse_known_args([], namespace)
        found.config, found.cautions = path, cautions
        return found


def add_config(parser: ConfigurableParser) -> None:
    """Declare both."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE.toml",
        help="take options from this file, each under its name; what is typed counts more",
    )
    parser.add_argument(
        "--write-config",
        type=Path,
        metavar="FILE.toml",
        help="write such a file, with every option, what it is for and its default, and end",
    )
    parser.takes_config = True


def list_options(parser: argparse.ArgumentParser) -> Mapping[str, argparse.Action]:
    """Name in a file → the option, in the order of help: all that may stand there."""
    found = {}
    for option in parser._actions:
        name = next((text[2:] for text in option.option_strings if text.startswith("--")), None)
        if name is not None and name not in _OWN:
            found[name] = option
    return found


def is_repeatable(option: argparse.Action) -> bool:
    """Whether it may be typed more than once; in a file it is a list."""
    return isinstance(option, argparse._AppendAction)
