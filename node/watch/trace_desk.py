"""Accounts of models for the page: made when somebody asks, one at a time, each by `folkmoot trace` in a process.

An account judges all rounds up to its own over again, and fetches every update of them.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec

from node.watch.background import BackgroundCommand, Command, Ending

_KEPT: Final = 8
_KEPT_MAX_BYTES: Final = 128 << 20
_ANSWER_MAX_BYTES: Final = 64 << 20


class Model(NamedTuple):
    """What an account is of."""

    round: int
    """The model after this round."""
    seat: int | None
    """Whose base is meant; None for the circle's model."""
    history: bytes
    """The running hash right after the round: after a reorganisation it is another model."""


@dataclass(frozen=True)
class Account:
    """What `folkmoot trace --json --mixings` printed."""

    fields: dict[str, Any]
    """See docs/guides/provenance.md."""
    size: int
    """Bytes that it had."""
    took_s: float
    """How long it was made."""


@dataclass(frozen=True)
class Failure:
    """Why there is no account."""

    says: str
    """A sentence."""


class TraceDesk:
    """Makes accounts and keeps the newest. Any thread may ask.

    on_change: called after each account, in any thread.
    """

    def __init__(self, command: Command, clock: Callable[[], float] = time.monotonic) -> None:
        """command: `trace` and the circle that it is of, without round and seat. clock: seconds."""
        self.on_change: Callable[[], None] = lambda: None
        self.version = 0
        """Rises with every change."""
        self._command, self._clock = command, clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Model, Account | Failure] = OrderedDict()
        self._made: tuple[Model, float] | None = None
        self._running: BackgroundCommand | None = None
        self._is_closed = False

    @property
    def under_way(self) -> tuple[Model, float] | None:
        """Which account is being made, and for how many seconds; None where none is."""
        made = self._made
        return None if made is None else (made[0], self._clock() - made[1])

    def find(self, model: Model) -> Account | Failure | None:
        """What is known of a model already."""
        with self._lock:
            if model in self._kept:
                self._kept.move_to_end(model)
            return self._kept.get(model)

    def ask(self, model: Model) -> bool:
        """Have an account made, unless there is one. False where another one is being made."""
        with self._lock:
            if self._is_closed or isinstance(self._kept.get(model), Account):
                return True
            if self._made is not None:
                return self._made[0] == model
            self._kept.pop(model, None)
            self._made, lines = (model, self._clock()), list[bytes]()
            command = self._command.extend("--json", "--mixings", "--round", str(model.round))
            if model.seat is not None:
                command = command.extend("--seat", str(model.seat))
            self.version += 1
            try:
                self._running = BackgroundCommand(
                    command, lines.append, lambda ending: self._take(model, lines, ending), _ANSWER_MAX_BYTES
                )
            except OSError as error:
                # Too many processes or open files, or no memory: another time it may go.
                self._kept[model] = Failure(f"it could not be begun: {error.strerror or error}")
                self._made = None
                self._shrink()
        return True

    def close(self) -> None:
        """End what is under way."""
        with self._lock:
            self._is_closed = True
            running = self._running
        if running is not None:
            running.close()

    def _take(self, model: Model, lines: list[bytes], ending: Ending) -> None:
        with self._lock:
            assert self._made is not None
            took_s = self._clock() - self._made[1]
            self._kept[model] = _read(lines, ending, took_s)
            self._made = self._running = None
            self._shrink()
            self.version += 1
        self.on_change()

    def _shrink(self) -> None:
        def size() -> int:
            return sum(one.size for one in self._kept.values() if isinstance(one, Account))

        while len(self._kept) > _KEPT or (len(self._kept) > 1 and size() > _KEPT_MAX_BYTES):
            self._kept.popitem(last=False)


def _read(lines: list[bytes], ending: Ending, took_s: float) -> Account | Failure:
    if ending.status != 0 or not lines:
        return Failure(ending.said or f"it ended with status {ending.status}")
    try:
        fields = msgspec.json.decode(lines[-1], type=dict[str, Any])
    except ValueError as error:
        return Failure(f"its account was not understood: {error}")
    return Account(fields, len(lines[-1]), took_s)
