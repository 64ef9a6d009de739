"""JSON from somebody who means harm: refused, also where the interpreter's own limit would not stop the parser."""

import json
import subprocess
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.untrusted.parsing import ELEMENTS_MAX, TooMany, decode_json

# py-evm's limit, and the stack of an ordinary thread.
CRASH = """
import sys, threading
from ledger.untrusted.parsing import ELEMENTS_MAX, TooMany, decode_json
import eth.vm.computation
assert sys.getrecursionlimit() > 20_000
refused = []
def parse():
    for raw in sys.stdin.buffer.read().split(b"\\n"):
        try:
            decode_json(raw)
        except ValueError:
            refused.append(raw)
thread = threading.Thread(target=parse)
thread.start()
thread.join()
print(len(refused))
"""
DEEP = [
    b"[" * 400_000,
    b'{"a":' * 400_000,
    b'["]",' * 400_000,
    b'[{"}":' * 400_000,
    rb'["\"]",' * 400_000,
    b"[[]," * 400_000,
    b"[" * 400_000 + b"]" * 400_000,
]

texts = st.text(st.sampled_from('[]{}",\\:a\n\u00e9'), max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(texts, inner, max_size=30),
    max_leaves=300,
)


@given(values, st.booleans())
def test_what_was_written_is_read(value: Any, is_ascii: bool) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii)
    assert decode_json(text) == decode_json(text.encode()) == value


@pytest.mark.parametrize("value", [[[]] * 5000, [{"a": "[" * 500}] * 500, [{"]" * 500: [1, [2]]}] * 500])
def test_many_brackets_are_not_many_levels(value: list[dict[str, list[int | list[int]] | str] | list[Any]]) -> None:
    assert decode_json(json.dumps(value)) == value


@pytest.mark.parametrize("depth", [1, 64, 199])
def test_some_levels_are_read(depth: int) -> None:
    text = "[" * depth + "]" * depth
    assert decode_json(f"[{text},{text}]") == json.loads(f"[{text},{text}]")


@pytest.mark.parametrize("raw", DEEP, ids=lambda raw: raw[:7].decode())
def test_many_levels_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"nested too deeply|more than"):
        decode_json(raw)


def test_many_levels_crash_nothing_where_the_interpreter_would_let_them() -> None:
    done = subprocess.run([sys.executable, "-c", CRASH], input=b"\n".join(DEEP), capture_output=True, check=True)
    assert int(done.stdout) == len(DEEP)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'"\xc3\x28"', "\ud800", b'{"a":"x"}', b'"' * 1001])
def test_what_is_no_such_value_is_refused(raw: bytes | str) -> None:
    class Shape(msgspec.Struct):
        a: int

    with pytest.raises(ValueError, match=r"\w"):
        decode_json(raw, Shape)


@pytest.mark.parametrize("filler", [b"[],", b"{},", b"0,", b'"",'])
def test_more_values_than_anybody_needs_are_refused_before_they_are_made(filler: bytes) -> None:
    few, many = (b"[" + filler * count + b"0]" for count in (1_000, ELEMENTS_MAX))
    assert len(decode_json(few)) == 1_001
    with pytest.raises(TooMany, match="more than 1000000 values"):
        decode_json(many)
