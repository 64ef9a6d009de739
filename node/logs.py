"""Log lines: one way to write them for every command, and a bound for those that strangers cause."""

import logging
import sys
import time
from collections.abc import Callable
from typing import Final

_LINE: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"
# Loggers of libraries that write a line, often with a traceback, for what a stranger sends.
_NOISY: Final = ("aiohttp.server", "asyncio")
_KINDS_MAX: Final = 64
_CHARACTERS_MAX: Final = 300


class UtcFormatter(logging.Formatter):
    """Begins every line with its time: UTC, ISO 8601, milliseconds."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """When the record was made."""
        when = time.strftime(datefmt or "%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        return f"{when}.{int(record.msecs):03d}Z"


def log_to_stderr(level: str) -> None:
    """Write log lines of this level and above to stderr, in place of what was set up before."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(UtcFormatter(_LINE))
    logging.basicConfig(level=level.upper(), handlers=[handler])


class Bound(logging.Filter):
    """Lets through `burst` lines of a kind every `every_s`, one line each, and says how many were left out.

    A kind is a message's first line before its values are filled in. clock: seconds.
    """

    def __init__(self, burst: int = 5, every_s: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._burst, self._every_s, self._clock = burst, every_s, clock
        self._kinds: dict[str, _Kind] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write the line; makes what a stranger caused one line of bounded length."""
        now, kind = self._clock(), self._kind(str(record.msg).partition("\n")[0])
        if now - kind.since >= self._every_s:
            kind.since, kind.let_through = now, 0
        if kind.let_through >= self._burst:
            kind.left_out += 1
            return False
        kind.let_through += 1
        _shorten(record, kind.left_out)
        kind.left_out = 0
        return True

    def _kind(self, message: str) -> "_Kind":
        if message not in self._kinds and len(self._kinds) >= _KINDS_MAX:
            del self._kinds[next(iter(self._kinds))]
        return self._kinds.setdefault(message, _Kind())


class _Kind:
    since, let_through, left_out = -float("inf"), 0, 0


def bound_noise() -> None:
    """Bound what libraries write for strangers' requests. Doing it again changes nothing."""
    for name in _NOISY:
        logger = logging.getLogger(name)
        if not any(isinstance(one, Bound) for one in logger.filters):
            logger.addFilter(Bound())


def _shorten(record: logging.LogRecord, left_out: int) -> None:
    fault = record.exc_info[1] if record.exc_info else None
    if fault is None or _is_strangers(fault):
        said = record.getMessage() + ("" if fault is None else f": {fault!r}")
        record.msg = said.encode("unicode_escape").decode()[:_CHARACTERS_MAX]
        record.args, record.exc_info, record.exc_text, record.stack_info = (), None, None, None
    if left_out:
        record.msg = f"{record.msg} (left out before, like it: {left_out})"


def _is_strangers(fault: BaseException) -> bool:
    """The network's error or what a library makes of bad input; anything else is a bug here, to be told in full."""
    return isinstance(fault, OSError) or type(fault).__module__.startswith("aiohttp")
