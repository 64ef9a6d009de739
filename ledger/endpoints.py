"""The endpoint record of a seat: where its gossip and its gateway are reached."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from ledger.errors import PeerFault

ENDPOINT_MAX_BYTES: Final = 256


class MalformedEndpoint(PeerFault):
    """A seat's endpoint record does not name a gossip and a gateway address."""


@dataclass(frozen=True)
class Endpoint:
    """gossip: `wss://host:port`. gateway: `http://host:port` or `https://…`."""

    gossip: str
    gateway: str

    @property
    def text(self) -> str:
        """As it is written on chain."""
        return f"{self.gossip} {self.gateway}"


def parse_endpoint(text: str) -> Endpoint:
    """The inverse of `Endpoint.text`. Raises MalformedEndpoint."""
    parts = text.split(" ")
    if len(text.encode()) > ENDPOINT_MAX_BYTES or len(parts) != 2:
        raise MalformedEndpoint(f"{text[:80]!r} is not `wss://host:port http://host:port`")
    _check(parts[0], ("wss",))
    _check(parts[1], ("http", "https"))
    return Endpoint(*parts)


def _check(url: str, schemes: tuple[str, ...]) -> None:
    try:
        split = urlsplit(url)
        plain = split.hostname and split.port and not (split.username or split.query or split.fragment)
    except ValueError as error:
        raise MalformedEndpoint(f"{url[:80]!r} is no address: {error}") from error
    if split.scheme not in schemes or not plain or split.path not in ("", "/"):
        raise MalformedEndpoint(f"{url[:80]!r} is not {' or '.join(schemes)}://host:port")
