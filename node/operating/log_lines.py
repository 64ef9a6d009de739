"""The two forms of a log line: text for people, JSON for machines. Both are bounded, and without credentials."""

import logging
import re
import time
import traceback
from collections.abc import Mapping
from typing import Any, Final

from ledger.untrusted.text import make_printable
from node.operating.figures import dump_json

RESERVED: Final = ("time", "level", "logger", "event", "traceback")
"""What a JSON line calls its own; no field of an event has such a name."""
_LINE: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"
_LINE_MAX: Final = 2000
_VALUE_MAX: Final = 1000
_FIELDS_MAX: Final = 32
_TRACEBACK_LINES_MAX: Final = 200
# User and password of any URL, wherever it comes from.
_CREDENTIALS: Final = re.compile(r"(?<=://)[^\s/@'\"]{1,300}@")
# An event and its fields, before the values are filled in.
_FIELD: Final = re.compile(r" ([a-z][a-z_]*)=%[.\d]*[dfgrs]")
_EVENT: Final = re.compile(r"([a-z][a-z' ,-]*?)((?: [a-z][a-z_]*=%[.\d]*[dfgrs])*)")


def show(text: str, most: int = _LINE_MAX) -> str:
    """One printable line of bounded length, without the user and password of any address in it."""
    return make_printable(_CREDENTIALS.sub("…@", text), most)


def format_when(unix_s: float) -> str:
    """UTC, ISO 8601, milliseconds."""
    ms = int(unix_s * 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(ms // 1000))}.{ms % 1000:03d}Z"


class UtcFormatter(logging.Formatter):
    """One printable line an event, which begins with its time: UTC, ISO 8601, milliseconds.

    A traceback, which only a fault of this program has, stands below it on lines that are indented.
    """

    def __init__(self, line: str = _LINE) -> None:
        super().__init__(line)

    def format(self, record: logging.LogRecord) -> str:
        """The line or lines."""
        record.message, record.asctime = record.getMessage(), self.formatTime(record)
        left_out = find_left_out(record)
        record.message += f" left_out={left_out}" if left_out else ""
        return "\n".join([show(self.formatMessage(record)), *(f"    {one}" for one in _tell_traceback(record))])

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """When the record was made."""
        when = time.strftime(datefmt or "%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        return f"{when}.{int(record.msecs):03d}Z"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, event, then the event's fields, each as number, truth or text.

    Of a library's line, which has no fields, the whole text is the event. traceback: lines, of a fault alone.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        event, fields = split_event(record)
        left_out = find_left_out(record)
        told = list(_tell_traceback(record))
        more = {**fields, **({"left_out": left_out} if left_out else {}), **({"traceback": told} if told else {})}
        return make_json_line(record.created, record.levelname, record.name, event, more)


def make_json_line(unix_s: float, level: str, logger: str, event: str, fields: Mapping[str, Any]) -> str:
    """A line of JSON as it is written, without its end."""
    head = {"time": format_when(unix_s), "level": level, "logger": show(logger, 200), "event": show(event)}
    return dump_json({**head, **fields})


def split_event(record: logging.LogRecord) -> tuple[str, dict[str, Any]]:
    """The event's phrase and its fields with their values, made fit to be shown."""
    form, values = record.msg, record.args
    found = _EVENT.fullmatch(form) if isinstance(form, str) else None
    names = _FIELD.findall(found[2]) if found else []
    if found is None or not isinstance(values, tuple) or len(values) != len(names):
        return record.getMessage(), {}
    return found[1], {
        name: _make_value(value) for name, value in list(zip(names, values, strict=True))[:_FIELDS_MAX]
    }


def find_left_out(record: logging.LogRecord) -> int:
    """How many lines of this kind were not written before this one."""
    return int(getattr(record, "left_out", 0))


def _make_value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return show(str(value), _VALUE_MAX)


def _tell_traceback(record: logging.LogRecord) -> list[str]:
    if not record.exc_info or record.exc_info[1] is None:
        return []
    told = "".join(traceback.format_exception(record.exc_info[1])).splitlines()
    return [show(one) for one in told[-_TRACEBACK_LINES_MAX:]]
