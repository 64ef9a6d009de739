"""An endpoint's address: what is asked, what may be shown, and what of it is nobody else's business.

A user, a password, a key in the path and one in the query are the operator's own. Only the transport gets to see
them; everybody else sees scheme, host and port.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from ledger.errors import SetupError
from ledger.untrusted.text import make_printable

HIDDEN: Final = "…"
# Shorter parts of a path are versions and the names of chains.
_SECRET_CHARACTERS: Final = 6
_VALUE_CHARACTERS: Final = 4


@dataclass(frozen=True)
class EndpointAddress:
    """An http or https address."""

    full: str = field(repr=False)
    """As it was given."""
    shown: str
    """Without what may be secret."""
    _secrets: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, text: str) -> "EndpointAddress":
        """Raises SetupError for what is no such address."""
        try:
            parts = urlsplit(text)
            is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_address = False
        if not is_address or not text.isprintable() or " " in text:
            raise SetupError(f"{_mask_text(text)!r} is no JSON-RPC address: give one such as http://127.0.0.1:8545")
        return cls(text, mask_url(text), tuple(sorted(set(_find_secrets(parts)), key=len, reverse=True)))

    @property
    def public(self) -> str | None:
        """The whole address where it holds nothing but scheme, host and port; None where it may hold a secret."""
        return None if HIDDEN in self.shown else self.full

    def scrub(self, text: str) -> str:
        """A text, e.g. an endpoint's own message, without the secret parts of the address."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text


def mask_url(text: str) -> str:
    """A URL without user, password, path, query and fragment; an ellipsis says that there was one of them."""
    try:
        parts = urlsplit(text)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        origin = f"{parts.scheme}://{host}" + ("" if parts.port is None else f":{parts.port}")
    except ValueError:
        return _mask_text(text)
    has_more = parts.username is not None or parts.path not in ("", "/") or parts.query or parts.fragment
    return f"{origin}/{HIDDEN}" if has_more else text


def _mask_text(text: str) -> str:
    """What may be shown of a text that is no address."""
    head, mark, tail = text.partition("://")
    scheme, rest = (head + mark, tail) if mark else ("", head)
    host = re.split(r"[/?#]", rest.rpartition("@")[2], maxsplit=1)[0]
    return make_printable(scheme + host, 80)


def _find_secrets(parts: SplitResult) -> Iterator[str]:
    """Every piece that must not be shown, in each spelling that it travels in."""
    pieces = [piece for piece in parts.path.split("/") if len(piece) >= _SECRET_CHARACTERS]
    values = [pair.partition("=")[2] or pair for pair in parts.query.split("&")]
    pieces += [value for value in values if len(value) >= _VALUE_CHARACTERS]
    pieces += [piece for piece in (parts.username, parts.password, parts.fragment) if piece]
    for piece in pieces:
        yield from {piece, unquote(piece), quote(unquote(piece), safe="")}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        yield b64encode(pair.encode()).decode()
