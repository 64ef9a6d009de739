"""Processes that end with the one that started them, however that ends, and a start that a signal ends in order."""

import contextlib
import os
import signal
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

ENDING: Final = (signal.SIGTERM, signal.SIGHUP)
"""Signals that ask a process to end, beside the keyboard's."""
_VARIABLE: Final = "FOLKMOOT_LIFELINE"
_GRACE_S: Final = 20.0


class Lifeline:
    """A pipe that this process alone holds open: when it is gone, SIGKILL included, its children read the end."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()

    @property
    def inherited(self) -> tuple[int]:
        """The file descriptor that a child must inherit (`pass_fds`)."""
        return (self._reading,)

    @property
    def environment(self) -> Mapping[str, str]:
        """What a child's environment must hold beside its own."""
        return {_VARIABLE: str(self._reading)}

    def close(self) -> None:
        """Let go: whatever is left of the children ends. Doing it again changes nothing."""
        for handle in (self._reading, self._writing):
            with contextlib.suppress(OSError):
                os.close(handle)
        self._reading = self._writing = -1


def end_with_parent() -> None:
    """In a process that a `Lifeline` was given to: end as by SIGTERM when its other end is gone."""
    named = os.environ.pop(_VARIABLE, "")
    if not named.isdecimal():
        return
    with contextlib.suppress(OSError):
        if stat.S_ISFIFO(os.fstat(int(named)).st_mode):
            threading.Thread(target=_end_when_cut, args=(int(named),), name="lifeline", daemon=True).start()


def _end_when_cut(handle: int) -> None:
    os.read(handle, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_S)
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as an exception would, so that it ends what it started.

    In any other thread than the main one it does nothing. A SIGHUP that is ignored (nohup) stays ignored.
    """

    def end(number: int, _: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in ENDING if is_main and not is_ignored(number)}
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def is_ignored(number: signal.Signals) -> bool:
    """Whether whoever started this process wants the signal ignored."""
    return signal.getsignal(number) == signal.SIG_IGN
