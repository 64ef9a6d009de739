"""The endpoint record of a seat: where its gossip and its gateway are reached, and what it calls itself."""

import ipaddress
import re
from dataclasses import dataclass, field, replace
from typing import Final

from ledger.errors import PeerFault
from ledger.identity.display_names import find_name, spell_name

ENDPOINT_MAX_BYTES: Final = 256
# A name, an IPv4 address or an IPv6 address in brackets; no user, path, query or fragment.
_LABEL: Final = "[A-Za-z0-9_-]{1,63}"
_ADDRESS: Final = re.compile(
    rf"(?P<scheme>[a-z]+)://((?P<name>{_LABEL}([.]{_LABEL})*)|\[(?P<ipv6>[0-9A-Fa-f:.]+)\]):(?P<port>[0-9]{{1,5}})/?"
)
# A name, each byte of it either itself or escaped.
_NAME: Final = re.compile(r"name=(?P<spelled>(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+)")


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
    """Both places where a seat is reached, and what it calls itself."""

    gossip: Origin
    """`wss://host:port`."""
    gateway: Origin
    """`http://host:port` or `https://host:port`."""
    spelled: str = field(default="", compare=False)
    """The name as it is written on chain, without `name=`; empty without one."""

    @classmethod
    def at(cls, host: str, gossip_port: int, gateway_port: int) -> "Endpoint":
        """Both at one host: a name, an IPv4 or an IPv6 address, without brackets. Raises MalformedEndpoint."""
        named = f"[{host}]" if ":" in host else host
        return parse_endpoint(f"wss://{named}:{gossip_port} http://{named}:{gateway_port}")

    @property
    def text(self) -> str:
        """As it is written on chain."""
        return f"{self.addresses} name={self.spelled}" if self.spelled else self.addresses

    @property
    def addresses(self) -> str:
        """The same without the name."""
        return f"{self.gossip} {self.gateway}"

    @property
    def name(self) -> str | None:
        """What the seat calls itself; None where that is nothing, or is nothing that may be shown (R16.2)."""
        return find_name(self.spelled) if self.spelled else None

    def named(self, name: str | None) -> "Endpoint":
        """The same places with another name, None for without. Raises NotAName for one that may not be shown.

        Raises MalformedEndpoint where both together are too long.
        """
        endpoint = replace(self, spelled="" if name is None else spell_name(name))
        if len(endpoint.text) > ENDPOINT_MAX_BYTES:
            raise MalformedEndpoint(
                f"addresses and name are {len(endpoint.text)} bytes on chain, {ENDPOINT_MAX_BYTES} is the most"
            )
        return endpoint


def parse_endpoint(text: str) -> Endpoint:
    """The inverse of `Endpoint.text`. text: whatever a peer put on chain. Raises MalformedEndpoint (R16)."""
    parts = text.split(" ") if len(text) <= ENDPOINT_MAX_BYTES else []
    if len(parts) not in (2, 3):
        raise MalformedEndpoint(f"{text[:80]!r} is not `wss://host:port http://host:port`, nor that and `name=…`")
    spelled = ""
    if len(parts) == 3:
        # [REJECT] R16.2: anything else after the addresses.
        match = _NAME.fullmatch(parts[2])
        if match is None:
            raise MalformedEndpoint(f"{parts[2][:80]!r} is not `name=` and escaped UTF-8")
        spelled = match["spelled"]
    return Endpoint(parse_gossip(parts[0]), parse_gateway(parts[1]), spelled)


def find_endpoint(text: str) -> Endpoint | None:
    """The same, None for what names no two addresses: a text that nobody can read names nothing to reach."""
    try:
        return parse_endpoint(text)
    except MalformedEndpoint:
        return None


def show_addresses(text: str) -> str:
    """An endpoint as the chain has it, without the name, for where that is shown by itself."""
    endpoint = find_endpoint(text)
    return text if endpoint is None else endpoint.addresses


def find_seat_name(text: str) -> str | None:
    """What a seat calls itself, of its endpoint as the chain has it; None where that is nothing to be shown."""
    endpoint = find_endpoint(text)
    return None if endpoint is None else endpoint.name


def parse_gossip(url: str) -> Origin:
    """The gossip half of an endpoint. Raises MalformedEndpoint unless it is a bare `wss://host:port`."""
    return _parse_origin(url, ("wss",))


def parse_gateway(url: str) -> Origin:
    """The gateway half. Raises MalformedEndpoint unless it is a bare `http://host:port` or `https://host:port`."""
    return _parse_origin(url, ("http", "https"))


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
