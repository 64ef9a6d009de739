"""Events come back as they were, and bytes that are no events are refused, whatever they are."""

import sys
import zlib
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain.placed_event import PlacedEvent
from node.watch import packed_events
from node.watch.packed_events import Unreadable, pack_events, unpack_events
from tests.support.histories.parts import digest
from tests.support.histories.stories import Story

HASH = digest("block")


@pytest.mark.parametrize("number", range(4))
def test_events_come_back_as_they_were(number: int) -> None:
    placed = [
        PlacedEvent((index, 3), "0x" + HASH.hex(), "0x" + digest("transaction", index).hex(), event)
        for index, event in enumerate(Story(number).events)
    ]
    assert unpack_events(pack_events(placed)) == placed


def pack_row(*row: Any) -> bytes:
    return zlib.compress(msgspec.msgpack.encode([row]))


@pytest.mark.parametrize(
    "row",
    [
        (1, 2, HASH, HASH, "Restarted", [-1]),
        (1, 2, HASH, HASH, "Restarted", [True]),
        (1, 2, HASH, HASH, "Restarted", []),
        (1, 2, HASH, HASH, "Restarted", [3, 4]),
        (1, 2, HASH, HASH, "Restored", [3]),
        (1, 2, HASH, HASH, "Restored", []),
        (1, 2, HASH, HASH, "Restarted", {}),
        (1, 2, HASH, HASH, "Restarted", ["3"]),
        (-1, 2, HASH, HASH, "Restarted", [3]),
        (1 << 41, 2, HASH, HASH, "Restarted", [3]),
        (1, 2, HASH[1:], HASH, "Restarted", [3]),
        (1, 2, HASH, HASH, "Committed", [1, 2, HASH[1:]]),
        (1, 2, HASH, HASH, "Withdrawn", ["nobody", 3]),
        (1, 2, HASH, HASH, "Settled", [1, 2, [3] * 15]),
        (1, 2, HASH, HASH, "Settled", [1, 2, [HASH] * 16]),
        (1, 2, HASH, HASH, "Restarted"),
    ],
)
def test_what_no_event_is_is_refused(row: tuple[Any, ...]) -> None:
    with pytest.raises(Unreadable):
        unpack_events(pack_row(*row))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_one_way(data: bytes) -> None:
    for packed in (data, zlib.compress(data)):
        with suppress(Unreadable):
            assert unpack_events(packed) == []


def test_what_is_nested_deeply_crashes_nothing_where_the_interpreter_would_let_it() -> None:
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(10**5)  # as web3's curves do
    try:
        for deep in (b"\x91" * 10**6, b"\x81\xa1a" * 10**6):
            with pytest.raises(Unreadable):
                unpack_events(zlib.compress(b"\x91\x96\x01\x02" + deep))
    finally:
        sys.setrecursionlimit(usual)


def test_texts_that_are_no_utf_8_are_refused_too() -> None:
    row = msgspec.msgpack.encode([(1, 2, HASH, HASH, "Moved", [3, "é"])])
    with pytest.raises(Unreadable, match="utf-8"):
        unpack_events(zlib.compress(row.replace("é".encode(), b"\xed\xa0")))


def test_events_out_of_order_are_refused() -> None:
    rows = [(5, index, HASH, HASH, "Restarted", [3]) for index in (2, 1)]
    with pytest.raises(Unreadable, match="order"):
        unpack_events(zlib.compress(msgspec.msgpack.encode(rows)))


def test_no_more_is_unpacked_than_a_round_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_events, "PLAIN_MAX_BYTES", 1000)
    with pytest.raises(Unreadable, match="more than 1000"):
        unpack_events(zlib.compress(bytes(100_000)))
