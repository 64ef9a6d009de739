"""Where a peer's CPU seconds and bytes go, by part of the round."""

import time
from collections import defaultdict
from collections.abc import Awaitable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Final, Generic, TypeVar

_T = TypeVar("_T")

SECTIONS: Final = ("training", "evaluation", "encode", "screening", "blobs", "gossip", "chain", "state")


class Meter:
    """CPU seconds by section, measured per thread, so that work under way elsewhere is not counted twice."""

    def __init__(self) -> None:
        self._cpu_s: dict[str, float] = defaultdict(float)
        self._before: dict[str, float] = {}
        self._process_before_s = time.process_time()

    @contextmanager
    def measure_section(self, name: str) -> Iterator[None]:
        """Count a block that does not await."""
        started = time.thread_time()
        try:
            yield
        finally:
            self._cpu_s[name] += time.thread_time() - started

    def measure_awaited(self, name: str, work: Coroutine[Any, Any, _T]) -> Awaitable[_T]:
        """Count only the steps a coroutine itself runs, not what the loop does while it waits."""
        return _Metered(self, name, work)

    def total(self) -> dict[str, float]:
        """CPU seconds by section since the start."""
        now = dict(self._cpu_s)
        return {name: now.get(name, 0.0) for name in SECTIONS}

    def lap(self) -> dict[str, float]:
        """CPU seconds by section since the last lap; `other`: the rest, i.e. event loop, sockets, TLS."""
        now, process_s = dict(self._cpu_s), time.process_time()
        lap = {name: now.get(name, 0.0) - self._before.get(name, 0.0) for name in SECTIONS}
        lap["other"] = max(0.0, process_s - self._process_before_s - sum(lap.values()))
        self._before, self._process_before_s = now, process_s
        return lap


class _Metered(Generic[_T]):
    def __init__(self, meter: Meter, name: str, work: Coroutine[Any, Any, _T]) -> None:
        self._meter, self._name, self._work = meter, name, work

    def __await__(self) -> Generator[Any, Any, _T]:
        steps = self._work.__await__()
        sent: Any = None
        failure: BaseException | None = None
        while True:
            try:
                with self._meter.measure_section(self._name):
                    waiting = steps.send(sent) if failure is None else steps.throw(failure)
            except StopIteration as finished:
                result: _T = finished.value
                return result
            try:
                sent, failure = (yield waiting), None
            except BaseException as error:  # passed on into the coroutine, which decides
                failure = error
