"""The compiled loops against numpy's: the same integers, at the edges of the grid and of blocks."""

import os
import sys
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ledger.arithmetic import compiled
from ledger.arithmetic.exact import LARGEST, clipped_mean
from ledger.arithmetic.sketch import measure
from ledger.arithmetic.spectrum import gram
from tests.support import golden
from tests.support.specification import exact_digests

_Found = TypeVar("_Found")
NEVER = 1 << 62
ONE_Q18 = 1 << 18
SEEDS = (b"one", b"two", b"three")
VALUES = st.one_of(st.integers(-LARGEST, LARGEST), st.sampled_from([-LARGEST, -1, 0, 1, LARGEST]))


@pytest.fixture(autouse=True, scope="module")
def numba() -> None:
    try:
        import numba  # noqa: F401
    except ImportError as error:
        why = f"numba cannot be imported ({error}): pip install 'folkmoot[fast]'"
        pytest.fail(why) if os.environ.get("CI") == "true" else pytest.skip(why)


def both_ways(work: Callable[[], _Found]) -> tuple[_Found, _Found]:
    """What it gives with the loops compiled, and with numpy's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "LONG", 0)
        assert compiled.loops_for(0) is not None
        fast = work()
        patch.setattr(compiled, "LONG", NEVER)
        patch.setattr(compiled, "_outlook", compiled._Outlook())
        assert compiled.loops_for(1) is None
        return fast, work()


def assert_same(work: Callable[[], NDArray[np.int32]]) -> None:
    fast, slow = both_ways(work)
    assert fast.dtype == slow.dtype
    assert fast.tolist() == slow.tolist()


def assert_same_measures(
    base: NDArray[np.int32], states: list[NDArray[np.int32]], width: int, seeds: tuple[bytes, ...] = SEEDS
) -> None:
    (lengths, sketches), (slow_lengths, slow_sketches) = both_ways(lambda: measure(base, states, seeds, width))
    assert lengths == slow_lengths
    assert sketches.dtype == slow_sketches.dtype
    assert np.array_equal(sketches, slow_sketches)


@st.composite
def states(draw: st.DrawFn) -> list[NDArray[np.int32]]:
    """Two to six states of one length."""
    length, count = draw(st.integers(0, 40)), draw(st.integers(2, 6))
    lists = [draw(st.lists(VALUES, min_size=length, max_size=length)) for _ in range(count)]
    return [np.array(values, np.int32) for values in lists]


@given(states(), st.sampled_from([8, 16, 32]), st.integers(0, 3))
def test_squared_distances_and_sketches_are_the_same(
    given_states: list[NDArray[np.int32]], width: int, count: int
) -> None:
    base, *others = given_states
    assert_same_measures(base, others, width, SEEDS[:count])


@given(states(), st.data())
def test_the_pulled_mean_is_the_same(given_states: list[NDArray[np.int32]], data: st.DataObject) -> None:
    base, own, *others = given_states
    drawn = st.one_of(st.integers(0, ONE_Q18), st.sampled_from([0, 1, ONE_Q18 - 1, ONE_Q18]))
    factors = [data.draw(drawn) for _ in others]
    assert_same(lambda: clipped_mean(base, own, others, factors, 18))


@pytest.mark.parametrize("length", [4095, 4097, 65536, 56 * 4096 + 1])
@pytest.mark.parametrize("width", [8, 4096, 65536])
def test_long_states_at_the_edge_of_the_grid_are_the_same(length: int, width: int) -> None:
    """The largest differences there are, on which a run's sum of squares would leave int64 in one piece."""
    random = np.random.default_rng(length)
    base = np.full(length, -LARGEST, np.int32)
    others = [np.full(length, LARGEST, np.int32), random.integers(-LARGEST, LARGEST + 1, length).astype(np.int32)]
    assert_same_measures(base, others, width)
    assert_same(lambda: clipped_mean(base, others[0], others[1:], [ONE_Q18 // 3], 18))


def test_512_states_at_the_edge_of_the_grid_are_averaged_alike_and_more_are_refused() -> None:
    own, other = (np.array([sign * LARGEST, 1 - sign, LARGEST], np.int32) for sign in (1, -1))
    assert_same(lambda: clipped_mean(other, own, [own] * 511, [ONE_Q18 - 1] * 511, 18))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "LONG", 0)
        with pytest.raises(ValueError, match="513 states are more than the 512"):
            clipped_mean(own, own, [other] * 512, [1] * 512, 18)


@given(
    st.integers(0, 5), st.integers(0, 9), st.sampled_from([1, 1 << 22, 1 << 26, 1 << 31]), st.integers(0, 1 << 30)
)
def test_inner_products_are_the_same(count: int, length: int, largest: int, seed: int) -> None:
    """Those whose sums leave int64, or what doubles hold exactly, too."""
    drawn = np.random.default_rng(seed).integers(-largest, largest, (count, length), np.int64)
    vectors = drawn.astype(np.int32)
    fast, slow = both_ways(lambda: gram(vectors))
    plain = [[int(a) for a in row] for row in vectors]
    exact = [[sum(a * b for a, b in zip(left, right, strict=True)) for right in plain] for left in plain]
    assert fast == slow == exact


def test_read_only_states_are_taken_and_none_is_written_to() -> None:
    whole = [np.arange(9, dtype=np.int32) * place for place in (1, -2, 3)]
    for state in whole:
        state.flags.writeable = False
    base, own, other = whole
    assert_same_measures(base, [own, other], 8)
    assert_same(lambda: clipped_mean(base, own, [other], [5], 18))


def test_results_are_the_ones_once_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "LONG", 0)
    golden.expect("exact", exact_digests.digests())


def test_without_numba_there_are_no_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    compiled._loops.cache_clear()
    try:
        assert compiled.loops_for(compiled.LONG) is None
    finally:
        compiled._loops.cache_clear()


def test_short_states_are_not_worth_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_outlook", compiled._Outlook())
    assert compiled.loops_for(compiled.LONG - 1) is None
    assert compiled.loops_for(compiled.LONG) is not None


def test_many_short_states_are_worth_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_outlook", compiled._Outlook())
    compiled.expect(compiled._WORTH - 1)
    assert compiled.loops_for(100) is None
    compiled.expect(compiled._WORTH)
    compiled.expect(1)
    assert compiled.loops_for(100) is not None
