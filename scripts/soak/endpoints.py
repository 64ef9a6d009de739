"""A chain's endpoints as they are at their worst: one that flaps, and one that also tells what is not so."""

import json
import random
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from tests.support.chains.fault_proxy import FaultProxy

_LASTS_S: Final = (1.0, 8.0)


class UnsteadyEndpoint(FaultProxy):
    """Every few seconds it is something else: up, down, busy, full of nonsense, or it swallows its answers."""

    def __init__(self, target: str, host: str, seed: int) -> None:
        self.lies = 0
        self._rng, self._lock = random.Random(seed), threading.Lock()
        self._until, self._mood = 0.0, ""
        super().__init__(target, host)

    @property
    def moods(self) -> dict[str, Callable[[bytes], tuple[int, bytes | None]]]:
        """What it may be, and what a request gets then."""
        return {
            "up": super().answer,
            "down": lambda _: (0, None),
            "busy": lambda _: (503, b"busy"),
            "slow down": lambda _: (429, b"slow down"),
            "nonsense": lambda _: (200, b"<html>it works</html>"),
            "swallows": self._swallow,
        }

    def answer(self, body: bytes) -> tuple[int, bytes | None]:
        """See FaultProxy."""
        with self._lock:
            if time.monotonic() > self._until:
                self._until = time.monotonic() + self._rng.uniform(*_LASTS_S)
                # Half of the time it is well.
                self._mood = "up" if self._rng.random() < 0.5 else self._rng.choice(list(self.moods))
        try:
            return self.moods[self._mood](body)
        except OSError:
            # The chain is away.
            return 0, None

    def count_seen(self) -> int:
        """Requests that it answered or swallowed."""
        return self.seen.total()

    def _swallow(self, body: bytes) -> tuple[int, bytes | None]:
        """The chain gets it, and nobody gets an answer."""
        super().answer(body)
        return 0, None


class LyingEndpoint(UnsteadyEndpoint):
    """It is never away, and what it says of events, blocks and receipts is false for some seconds, true for others."""

    @property
    def moods(self) -> dict[str, Callable[[bytes], tuple[int, bytes | None]]]:
        """See UnsteadyEndpoint."""
        return {"up": lambda body: FaultProxy.answer(self, body), "lies": self._lie}

    def _lie(self, body: bytes) -> tuple[int, bytes | None]:
        status, answer = FaultProxy.answer(self, body)
        if answer is None:
            return status, answer
        told, method = json.loads(answer), json.loads(body)["method"]
        if "result" in told:
            changed = change(method, told["result"])
            self.lies += changed != told["result"]
            told["result"] = changed
        return status, json.dumps(told).encode()


def change(method: str, result: Any) -> Any:
    """Something that an honest endpoint would not have said."""
    match method, result:
        case "eth_getLogs", [_, *rest]:
            # An event is missing, and another says something else.
            return [{**log, "data": _flip(log["data"])} for log in rest[:1]] + rest[1:] if rest else []
        case "eth_call", str():
            return _flip(result)
        case "eth_blockNumber", str():
            return hex(max(0, int(result, 16) - 3))
        case "eth_getTransactionReceipt", {"status": _}:
            return {**result, "status": "0x0"}
        case "eth_getTransactionCount", str():
            return hex(int(result, 16) + 1)
        case _:
            return result


def _flip(data: str) -> str:
    """Another last digit."""
    return data if len(data) <= 2 else data[:-1] + format(int(data[-1], 16) ^ 1, "x")
