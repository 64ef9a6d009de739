"""What a browser asks with: every parameter checked before anything acts on it."""

from collections.abc import Mapping
from typing import Final

SEAT_MAX: Final = 255
TEXT_MAX: Final = 128
_DIGITS_MAX: Final = 7


class BadQuery(ValueError):
    """The request asks for what makes no sense: status 400, with this sentence."""


class Missing(LookupError):
    """There is no such thing: status 404, with this sentence."""


class NotReady(RuntimeError):
    """It is not known yet: status 503, with this sentence."""


class Query:
    """The parts of a path and the parameters of one request, all of them strings of a stranger's."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def number(self, name: str, default: int | None, *, least: int, most: int) -> int:
        """A whole number. default: what is meant where it is not given; None: it must be. Raises BadQuery."""
        raw = self._values.get(name)
        if raw is None:
            if default is None:
                raise BadQuery(f"{name} is missing")
            return default
        return _parse_number(name, raw, least, most)

    def seats(self, name: str) -> list[int] | None:
        """Seats with commas between them, each once, ascending; None where it is not given. Raises BadQuery."""
        raw = self._values.get(name)
        if raw is None:
            return None
        if raw == "":
            return []
        parts = raw.split(",", SEAT_MAX + 2)
        if len(parts) > SEAT_MAX + 1:
            raise BadQuery(f"{name} names more than {SEAT_MAX + 1} seats")
        return sorted({_parse_number(name, part, 0, SEAT_MAX) for part in parts})

    def text(self, name: str) -> str:
        """Some text, blanks around it cut off. Raises BadQuery for more than TEXT_MAX characters."""
        raw = self._values.get(name, "").strip()
        if len(raw) > TEXT_MAX:
            raise BadQuery(f"{name} is longer than {TEXT_MAX} characters")
        return raw


def _parse_number(name: str, raw: str, least: int, most: int) -> int:
    is_number = raw.isascii() and raw.isdecimal() and len(raw) <= _DIGITS_MAX
    if not is_number or not least <= int(raw) <= most:
        raise BadQuery(f"{name} is a whole number from {least} to {most}")
    return int(raw)
