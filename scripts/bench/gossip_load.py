"""What gossip costs where many nodes announce: how soon everybody has heard, processor time, memory, connections.

    python -m scripts.bench.gossip_load --nodes 64 --announcements 3600

Real nodes in one process, on loopback sockets with TLS, with the bounds and intervals that a node has. In a round
every node announces once, all at the same moment, as they do when a draw is seen on chain; the next round begins
when everybody has heard all of them. With --per-second announcements come evenly spread instead. A delivery is one
node's hearing of another's announcement; its time runs from `announce` to `on_announcement`.

All nodes share one thread, so times hold the work of all of them: they say what a machine makes, not a network. They
are told twice, by the clock and in processor time of that thread, which other programs do not lengthen. With
the extra `fast` a node hashes in C; say so here with ETH_HASH_BACKEND=pysha3.
"""

import argparse
import asyncio
import hashlib
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from ledger.errors import SetupError, UsageError
from ledger.identity.endpoints import Origin, parse_gossip
from ledger.identity.network import Network
from node.gossip import Announcement, Certificate, Gossip, Limits
from node.operating.descriptors import raise_limit
from scripts.running import run, tell

_NETWORK: Final = Network.of(1337, "0x" + "11" * 20)
_LINKED_S: Final = 120.0
_ROUND_S: Final = 120.0
_LOOK_S: Final = 0.002


@dataclass(frozen=True)
class Load:
    """What is asked of the nodes."""

    nodes: int
    """How many there are."""
    announcements: int
    """How many are made, by all together."""
    per_second: float
    """How many a second; 0 for as many as there are nodes at once, round by round."""


@dataclass(frozen=True)
class Measured:
    """What came of it."""

    deliveries: int
    """How often a node heard of another's announcement."""
    missing: int
    """How many of them never came."""
    seconds: float
    """From the first announcement to the last delivery."""
    cpu_s: float
    """Of all nodes together, for the announcements alone."""
    median_ms: float
    """Half of the deliveries took no longer."""
    p99_ms: float
    """99 in 100 took no longer."""
    longest_ms: float
    """The slowest one."""
    median_cpu_ms: float
    """The same in processor time of all nodes together."""
    p99_cpu_ms: float
    """The same."""
    links: int
    """Connections between nodes at the end."""
    most_links: int
    """Of one node."""
    setup_cpu_s: float
    """Until all nodes had their links."""
    bytes_per_delivery: float
    """Message bytes sent, by all, over deliveries."""
    memory_before: int
    """Bytes in memory when all are linked."""
    memory_after: int
    """The same at the end."""
    drops: int
    """Messages that a full queue had no room for."""
    faults: int
    """Connections on which somebody broke the protocol."""


class Node:
    """One of them, and when it heard what."""

    def __init__(self, number: int, circle: "Circle", folder: Path) -> None:
        self.circle = circle
        key = random.Random(number).randbytes(32)
        self.gossip = Gossip(
            network=_NETWORK,
            key=key,
            certificate=Certificate.load_or_create(folder / str(number)),
            is_member=lambda address: address in circle.members,
            on_announcement=self._hear,
            rng=random.Random(number),
        )
        self.port = 0

    def _hear(self, announcement: Announcement) -> None:
        self.circle.note(announcement, time.perf_counter(), time.process_time())


class Circle:
    """All nodes, and how long each delivery took."""

    def __init__(self) -> None:
        self.members: set[str] = set()
        self.nodes: list[Node] = []
        self._announced_at: dict[bytes, tuple[float, float]] = {}
        self.took: list[float] = []
        self.took_cpu: list[float] = []

    def note(self, announcement: Announcement, now: float, now_cpu: float) -> None:
        """A node heard of an announcement."""
        at, at_cpu = self._announced_at[announcement.digest]
        self.took.append(now - at)
        self.took_cpu.append(now_cpu - at_cpu)

    async def start(self, count: int, folder: Path) -> None:
        """Start the nodes and have each link to as many others as it wants. Raises SetupError."""
        self.nodes = [Node(number, self, folder) for number in range(count)]
        self.members = {node.gossip.address for node in self.nodes}
        for node in self.nodes:
            node.port = await node.gossip.start("127.0.0.1", 0)
        directory = {node.gossip.address: self._place(node) for node in self.nodes}
        for node in self.nodes:
            node.gossip.set_directory(directory)
        wanted = min(Limits.degree, count - 1)
        if not await self._wait(lambda: all(len(node.gossip.links) >= wanted for node in self.nodes), _LINKED_S):
            raise SetupError(f"the nodes did not find each other within {_LINKED_S:g} s: start fewer with --nodes")

    def _place(self, node: Node) -> Origin:
        return parse_gossip(f"wss://127.0.0.1:{node.port}")

    async def announce(self, number: int, nodes: int) -> None:
        """So many nodes announce for a round."""
        for place, node in enumerate(self.nodes[:nodes]):
            await self._announce(node, number, place)

    async def _announce(self, node: Node, number: int, place: int) -> None:
        digest = hashlib.sha256(f"{number} {place}".encode()).digest()
        self._announced_at[digest] = time.perf_counter(), time.process_time()
        await node.gossip.announce(number, digest)

    async def spread(self, announcements: int, per_second: float) -> None:
        """Announcements one after the other, evenly, whoever has heard what until then."""
        begun = time.perf_counter()
        for made in range(announcements):
            number, place = 1 + made // len(self.nodes), made % len(self.nodes)
            if place == 0:
                self.enter(number)
            await asyncio.sleep(max(0.0, begun + made / per_second - time.perf_counter()))
            await self._announce(self.nodes[place], number, place)

    def enter(self, number: int) -> None:
        """The circle is in this round now."""
        for node in self.nodes:
            node.gossip.enter_round(number)

    async def await_all(self, deliveries: int) -> bool:
        """Wait until so many deliveries are made; False where that takes too long."""
        return await self._wait(lambda: len(self.took) >= deliveries, _ROUND_S)

    async def close(self) -> None:
        """End all nodes."""
        await asyncio.gather(*(node.gossip.close() for node in self.nodes))

    async def _wait(self, is_so: Callable[[], bool], within_s: float) -> bool:
        until = time.monotonic() + within_s
        while not is_so():
            if time.monotonic() > until:
                return False
            await asyncio.sleep(_LOOK_S)
        return True


