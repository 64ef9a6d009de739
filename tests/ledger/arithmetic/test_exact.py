"""Exact arithmetic against a slow second implementation, at the edges of int64, and the same on every machine."""

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

from ledger.arithmetic.exact import LARGEST as GRID_LARGEST
from ledger.arithmetic.exact import (
    ONE_Q15,
    clipped_mean,
    clipping_factor,
    decaying_square_q30,
    mean,
    squared_distance,
    squared_distances,
    squared_norm,
    to_float,
    weighted_mean,
)
from tests.support import golden
from tests.support.screenings import array
from tests.support.specification import arithmetic, exact_digests, tether

ONE_Q18 = 1 << 18
LARGEST = 127 << 17
VALUES = st.one_of(st.integers(-LARGEST, LARGEST), st.sampled_from([-LARGEST, -1, 0, 1, LARGEST]))


@st.composite
def states(draw: st.DrawFn, most: int = 8, least: int = 1) -> list[list[int]]:
    """Some states of one length, as lists."""
    length, count = draw(st.integers(0, 12)), draw(st.integers(least, most))
    return [draw(st.lists(VALUES, min_size=length, max_size=length)) for _ in range(count)]


@given(states(most=2, least=2))
def test_squared_distance_equals_the_specification(pair: list[list[int]]) -> None:
    left, right = pair
    assert squared_distance(array(left), array(right)) == arithmetic.squared_distance(left, right)
    assert squared_norm(array(left)) == arithmetic.squared_distance(left, [0] * len(left))


@pytest.mark.rule("R12.2")
@given(states())
def test_the_mean_rounds_half_up_like_the_specification(given_states: list[list[int]]) -> None:
    found = mean([array(state) for state in given_states])
    assert found.dtype == np.int32
    assert found.tolist() == arithmetic.mean(given_states)


