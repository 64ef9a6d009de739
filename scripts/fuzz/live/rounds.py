"""Batches of inputs for a server, and a valid request after each: does it still answer, and at what price?"""

import http.client
import random
import time
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from scripts.fuzz.live.server import Server
from scripts.fuzz.tally import STALL_S, Keeper, Tally, check_growth

BATCH: Final = 12
"""Inputs between two valid requests; what is a fault is kept with those before it."""
_GROWTH_MAX_BYTES: Final = 32 << 20
_AGAIN_S: Final = 0.05
_ANSWER_S: Final = 10.0


class Client(Protocol):
    """Says inputs to a server."""

    def make(self, rng: random.Random) -> bytes:
        """An input."""

    def say(self, data: bytes) -> int:
        """Send it. Returns how many inputs it holds."""

    def hear(self) -> tuple[int, list[str]]:
        """How many inputs were taken since the last time, and what is a fault in the answers."""

    def probe(self) -> None:
        """Ask something valid. Raises where it is not answered as it should be."""

    def close(self) -> None:
        """End all connections."""


def feed_server(
    area: str, name: str, server: Server, client: Client, seed: int, inputs: int, keeper: Keeper
) -> Tally:
    """Feed a server so many inputs. It is started anew by nobody: whatever ends it is the last fault."""
    tally, batch, number = Tally(area, name), list[bytes](), 0
    cpu_s = server.cpu_s
    while tally.inputs < inputs and server.is_alive:
        batch = [client.make(random.Random(f"{seed} {area} {name} {number + at}")) for at in range(BATCH)]
        number += BATCH
        if not tally.memory_before and tally.inputs >= inputs // 5:
            tally.memory_before = server.memory_bytes
        for what in run_batch(server, client, batch, tally):
            keeper.keep(tally, number, msgspec.msgpack.encode(batch), what)
    client.close()
    tally.refused = tally.inputs - tally.taken
    tally.cpu_s = server.cpu_s - cpu_s
    tally.memory_after = server.memory_bytes
    check_growth(tally, _GROWTH_MAX_BYTES)
    return tally


def run_batch(server: Server, client: Client, batch: list[bytes], tally: Tally) -> list[str]:
    """Say a batch and ask something valid. Returns what is not as it should be."""
    begun, faults = server.cpu_s, list[str]()
    for data in batch:
        try:
            tally.inputs += client.say(data)
        except OSError as error:
            faults.append(f"no connection: {error!r}")
    refusal = _probe(client.probe)
    if refusal is not None and server.is_alive:
        faults.append(f"a valid request is not answered: {refusal}")
    spent = server.cpu_s - begun
    tally.longest_s = max(tally.longest_s, spent)
    if spent > STALL_S:
        faults.append(f"{len(batch)} inputs took {spent:.1f} s of CPU")
    taken, odd = client.hear()
    tally.taken += taken
    if not server.is_alive:
        faults.append("the server's process ended")
    return [*faults, *odd, *server.take_complaints()]


def _probe(ask: Callable[[], None]) -> str | None:
    """Why no valid request is answered, however often it is made within a while; None where one is."""
    until, last = time.monotonic() + _ANSWER_S, ""
    while time.monotonic() < until:
        try:
            ask()
        except (OSError, http.client.HTTPException, AssertionError, ValueError) as error:
            last = f"{type(error).__name__}: {error}"
            time.sleep(_AGAIN_S)
        else:
            return None
    return last
