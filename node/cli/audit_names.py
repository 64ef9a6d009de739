"""`--names FILE`: what an auditor calls addresses, and else what seats call themselves; beside the address."""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ledger.errors import UsageError
from ledger.files import opened_regular

if TYPE_CHECKING:
    from ledger.circle.history import History

ALL: Final = -1
"""In the place of a seat: all of them."""
_ADDRESS: Final = re.compile(r"\b0x[0-9a-fA-F]{40}\b")
_FILE_MAX_BYTES: Final = 1 << 20
_NAMES_MAX: Final = 4096
_NAME_MAX: Final = 60
"""Characters."""


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """--details and --names."""
    parser.add_argument(
        "--details",
        nargs="?",
        const=ALL,
        type=_parse_seat,
        metavar="SEAT",
        help="tell of each finding by itself, with its evidence, and shorten no list; with a seat, of its findings",
    )
    parser.add_argument(
        "--names",
        type=Path,
        metavar="FILE",
        help='what you call addresses, TOML or JSON: "0x…" = "name"; shown beside them',
    )


def _parse_seat(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and int(text) < 256):
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no seat: give a number from 0 to 255")
    return int(text)


class Names:
    """Address → name: as one person's file has them, and for others as their seats call themselves.

    The second stand in quotation marks, with what should be known of them (R16.2): they are the seats' own word.
    """

    def __init__(self, names: Mapping[str, str] | None = None, own: Mapping[str, str] | None = None) -> None:
        """names: checksummed address → name in the file. own: → what its seat calls itself, as it is shown."""
        self._names, self._own = dict(names or {}), dict(own or {})

    def beside(self, history: "History | None") -> "Names":
        """The same with what the seats of a circle call themselves. history: None where none was read."""
        from ledger.circle.seat_names import name_seats

        if history is None:
            return self
        named = sorted(name_seats(history).items(), key=lambda one: history.seats[one[0]].is_held)
        return Names(self._names, {history.seats[seat].peer: name.describe() for seat, name in named})

    def find(self, address: str) -> str:
        """The name; empty where there is none."""
        return self._names.get(address) or self._own.get(address, "")

    def describe(self, address: str) -> str:
        """The name, where there is one, with the whole address behind it."""
        name = self.find(address)
        return f"{name} ({address})" if name else address

    def annotate(self, text: str) -> str:
        """The text, with names before the addresses in it."""
        return _ADDRESS.sub(lambda found: self.describe(found[0]), text) if self._names or self._own else text

    def describe_shortly(self, address: str) -> str:
        """The name, where there is one, and the ends of the address, in brackets; empty without an address."""
        if not address:
            return ""
        short = f"{address[:6]}…{address[-4:]}" if len(address) > 12 else address
        return f"({', '.join(filter(None, (self.find(address), short)))})"

    def to_fields(self) -> dict[str, str]:
        """Those of the file, for machines."""
        return dict(self._names)


def list_seat_names(history: "History | None") -> list[dict[str, Any]]:
    """What seats call themselves, for machines."""
    from ledger.circle.seat_names import make_name_fields, name_seats

    named = {} if history is None else name_seats(history)
    return [{"seat": seat, **make_name_fields(name)} for seat, name in named.items()]


def read_names(path: Path | None) -> Names:
    """Of a TOML or JSON file, by its ending: one table, address = "name". Raises UsageError."""
    if path is None:
        return Names()
    try:
        with opened_regular(path) as file:
            data = file.read(_FILE_MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"--names {path}: {error.strerror or error}: name a file that can be read") from error
    if len(data) > _FILE_MAX_BYTES:
        raise UsageError(f"--names {path} has more than {_FILE_MAX_BYTES} bytes: name the circle's addresses only")
    return Names(_check_names(path, _decode(path, data)))


def _decode(path: Path, data: bytes) -> dict[str, str]:
    import msgspec

    is_json = path.suffix.lower() == ".json"
    try:
        # Typed at once, so that nothing nested is gone into, however deep it is.
        decode = msgspec.json.decode if is_json else msgspec.toml.decode
        found: dict[str, str] = decode(data, type=dict[str, str])
        return found
    except (ValueError, RecursionError) as error:
        what = "JSON" if is_json else "TOML (a file whose name ends in .json is read as JSON)"
        raise UsageError(f'--names {path} is no {what} with "0x…" = "name" in it: {error}') from error


def _check_names(path: Path, found: Mapping[str, str]) -> dict[str, str]:
    from eth_utils.address import is_hex_address, to_checksum_address

    if len(found) > _NAMES_MAX:
        raise UsageError(f"--names {path} has {len(found)} names, more than {_NAMES_MAX}: leave others out")
    names: dict[str, str] = {}
    for address, name in found.items():
        where = f"--names {path}: {address[:60]!r}"
        if not is_hex_address(address) or not address.lower().startswith("0x"):
            raise UsageError(f"{where} is no address: give 0x and 40 hex digits")
        if not name.strip():
            raise UsageError(f"{where} has no name: give a text")
        if len(name) > _NAME_MAX or not name.isprintable():
            raise UsageError(
                f"{where} has a name that cannot be shown: give at most {_NAME_MAX} characters, without line breaks"
                " or control characters"
            )
        # A name that looks like an address would be taken for one.
        if name.strip().lower().startswith("0x"):
            raise UsageError(f"{where} has a name that begins like an address: give another")
        checksummed = str(to_checksum_address(address))
        if checksummed in names:
            raise UsageError(f"{where} stands there twice: leave one out")
        names[checksummed] = name.strip()
    return names