@given(states(), st.one_of(st.integers(0, ONE_Q15), st.sampled_from([0, 1, ONE_Q15 - 1, ONE_Q15])))
@example([[-1], [0]], ONE_Q15 // 2)
@example([[1], [0]], ONE_Q15 // 2)
def test_the_weighted_mean_equals_the_specification(given_states: list[list[int]], weight: int) -> None:
    own, *others = given_states
    found = weighted_mean(array(own), [array(state) for state in others], weight)
    assert found.dtype == np.int32
    assert found.tolist() == arithmetic.weighted_mean(own, others, Fraction(weight, ONE_Q15))


@given(states(least=2), st.data())
def test_the_pulled_mean_equals_the_specification(given_states: list[list[int]], data: st.DataObject) -> None:
    base, own, *others = given_states
    drawn = st.one_of(st.integers(0, ONE_Q18), st.sampled_from([0, 1, ONE_Q18 - 1, ONE_Q18]))
    factors = [data.draw(drawn) for _ in others]
    expected = tether.pulled_mean(base, own, others, [Fraction(factor, ONE_Q18) for factor in factors])
    for finer in (0, 10):
        finer_factors = [factor << finer for factor in factors]
        found = clipped_mean(array(base), array(own), [array(state) for state in others], finer_factors, 18 + finer)
        assert found.dtype == np.int32
        assert found.tolist() == expected


@given(states(least=2), st.data())
def test_the_pulled_mean_with_fine_factors_equals_the_specification(
    given_states: list[list[int]], data: st.DataObject
) -> None:
    base, own, *others = given_states
    factors = [data.draw(st.integers(0, 1 << 28)) for _ in others]
    found = clipped_mean(array(base), array(own), [array(state) for state in others], factors, 28)
    assert found.tolist() == tether.pulled_mean(
        base, own, others, [Fraction(factor, 1 << 28) for factor in factors]
    )


def test_factors_that_are_too_fine_are_refused() -> None:
    with pytest.raises(ValueError, match="29 bits are finer than the 28"):
        clipped_mean(array([0]), array([0]), [], [], 29)


@pytest.mark.parametrize("bits", [18, 28])
@given(st.integers(0, 1 << 80), st.integers(0, 1 << 80))
def test_what_is_clipped_is_never_longer_than_the_limit(bits: int, length2: int, limit2: int) -> None:
    factor, one = clipping_factor(limit2, length2, bits), 1 << bits
    assert factor <= one
    assert factor == one or factor**2 * length2 <= limit2 << 2 * bits < (factor + 1) ** 2 * length2


# A block holds 65,536 coordinates.
@pytest.mark.parametrize("length", [4095, 65_535, 65_536, 65_537, 70_001])
def test_blocks_meet_without_a_seam(length: int) -> None:
    random = np.random.default_rng(length)
    base, own, *others = [random.integers(-LARGEST, LARGEST, length, dtype=np.int32) for _ in range(5)]
    whole = np.array(others, np.int64)
    assert mean(others).tolist() == ((whole.sum(axis=0) * 2 + 3) // 6).tolist()
    mixed = (own.astype(np.int64) * 3 * 1000 + whole.sum(axis=0) * (ONE_Q15 - 1000) + 3 * ONE_Q15 // 2) // (
        3 * ONE_Q15
    )
    assert weighted_mean(own, others, 1000).tolist() == mixed.tolist()
    factors = np.array([ONE_Q18, 1, 77_777])
    pulled = (own.astype(np.int64) - base) * ONE_Q18 + (factors[:, None] * (whole - base)).sum(axis=0)
    expected = base + (pulled + 2 * ONE_Q18) // (4 * ONE_Q18)
    assert clipped_mean(base, own, others, factors.tolist(), 18).tolist() == expected.tolist()
    lengths = [int(((state - own.astype(object)) ** 2).sum()) for state in others]
    assert squared_distances(own, others) == lengths


@pytest.mark.parametrize("count", [127, 128, 255, 512])
@pytest.mark.parametrize("weight", [0, 1, ONE_Q15 - 1])
def test_many_states_at_the_edge_of_the_grid_are_averaged_exactly(count: int, weight: int) -> None:
    """The largest numerators; one count less in one state must show, or not, as the rounding says."""
    most = array([GRID_LARGEST, -GRID_LARGEST, GRID_LARGEST])
    others = [most] * (count - 1) + [array([GRID_LARGEST - count // 2 - 1, -GRID_LARGEST, -GRID_LARGEST])]
    columns = [[int(state[place]) for state in others] for place in range(3)]
    assert mean(others).tolist() == [arithmetic.round_half_up(Fraction(sum(c), count)) for c in columns]
    own_weight = Fraction(weight, ONE_Q15)
    assert weighted_mean(most, others, weight).tolist() == arithmetic.weighted_mean(
        most.tolist(), [state.tolist() for state in others], own_weight
    )
    base = -most
    for bits in (18, 28):
        factors = [(1 << bits) - 1] * (count - 1)
        assert clipped_mean(base, most, others[1:], factors, bits).tolist() == (
            tether.pulled_mean(
                base.tolist(),
                most.tolist(),
                [s.tolist() for s in others[1:]],
                [1 - Fraction(1, 1 << bits)] * (count - 1),
            )
        )


def test_more_states_than_are_summed_exactly_are_refused() -> None:
    with pytest.raises(ValueError, match="512"):
        mean([array([1])] * 513)


def test_a_half_goes_up_on_both_sides_of_zero() -> None:
    assert mean([array([1, -1]), array([0, 0])]).tolist() == [1, 0]
    assert weighted_mean(array([1, -1]), [array([0, 0])], ONE_Q15 // 2).tolist() == [1, 0]


def test_the_mean_of_255_extreme_neighbours_does_not_overflow() -> None:
    most = array([LARGEST, -LARGEST])
    assert weighted_mean(most, [most] * 255, 1).tolist() == most.tolist()
    assert mean([most] * 256).tolist() == most.tolist()


def test_no_input_is_written_to() -> None:
    own, other = array([5, -7]), array([1, 1])
    own.setflags(write=False)
    other.setflags(write=False)
    weighted_mean(own, [other], 100)
    mean([own, other])
    squared_distance(own, other)


# 2**63 / (127 << 17)**2 is 33286.4 and 2**63 / 2**50 is 8192: one dot product stops being enough there.
@pytest.mark.parametrize("length", [1, 4095, 4096, 4097, 8191, 8192, 8193, 33286, 33287, 40_960, 40_961, 100_000])
@pytest.mark.parametrize("value", [LARGEST, -LARGEST])
def test_norms_of_extreme_states_are_exact_beyond_int64(length: int, value: int) -> None:
    state = np.full(length, value, np.int32)
    assert squared_norm(state) == length * LARGEST**2
    assert squared_distance(state, -state) == length * (2 * LARGEST) ** 2


@pytest.mark.parametrize("position", [0, 4095, 4096, 8191, 8192, 99_999])
def test_one_count_of_difference_shows_anywhere_in_a_long_state(position: int) -> None:
    state = np.full(100_000, LARGEST, np.int32)
    other = state.copy()
    other[position] -= 1
    assert squared_distance(state, other) == 1
    assert squared_norm(state) - squared_norm(other) == LARGEST**2 - (LARGEST - 1) ** 2


def test_a_state_of_the_largest_difference_squares_exactly() -> None:
    """±2**25, the bound that the docstring gives, over the chunk's border."""
    assert squared_norm(np.full(4097, 1 << 25, np.int32)) == 4097 << 50
    assert squared_norm(np.full(4097, -(1 << 25), np.int32)) == 4097 << 50


def test_empty_states_have_no_length() -> None:
    empty = array([])
    assert squared_norm(empty) == squared_distance(empty, empty) == 0
    assert mean([empty]).tolist() == weighted_mean(empty, [empty], 7).tolist() == []


@given(st.lists(st.one_of(VALUES, st.integers(-(1 << 24), 1 << 24)), max_size=20))
def test_floats_of_a_state_are_exact(values: list[int]) -> None:
    found = to_float(array(values))
    assert found.dtype == np.float32
    assert [Fraction(float(number)) for number in found] == [Fraction(value, 1 << 16) for value in values]


@pytest.mark.rule("R12.1")
@given(
    st.integers(1, 10**6),
    st.integers(0, 10**5),
    st.integers(1, 2**32 - 1).flatmap(lambda steps: st.tuples(st.integers(0, steps), st.just(steps))),
)
@example(1, 0, (0, 1))
@example(10**6, 0, (5, 5))
@example(10**6, 10**5, (1, 1))
@example(10**6, 1, (1, 2**32 - 1))
@example(300, 500, (0, 10))
@example(300, 500, (9, 10))
def test_the_decaying_square_is_rounded_down_from_the_true_value(
    scale: int, rate: int, place: tuple[int, int]
) -> None:
    found = decaying_square_q30(scale, rate, *place)
    assert found == arithmetic.decaying_square_q30(scale, rate, *place)


@pytest.mark.rule("R12.1")
def test_the_decaying_square_ignores_the_callers_decimal_context() -> None:
    import decimal

    expected = decaying_square_q30(300, 500, 3, 10)
    with decimal.localcontext(decimal.Context(prec=3, rounding=decimal.ROUND_UP)):
        assert decaying_square_q30(300, 500, 3, 10) == expected


def test_results_are_the_ones_once_written_down() -> None:
    golden.expect("exact", exact_digests.digests())


@pytest.mark.parametrize(
    "environment",
    [
        {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"},
        {"OPENBLAS_CORETYPE": "Prescott"},
        {"NPY_DISABLE_CPU_FEATURES": " ".join(name for name in __cpu_dispatch__ if __cpu_features__[name])},
    ],
    ids=["one-thread", "two-threads", "old-blas-kernel", "no-simd"],
)
def test_results_are_the_same_whatever_the_machine_can_do(environment: dict[str, str]) -> None:
    program = Path(exact_digests.__file__)
    done = subprocess.run(
        [sys.executable, str(program)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == golden.load("exact")
