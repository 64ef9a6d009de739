"""The endpoint record of a seat: where its gossip and its gateway are reached."""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final

from ledger.errors import PeerFault

ENDPOINT_MAX_BYTES: Final = 256
# A name, an IPv4 address or an IPv6 address in brackets; no user, path, query or fragment.
_LABEL: Final = "[A-Za-z0-9_-]{1,63}"
_ADDRESS: Final = re.compile(
    rf"(?P<scheme>[a-z]+)://((?P<name>{_LABEL}([.]{_LABEL})*)|\[(?P<ipv6>[0-9A-Fa-f:.]+)\]):(?P<port>[0-9]{{1,5}})/?"
)


class MalformedEndpoint(PeerFault):
    """A seat's endpoint record does not name a gossip and a gateway address."""


@dataclass(frozen=True)
class Origin:
    """Where one server is reached. Two are equal that lead to the same place, however they are written."""

    text: str = field(compare=False)
    """As its seat wrote it."""
    scheme: str
    """http, https, ws or wss, in lower case."""
    host: str
    """A name, or an IPv4 or IPv6 address without brackets; in lower case. Nothing in a name is decoded: `xn--a` is
    one, whether or not it stands for other letters."""
    port: int
    """1..65535."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Endpoint:
    """Both places where a seat is reached."""

    gossip: Origin
    """`wss://host:port`."""
    gateway: Origin
    """`http://host:port` or `https://host:port`."""

    @classmethod
    def at(cls, host: str, gossip_port: int, gateway_port: int) -> "Endpoint":
        """Both at one host: a name, an IPv4 or an IPv6 address, without brackets. Raises MalformedEndpoint."""
        named = f"[{host}]" if ":" in host else host
        return parse_endpoint(f"wss://{named}:{gossip_port} http://{named}:{gateway_port}")

    @property
    def text(self) -> str:
        """As it is written on chain."""
        return f"{self.gossip} {self.gateway}"


def parse_endpoint(text: str) -> Endpoint:
    """The inverse of `Endpoint.text`. text: whatever a peer put on chain. Raises MalformedEndpoint (R16)."""
    parts = text.split(" ") if len(text) <= ENDPOINT_MAX_BYTES else []
    if len(parts) != 2:
        raise MalformedEndpoint(f"{text[:80]!r} is not `wss://host:port http://host:port`")
    return Endpoint(parse_gossip(parts[0]), _parse_origin(parts[1], ("http", "https")))


def find_endpoint(text: str) -> Endpoint | None:
    """The same, None for what names no two addresses: a text that nobody can read names nothing to reach."""
    try:
        return parse_endpoint(text)
    except MalformedEndpoint:
        return None


def parse_gossip(url: str) -> Origin:
    """The gossip half of an endpoint. Raises MalformedEndpoint unless it is a bare `wss://host:port`."""
    return _parse_origin(url, ("wss",))


def _parse_origin(url: str, schemes: tuple[str, ...]) -> Origin:
    # [REJECT] control characters, credentials, other scripts' digits: a URL library may drop or reinterpret them.
    match = _ADDRESS.fullmatch(url)
    if match is None or match["scheme"] not in schemes or not 1 <= int(match["port"]) <= 65535:
        raise MalformedEndpoint(f"{url[:80]!r} is not {' or '.join(schemes)}://host:port")
    if match["ipv6"]:
        try:
            ipaddress.IPv6Address(match["ipv6"])
        except ValueError as error:
            raise MalformedEndpoint(f"{url[:80]!r} is no address: {error}") from error
    return Origin(url, match["scheme"], (match["ipv6"] or match["name"]).lower(), int(match["port"]))
