"""Training that ends before it is through, where its time is up.

A task's own train() knows of no time. But it trains the model that it was given, by passing examples through it,
and between two passes what the steps so far have made of it is whole: there it ends. What trains without that, as a
scikit-learn estimator does, is not ended.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from torch import nn

_log = logging.getLogger(__name__)


class TrainingTime(Protocol):
    """Says when a round's training has to end."""

    def is_over(self, number: int, passes: int, took_s: float) -> bool:
        """Whether training for a round has to end. passes: of the model, so far. took_s: seconds they took."""
        ...

    def note_training(self, passes: int, *, is_whole: bool) -> None:
        """A round's training took so many passes, or ended after so many."""
        ...


class _TimeIsUp(BaseException):
    """Not an Exception: a task's own code that goes on after its faults must not go on after this."""


@contextmanager
def end_in_time(model: nn.Module, number: int, limit: TrainingTime | None) -> Iterator[None]:
    """Train the model inside, in place; it is left before a pass once the time is up, not before the first."""
    if limit is None:
        yield
        return
    passes, begun_s = 0, time.monotonic()

    def count(*_: object) -> None:
        nonlocal passes
        if passes and limit.is_over(number, passes, time.monotonic() - begun_s):
            raise _TimeIsUp
        passes += 1

    hook, is_whole = model.register_forward_pre_hook(count), True
    try:
        yield
    except _TimeIsUp:
        is_whole = False
        took_s = time.monotonic() - begun_s
        _log.info("training ended, others have committed round=%d passes=%d seconds=%.1f", number, passes, took_s)
    finally:
        hook.remove()
    if passes:
        limit.note_training(passes, is_whole=is_whole)
