"""JSON that others wrote becomes values of a known shape."""

import re
from itertools import accumulate
from typing import Any, Final, TypeVar, overload

import msgspec

_T = TypeVar("_T")
_NESTING_MAX: Final = 200
# Each is an object of its own once it is parsed: an empty list takes three bytes of text and seventy of memory.
ELEMENTS_MAX: Final = 1_000_000
_MARKS: Final = b'[]{}"'
_NO_MARKS: Final = bytes(byte for byte in range(256) if byte not in _MARKS)
_STRING: Final = re.compile(rb'"[^"]*"?')
# byte → how many levels deeper it leads.
_STEPS: Final = {byte: 1 if byte in b"[{" else -1 for byte in b"[]{}"}


class TooMany(ValueError):
    """More values than anybody has a use for."""


@overload
def decode_json(raw: bytes | str, kind: type[_T]) -> _T: ...
@overload
def decode_json(raw: bytes | str, kind: Any = Any) -> Any: ...
def decode_json(raw: bytes | str, kind: Any = Any) -> Any:
    """Parse and check the shape. Raises ValueError, also for what is nested too deeply, TooMany for too much."""
    try:
        raw = raw.encode() if isinstance(raw, str) else raw
        # Every value but the first of its list or object has a comma before it, or a bracket or brace around.
        if raw.count(b",") + raw.count(b"[") + raw.count(b"{") > ELEMENTS_MAX:
            raise TooMany(f"more than {ELEMENTS_MAX} values")
        if is_nested_deeply(raw):
            raise ValueError("nested too deeply")
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:  # msgspec lets the latter two through
        raise ValueError(str(error)) from error


def is_nested_deeply(raw: bytes) -> bool:
    """Whether parsing JSON might need more stack than there is.

    Parsers stop at the interpreter's recursion limit; where py-evm or web3 is loaded, that is beyond the stack.
    """
    opening = raw.count(b"[") + raw.count(b"{")
    if opening <= _NESTING_MAX:
        return False
    # A bracket in a string closes nothing: it must not hide one that opens.
    marks = raw.replace(rb"\\", b"").replace(rb"\"", b"").translate(None, _NO_MARKS).replace(b'""', b"")
    # Where more has been closed than opened the parser has stopped: what comes after that is never read.
    brackets = _STRING.sub(b"", marks)[: 2 * opening + 1]
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > _NESTING_MAX
