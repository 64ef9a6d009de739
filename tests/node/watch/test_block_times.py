"""Between which times a block was made whose header a source does not have, as a bundle has few."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from node.watch.block_times import BlockTimes
from node.watch.happenings import tell_time
from node.watch.view import View
from tests.support.stand_ins import as_any

TOLD = {10: 1000, 20: 1060, 30: 1060}


def ask(method: str, params: list[Any], parse: Any) -> Any:
    """The endpoint of a source that has the headers of three blocks."""
    assert method == "eth_getBlockByNumber"
    block = int(params[0], 16)
    if block not in TOLD:
        return parse(None)
    return parse({"number": hex(block), "hash": "0x" + 32 * "11", "timestamp": hex(TOLD[block])})


@contextmanager
def running() -> Iterator[BlockTimes]:
    times = BlockTimes(as_any(SimpleNamespace(request=ask)))
    thread = threading.Thread(target=times.run)
    thread.start()
    try:
        yield times
    finally:
        times.end()
        thread.join()


def view_of(times: BlockTimes) -> View:
    return View(1, as_any(None), as_any(None), times, 30, None)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (10, {"timeS": 1000, "betweenS": None}),
        (15, {"timeS": None, "betweenS": [1000, 1060]}),
        (25, {"timeS": 1060, "betweenS": None}),
        (9, {"timeS": None, "betweenS": None}),
        (31, {"timeS": None, "betweenS": None}),
        (None, {"timeS": None, "betweenS": None}),
    ],
)
def test_a_block_without_a_header_lies_between_those_around_it(block: int | None, expected: dict[str, Any]) -> None:
    with running() as times:
        times.want([9, 10, 15, 20, 25, 30, 31], wait_s=20)
        assert tell_time(view_of(times), block) == expected


def test_no_bounds_are_told_of_a_block_whose_time_may_come_yet() -> None:
    times = BlockTimes(as_any(SimpleNamespace(request=ask)))
    times.put(10, 1000)
    times.put(20, 1060)
    times.want([15])
    assert times.find_bounds(15) is None


def test_bounds_follow_what_was_taken_back() -> None:
    with running() as times:
        times.want([10, 15, 20], wait_s=20)
        assert times.find_bounds(15) == (1000, 1060)
        times.forget_from(16)
        assert times.find_bounds(15) is None
        times.put(18, 1050)
        assert times.find_bounds(15) == (1000, 1050)
