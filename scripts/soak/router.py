"""A home router between one node and the rest: its address outside, and what comes back in. Pure; the clock is an argument.

It translates TCP over IPv4 as common routers do (RFC 5382): an inner address and port keep one outer port, and only
whom the node called gets an answer through. All else that comes from outside is dropped without a word.
"""

from dataclasses import dataclass, field
from typing import Final

from scripts.soak.packets import FIN, RST, find_tcp, rewrite_destination, rewrite_source

_FIRST_PORT: Final = 20_000
_PORTS: Final = 40_000
# A connection that closes is forgotten soon, an idle one after minutes, as cheap routers do.
CLOSING_S: Final = 10.0
IDLE_S: Final = 300.0


@dataclass
class _Mapping:
    inner_port: int
    outer_port: int
    until: float
    called: dict[bytes, float] = field(default_factory=dict)
    """Address and port of who was called → until when it gets an answer through."""


@dataclass
class Router:
    """One node's."""

    inner: bytes
    """The node's own address, 4 bytes."""
    outer: bytes
    """The one that others see, 4 bytes."""
    idle_s: float = IDLE_S
    """A connection that is silent for longer is forgotten."""
    refused: int = 0
    """Packets from outside that nobody inside had asked for."""
    _by_inner: dict[int, _Mapping] = field(default_factory=dict)
    _by_outer: dict[int, _Mapping] = field(default_factory=dict)
    _next: int = 0

    def send(self, packet: bytearray, now: float) -> bool:
        """Translate one on its way out; False to drop it: not TCP, or no port is left."""
        at = find_tcp(packet)
        if at is None:
            return False
        mapping = self._map(int.from_bytes(packet[at : at + 2], "big"), now)
        if mapping is None:
            return False
        whom = bytes(packet[16:20]) + bytes(packet[at + 2 : at + 4])
        self._keep(mapping, whom, packet[at + 13], now)
        rewrite_source(packet, at, self.outer, mapping.outer_port)
        return True

    def receive(self, packet: bytearray, now: float) -> bool:
        """Translate one on its way in; False to drop it: nobody inside had called its sender."""
        at = find_tcp(packet)
        mapping = None if at is None else self._by_outer.get(int.from_bytes(packet[at + 2 : at + 4], "big"))
        if at is None or mapping is None:
            self.refused += 1
            return False
        who = bytes(packet[12:16]) + bytes(packet[at : at + 2])
        if mapping.called.get(who, 0.0) < now:
            self.refused += 1
            return False
        self._keep(mapping, who, packet[at + 13], now)
        rewrite_destination(packet, at, self.inner, mapping.inner_port)
        return True

    @property
    def mappings(self) -> int:
        """How many inner ports have an outer one."""
        return len(self._by_inner)

    def _keep(self, mapping: _Mapping, who: bytes, flags: int, now: float) -> None:
        mapping.called[who] = now + (CLOSING_S if flags & (FIN | RST) else self.idle_s)
        mapping.until = max(mapping.called.values())

    def _map(self, inner_port: int, now: float) -> _Mapping | None:
        mapping = self._by_inner.get(inner_port)
        if mapping is not None and mapping.until >= now:
            return mapping
        if mapping is not None:
            self._forget(mapping)
        for _ in range(_PORTS):
            port = _FIRST_PORT + self._next % _PORTS
            self._next += 1
            taken = self._by_outer.get(port)
            if taken is not None and taken.until < now:
                self._forget(taken)
                taken = None
            if taken is None:
                mapping = _Mapping(inner_port, port, now + self.idle_s)
                self._by_inner[inner_port] = self._by_outer[port] = mapping
                return mapping
        return None

    def _forget(self, mapping: _Mapping) -> None:
        self._by_inner.pop(mapping.inner_port, None)
        self._by_outer.pop(mapping.outer_port, None)
