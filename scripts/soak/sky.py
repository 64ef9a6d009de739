"""The places of a soak and the weather between them: makes namespaces, starts the weather's process, gives it orders."""

import json
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Final, Self

from ledger.errors import SetupError
from scripts.soak.air import Climate
from scripts.soak.namespaces import Namespace
from scripts.soak.router import IDLE_S

HOME: Final = "10.77.254.1"
HOME_V6: Final = "fd77::254:1"


@dataclass
class Place:
    """One node's, or the home of chain and audit."""

    space: Namespace
    """Where it lives."""
    address: str
    """IPv4, as others see it."""
    address_v6: str | None
    """IPv6; None behind a router."""

    @property
    def number(self) -> int:
        """Its name in the weather's orders."""
        return self.space.device


class Sky:
    """Make it after `enter_own_world`, with `with`. The home place is this process's own namespace."""

    def __init__(self, nodes: int, behind_nat: Collection[int] = (), seed: int = 1, mtu: int = 1500) -> None:
        """behind_nat: nodes that have a router of their own before them, with an address outside for it alone."""
        self.home = Place(Namespace(own=False), HOME, HOME_V6)
        self.places = [
            Place(Namespace(), f"10.77.1.{index + 1}", None if index in behind_nat else f"fd77::1:{index + 1:x}")
            for index in range(nodes)
        ]
        everyone = [self.home, *self.places]
        devices = [place.number for place in everyone]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "scripts.soak.weather", str(seed), *map(str, devices)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=devices,
        )
        for index, place in enumerate(everyone):
            place.space.set_mtu(mtu)
            if index - 1 in behind_nat:
                inner = f"192.168.{index}.2"
                place.space.take_address(inner)
                self._order("route", place=place.number, inner=inner, outer=place.address, idle_s=IDLE_S)
            else:
                self.settle(place, place.address, place.address_v6)
        # Chain and audit are no member's home.
        self._order("fast", place=self.home.number)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the weather."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        for place in (self.home, *self.places):
            place.space.close()

    def settle(self, place: Place, *addresses: str | None) -> None:
        """Give a place addresses, besides those that it has."""
        given = [address for address in addresses if address is not None]
        place.space.take_address(*given)
        self._order("place", place=place.number, addresses=given)

    def move(self, place: Place, address: str) -> None:
        """Give a place another IPv4 address in place of the one it has."""
        before, place.address = place.address, address
        place.space.drop_address(before)
        self._order("leave", addresses=[before])
        self.settle(place, address)

    def part(self, *sides: Sequence[Place]) -> None:
        """Let the sides not hear each other; places on no side hear all. Without sides: heal."""
        self._order("part", sides=[[place.number for place in side] for side in sides])

    def set_climate(self, climate: Climate) -> None:
        """From now on."""
        self._order("climate", climate=asdict(climate))

    def tell(self) -> dict[str, Any]:
        """The weather's counters."""
        return self._order("tell")

    def _order(self, what: str, **more: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"do": what, **more}).encode() + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line:
            raise SetupError("the weather's process is gone: see what it wrote above")
        answer: dict[str, Any] = json.loads(line)
        return answer
