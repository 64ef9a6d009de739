"""Log lines: one form and one way to write them, for every command, and a bound for those that strangers cause.

A line is an event and its fields: `_log.info("update incomplete round=%d seat=%d", number, seat)`. First a short
phrase in plain words, the same each time, then `name=%s` pairs, then nothing. Names are those of the code, units
last (`in_s=%.1f`). Free text, which may hold spaces, comes last: `reason=%s` for why something is so, `fault=%s`
for what somebody broke, `says=%s` for a sentence to a person. A traceback goes with `exc_info`. A test reads all
calls. `node.operating.log_lines` writes them as text or as JSON. They go to stderr alone: into which file, and how
long that is kept, is the affair of whoever started the process.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

from ledger.untrusted.text import make_printable
from node.operating import printing
from node.operating.log_lines import JsonFormatter, UtcFormatter

# Loggers of libraries that write a line, often with a traceback, for what a stranger sends.
_NOISY: Final = ("aiohttp.server", "asyncio")
_KINDS_MAX: Final = 64
_CHARACTERS_MAX: Final = 300
_OWN: Final = ("ledger", "node")
# They log whole addresses, and with them the keys of an operator's endpoint, also of malformed headers.
_TALKATIVE: Final = ("urllib3", "requests", "web3")
FORMS: Final = ("text", "json")


def log_to_stderr(level: str, form: str = "text") -> None:
    """Write log lines to stderr: this program's of this level and above, of libraries only warnings.

    form: one of FORMS. Under `json` whatever else this program says on stderr is a line of that form too.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else UtcFormatter())
    printing.speak_json(form == "json")
    handler.addFilter(_Warnings())
    logging.basicConfig(level=logging.ERROR if level == "error" else logging.WARNING, handlers=[handler])
    for name in _OWN:
        logging.getLogger(name).setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.captureWarnings(True)
    threading.excepthook = _thread_ended


def log_crash(error: BaseException) -> None:
    """A fault of the program, for whoever asked for debugging."""
    logging.getLogger("node").debug("crashed", exc_info=error)


def _thread_ended(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None and not isinstance(arguments.exc_value, SystemExit):
        logging.getLogger("node").error("thread ended", exc_info=arguments.exc_value)


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
        if not self.admits(record):
            return False
        _shorten(record)
        return True

    def admits(self, record: logging.LogRecord) -> bool:
        """Whether to write the line, which says then how many before it were not written."""
        now, kind = self._clock(), self._kind(str(record.msg).partition("\n")[0])
        if now - kind.since >= self._every_s:
            kind.since, kind.let_through = now, 0
        if kind.let_through >= self._burst:
            kind.left_out += 1
            return False
        kind.let_through += 1
        if kind.left_out:
            record.left_out, kind.left_out = kind.left_out, 0
        return True

    def _kind(self, message: str) -> "_Kind":
        if message not in self._kinds and len(self._kinds) >= _KINDS_MAX:
            del self._kinds[next(iter(self._kinds))]
        return self._kinds.setdefault(message, _Kind())


class _Warnings(logging.Filter):
    """Bounds warnings and errors of a kind; what is shown on request only is not held back."""

    def __init__(self) -> None:
        super().__init__()
        self._bound, self._lock = Bound(burst=10), threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        with self._lock:
            return self._bound.admits(record)


class _Kind:
    since, let_through, left_out = -float("inf"), 0, 0


def bound_noise() -> None:
    """Bound what libraries write for strangers' requests. Doing it again changes nothing."""
    for name in _NOISY:
        logger = logging.getLogger(name)
        if not any(isinstance(one, Bound) for one in logger.filters):
            logger.addFilter(Bound())


def _shorten(record: logging.LogRecord) -> None:
    fault = record.exc_info[1] if record.exc_info else None
    if fault is None or _is_strangers(fault):
        said = record.getMessage() + ("" if fault is None else f": {fault!r}")
        record.msg, record.args = make_printable(said, _CHARACTERS_MAX), ()
        record.exc_info = record.exc_text = record.stack_info = None


def _is_strangers(fault: BaseException) -> bool:
    """The network's error or what a library makes of bad input; anything else is a bug here, to be told in full."""
    return isinstance(fault, OSError) or type(fault).__module__.startswith("aiohttp")