async def measure(load: Load, folder: Path) -> Measured:
    """Start the nodes, have them announce, and see who heard what when."""
    circle = Circle()
    begun_cpu_s = time.process_time()
    try:
        await circle.start(load.nodes, folder)
        setup_cpu_s = time.process_time() - begun_cpu_s
        tell(f"{load.nodes} nodes are linked")
        before = read_memory()
        begun, begun_cpu_s = time.perf_counter(), time.process_time()
        if load.per_second:
            await circle.spread(load.announcements, load.per_second)
            await circle.await_all(load.announcements * (load.nodes - 1))
        else:
            await _go_round(circle, load)
        return _sum_up(
            circle, load, time.perf_counter() - begun, time.process_time() - begun_cpu_s, setup_cpu_s, before
        )
    finally:
        await circle.close()


async def _go_round(circle: Circle, load: Load) -> None:
    """Round by round: the next one begins when all have heard all of this one."""
    made, number = 0, 0
    while made < load.announcements:
        number += 1
        circle.enter(number)
        now = min(load.nodes, load.announcements - made)
        await circle.announce(number, now)
        made += now
        if not await circle.await_all(made * (load.nodes - 1)):
            tell(f"round {number}: not everybody has heard of all within {_ROUND_S:g} s")
            return


def _sum_up(circle: Circle, load: Load, seconds: float, cpu_s: float, setup_cpu_s: float, before: int) -> Measured:
    took, took_cpu = sorted(circle.took), sorted(circle.took_cpu)
    links = [len(node.gossip.links) for node in circle.nodes]
    stats = [node.gossip.stats for node in circle.nodes]
    return Measured(
        deliveries=len(took),
        missing=load.announcements * (load.nodes - 1) - len(took),
        seconds=round(seconds, 2),
        cpu_s=round(cpu_s, 2),
        median_ms=_place(took, 0.5),
        p99_ms=_place(took, 0.99),
        longest_ms=_place(took, 1.0),
        median_cpu_ms=_place(took_cpu, 0.5),
        p99_cpu_ms=_place(took_cpu, 0.99),
        links=sum(links) // 2,
        most_links=max(links),
        setup_cpu_s=round(setup_cpu_s, 2),
        bytes_per_delivery=round(sum(one.bytes_sent for one in stats) / max(len(took), 1), 1),
        memory_before=before,
        memory_after=read_memory(),
        drops=sum(one.drops for one in stats),
        faults=sum(one.faults for one in stats),
    )


def _place(took: list[float], share: float) -> float:
    """Milliseconds that no more than a share of all took."""
    return round(1000 * took[min(len(took) - 1, int(share * len(took)))], 1) if took else float("nan")


def read_memory() -> int:
    """Bytes in memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def show(found: Measured) -> None:
    each = 1e6 * found.cpu_s / max(found.deliveries, 1)
    print(f"{found.deliveries:,} deliveries, {found.missing:,} missing, in {found.seconds:.1f} s")
    print(f"CPU {found.cpu_s:.1f} s, {each:.0f} µs a delivery; setting up {found.setup_cpu_s:.1f} s")
    print(
        f"heard after {found.median_ms:.0f} ms (half), {found.p99_ms:.0f} ms (99 in 100), {found.longest_ms:.0f} ms"
    )
    print(f"in processor time {found.median_cpu_ms:.0f} ms (half), {found.p99_cpu_ms:.0f} ms (99 in 100)")
    print(
        f"{found.links} links, at most {found.most_links} of one node; {found.bytes_per_delivery:.0f} bytes a delivery"
    )
    print(
        f"memory {found.memory_before >> 20} → {found.memory_after >> 20} MiB; {found.drops} drops, {found.faults} faults"
    )


def main() -> int:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--nodes", type=int, default=64)
    made.add_argument("--announcements", type=int, default=3600)
    made.add_argument("--per-second", type=float, default=0.0, help="spread evenly, in place of rounds")
    made.add_argument("--json", action="store_true")
    options = made.parse_args()
    if options.nodes < 2 or options.announcements < 1 or not 0 <= options.per_second < float("inf"):
        raise UsageError("give at least two --nodes, one of --announcements, and a --per-second from 0")
    raise_limit()
    with tempfile.TemporaryDirectory() as folder:
        load = Load(options.nodes, options.announcements, options.per_second)
        found = asyncio.run(measure(load, Path(folder)))
    if options.json:
        print(json.dumps(asdict(found)))
    else:
        show(found)
    return 1 if found.missing else 0


if __name__ == "__main__":
    sys.exit(run(main))
