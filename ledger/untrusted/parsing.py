"""JSON that others wrote becomes values of a known shape."""

from typing import Any, Final, TypeVar, overload

import msgspec
import numpy as np

_T = TypeVar("_T")
_NESTING_MAX: Final = 200
# Each is an object of its own once it is parsed: an empty list takes three bytes of text and seventy of memory.
ELEMENTS_MAX: Final = 1_000_000
_MARKS: Final = b'[]{}"'
_NO_MARKS: Final = bytes(byte for byte in range(256) if byte not in _MARKS)
_PIECE_BYTES: Final = 1 << 20
# byte → how many levels deeper it leads.
_STEPS: Final = np.array([chr(byte) in "[{" for byte in range(256)], np.int8) - np.array(
    [chr(byte) in "]}" for byte in range(256)], np.int8
)


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
        if _is_nested_deeply(raw):
            raise ValueError("nested too deeply")
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:  # msgspec lets the latter two through
        raise ValueError(str(error)) from error


def _is_nested_deeply(raw: bytes) -> bool:
    """Whether parsing might need more stack than there is.

    The parser stops at the interpreter's recursion limit; where py-evm is loaded, that is beyond the stack.
    """
    if raw.count(b"[") + raw.count(b"{") <= _NESTING_MAX:
        return False
    # A bracket in a string closes nothing: it must not hide one that opens.
    marks = raw.replace(rb"\\", b"").replace(rb"\"", b"").translate(None, _NO_MARKS).replace(b'""', b"")
    quotes, depth = 0, 0
    for start in range(0, len(marks), _PIECE_BYTES):
        piece = np.frombuffer(marks, np.uint8, min(_PIECE_BYTES, len(marks) - start), start)
        is_inside = np.bitwise_xor.accumulate(piece == ord('"')) ^ bool(quotes % 2)
        depths = depth + np.cumsum(_STEPS[np.where(is_inside, 0, piece)], dtype=np.int64)
        if depths.max() > _NESTING_MAX:
            return True
        quotes, depth = quotes + marks.count(b'"', start, start + _PIECE_BYTES), int(depths[-1])
    return False
