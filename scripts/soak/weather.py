"""The weather's process: moves packets between the places' TUN devices, and takes orders on its standard input.

Started by `Sky` (scripts.soak.sky), with the devices' descriptors. Orders and answers are JSON, one a line.
"""

import argparse
import heapq
import ipaddress
import json
import os
import random
import select
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Final

from scripts.soak.air import Air, Climate
from scripts.soak.packets import find_ends
from scripts.soak.router import Router

_PACKET_MAX: Final = 65_535
# Of one place in one turn, so that none keeps the others waiting.
_TURN: Final = 64
_ORDER_BYTES: Final = 1 << 16


@dataclass
class Weather:
    """Places by number: a number is also the descriptor of its device."""

    air: Air
    """What lies between them."""
    places: dict[bytes, int] = field(default_factory=dict)
    """Address, 4 or 16 bytes → its place."""
    routers: dict[int, Router] = field(default_factory=dict)
    """Places behind one."""
    stray: int = 0
    """Packets that nobody's address was on."""
    _waiting: list[tuple[float, int, int, bytes | bytearray]] = field(default_factory=list)
    _count: int = 0

    def take(self, place: int, packet: bytes, now: float) -> None:
        """One packet from a place: lost, or put where it waits until it arrives."""
        ends = find_ends(packet)
        if ends is None:
            return
        sent: bytes | bytearray = packet
        router = self.routers.get(place)
        if router is not None:
            sent = bytearray(packet)
            if not router.send(sent, now):
                return
        elif self.places.get(ends[0]) != place:
            # A sender that says that it is another, or that has another address by now.
            self.stray += 1
            return
        receiver = self.places.get(ends[1])
        if receiver is None:
            self.stray += 1
            return
        arrives = self.air.carry(place, receiver, len(sent), now)
        if arrives is not None:
            self._count += 1
            heapq.heappush(self._waiting, (arrives, self._count, receiver, sent))

    def deliver(self, now: float) -> float | None:
        """Hand out what has arrived. Returns seconds until the next; None where nothing is on its way."""
        while self._waiting:
            if self._waiting[0][0] > now:
                return self._waiting[0][0] - now
            _, _, place, packet = heapq.heappop(self._waiting)
            router = self.routers.get(place)
            if router is not None:
                inside = bytearray(packet)
                if not router.receive(inside, now):
                    continue
                packet = inside
            try:
                os.write(place, packet)
            except OSError:
                # The device's own queue is full, or the packet is nothing that it takes: lost.
                self.air.lost += 1
        return None

    def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do what is said; returns what there is to say."""
        match order["do"]:
            case "place":
                for address in order["addresses"]:
                    self.places[ipaddress.ip_address(address).packed] = order["place"]
            case "leave":
                for address in order["addresses"]:
                    self.places.pop(ipaddress.ip_address(address).packed, None)
            case "route":
                inner, outer = (ipaddress.ip_address(order[name]).packed for name in ("inner", "outer"))
                self.routers[order["place"]] = Router(inner, outer, order["idle_s"])
                self.places[outer] = order["place"]
            case "part":
                self.air.side = {place: side for side, places in enumerate(order["sides"]) for place in places}
            case "climate":
                self.air.climate = Climate(**order["climate"])
            case "fast":
                self.air.fast.add(order["place"])
            case "tell":
                return self._tell()
        return {}

    def _tell(self) -> dict[str, Any]:
        air = self.air
        return {
            "sent": {str(place): line.bytes for place, line in air.up.items()},
            "received": {str(place): line.bytes for place, line in air.down.items()},
            "packets": sum(line.packets for line in air.up.values()),
            "lost": air.lost,
            "dropped": sum(line.dropped for line in (*air.up.values(), *air.down.values())),
            "parted": air.parted,
            "refused": {str(place): router.refused for place, router in self.routers.items()},
            "stray": self.stray,
            "cpu_s": time.process_time(),
        }


def _read_packets(weather: Weather, place: int) -> None:
    for _ in range(_TURN):
        try:
            packet = os.read(place, _PACKET_MAX)
        except BlockingIOError:
            return
        weather.take(place, packet, time.monotonic())


def _serve(weather: Weather, devices: list[int]) -> None:
    """Until the standard input ends."""
    poll, orders = select.epoll(), sys.stdin.fileno()
    os.set_blocking(orders, False)
    for descriptor in (*devices, orders):
        poll.register(descriptor, select.EPOLLIN)
    pending = b""
    while True:
        wait_s = weather.deliver(time.monotonic())
        for descriptor, _ in poll.poll(-1 if wait_s is None else wait_s):
            if descriptor != orders:
                _read_packets(weather, descriptor)
                continue
            got = os.read(orders, _ORDER_BYTES)
            if not got:
                return
            *lines, pending = (pending + got).split(b"\n")
            for line in lines:
                print(json.dumps(weather.obey(json.loads(line))), flush=True)


def main() -> None:
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("seed", type=int, metavar="SEED", help="draws what is lost")
    made.add_argument("devices", type=int, nargs="+", metavar="DEVICE", help="descriptors of TUN devices")
    options = made.parse_args()
    for device in options.devices:
        os.set_blocking(device, False)
    _serve(Weather(Air(Climate(), random.Random(options.seed))), options.devices)


if __name__ == "__main__":
    main()
