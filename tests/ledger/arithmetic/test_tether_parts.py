"""TETHER is built of a sketch, inner products and a main direction: against plain Python and their purpose."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ledger.arithmetic.sketch import measure, signs_and_rotations
from ledger.arithmetic.spectrum import _square, gram, measure_spread
from tests.support.screenings import array
from tests.support.specification import tether

pytestmark = pytest.mark.rule("R12.3")

SEED = b"\5" * 32


def one_sketch(values: NDArray[np.int64], width: int, seed: bytes = SEED) -> NDArray[np.int64]:
    state = array(values)
    _, sketches = measure(np.zeros_like(state), [state], [seed], width)
    found: NDArray[np.int64] = sketches[0, 0]
    return found


@given(
    st.lists(st.integers(-(1 << 25), 1 << 25), max_size=100),
    st.sampled_from([8, 16, 32]),
    st.lists(st.binary(max_size=32), max_size=4),
)
def test_the_sketches_are_the_specifications(values: list[int], width: int, seeds: list[bytes]) -> None:
    lengths, sketches = measure(array([0] * len(values)), [array(values)], seeds, width)
    assert lengths == [sum(value * value for value in values)]
    assert [rows.tolist() for rows in sketches] == [[tether.sketch(values, seed, width)] for seed in seeds]


def test_the_largest_steps_do_not_overflow_where_sums_are_folded() -> None:
    """Every signed value is +2**25: 56 runs fill int32's room, then sums begin anew."""
    width, runs = 8, 200
    signs, rotations = signs_and_rotations(SEED, 0, runs, width)
    state = signs.astype(np.int32) << 24
    lengths, [sketches] = measure(-state, [state], [SEED], width)
    assert lengths == [width * runs << 50]
    assert sketches[0].tolist() == [runs << 25] * width
    assert len(set(rotations)) > 1


def test_the_sketch_is_linear() -> None:
    random = np.random.default_rng(1)
    left, right = random.integers(-9999, 9999, (2, 500))
    assert (one_sketch(left, 64) + one_sketch(right, 64) == one_sketch(left + right, 64)).all()


def test_vectors_no_longer_than_the_sketch_keep_their_inner_products() -> None:
    random = np.random.default_rng(2)
    left, right = random.integers(-9999, 9999, (2, 60))
    assert one_sketch(left, 64) @ one_sketch(right, 64) == left @ right


def test_inner_products_of_long_vectors_are_kept_on_average() -> None:
    """Over 200 seeds the mean error is within 4 of its deviations; a single one is about ‖a‖‖b‖/sqrt(width)."""
    random = np.random.default_rng(3)
    left = random.integers(-999, 999, 2000)
    right = left // 2 + random.integers(-999, 999, 2000)
    errors = [
        one_sketch(left, 64, bytes([seed])) @ one_sketch(right, 64, bytes([seed])) - left @ right
        for seed in range(200)
    ]
    scale = np.linalg.norm(left) * np.linalg.norm(right) / 8
    assert np.std(errors) < 2 * scale
    assert abs(np.mean(errors)) < 4 * scale / 200**0.5


def test_signs_are_balanced_and_differ_between_runs_and_seeds() -> None:
    signs, _ = signs_and_rotations(SEED, 0, 4, 4096)
    assert set(signs.tolist()) == {-1, 1}
    assert abs(int(signs.sum())) < 5 * 128
    one, two, *_ = signs.reshape(4, 4096)
    assert abs(int(one @ two)) < 5 * 64
    assert (signs_and_rotations(SEED, 1, 1, 4096)[0] == two).all()
    assert (signs_and_rotations(b"", 0, 4, 4096)[0] != signs).any()


INT32 = st.one_of(st.integers(-(1 << 31), (1 << 31) - 1), st.sampled_from([-(1 << 31), -1, 0, (1 << 31) - 1]))


@st.composite
def vectors(draw: st.DrawFn, entries: st.SearchStrategy[Any], least: int = 1) -> list[list[int]]:
    length = draw(st.integers(1, 6))
    return draw(st.lists(st.lists(entries, min_size=length, max_size=length), min_size=least, max_size=7))


@given(vectors(INT32))
def test_inner_products_are_exact_over_all_of_int32(rows: list[list[int]]) -> None:
    expected = [[sum(a * b for a, b in zip(one, other, strict=True)) for other in rows] for one in rows]
    assert gram(array(rows)) == expected


def test_inner_products_of_extreme_vectors_of_the_greatest_length_are_exact() -> None:
    rows = np.full((2, 1 << 16), -(1 << 31), np.int32)
    rows[1] = (1 << 31) - 1
    assert gram(rows) == [[1 << 78, -(2**31 - 1) << 47], [-(2**31 - 1) << 47, (2**31 - 1) ** 2 << 16]]


@given(vectors(st.one_of(st.integers(-9, 9), INT32), least=2))
def test_the_spread_is_the_specifications(rows: list[list[int]]) -> None:
    compare_spreads(rows, [1] * len(rows), None)


@pytest.mark.rule("R12.5")
@given(vectors(st.one_of(st.integers(-9, 9), INT32), least=2), st.lists(st.integers(1, 6400), min_size=7))
def test_the_spread_about_a_weighted_mean_is_the_specifications(rows: list[list[int]], drawn: list[int]) -> None:
    pulls = drawn[: len(rows)]
    compare_spreads(rows, pulls, pulls)


def compare_spreads(rows: list[list[int]], expected_pulls: list[int], pulls: list[int] | None) -> None:
    *inside, guest = rows
    projections, own, squares, largest, total = tether.spread(inside, guest, expected_pulls)
    found = measure_spread(gram(array(rows)), 1 << 20, pulls)
    assert (list(found.projections), found.guest, found.largest, found.total) == (projections, own, largest, total)
    assert list(found.squares) == squares


@pytest.mark.parametrize("count", [2, 3, 10, 21])
def test_the_main_direction_is_that_of_the_eigenvectors(count: int) -> None:
    random = np.random.default_rng(count)
    rows = random.integers(-(1 << 20), 1 << 20, (count + 1, 50))
    rows[0] *= 3
    found = measure_spread(gram(rows.astype(np.int32)), 1)
    inside = rows[:-1] - rows[:-1].mean(axis=0)
    left, values, right = np.linalg.svd(inside, full_matrices=False)
    assert found.largest == pytest.approx(values[0] ** 2, rel=1e-4)
    assert found.total == pytest.approx((values**2).sum(), rel=1e-9)
    sign = np.sign(found.projections[0]) * np.sign(left[0, 0])
    assert found.projections == pytest.approx(sign * left[:, 0] * values[0], rel=1e-2, abs=1e-3 * values[0])
    guest = (rows[-1] - rows[:-1].mean(axis=0)) @ right[0]
    assert found.guest == pytest.approx(sign * guest, rel=1e-2, abs=1e-3 * values[0])


def test_two_equal_directions_are_no_trouble() -> None:
    """Four corners of a square about its centre: any direction is as good as another, and one of them is found."""
    found = measure_spread(gram(array([[900, 0], [-900, 0], [0, 900], [0, -900], [5, 5]])), 1)
    assert found.total == 4 * 900**2
    assert found.largest == 2 * 900**2


def test_a_start_orthogonal_to_the_main_direction_cannot_be_chosen() -> None:
    """The longest vector has no part in the main direction: three others along it together outweigh its length."""
    rows = [[1000, 0], [-1000, 0], *[[0, 900]] * 3, *[[0, -900]] * 3, [0, 0]]
    found = measure_spread(gram(array(rows)), 1)
    assert found.largest == 6 * 900**2
    assert found.projections[:2] == (0, 0)


@pytest.mark.parametrize("rows", [[[7, 7]], [[7, 7], [7, 7]], [[0, 0], [0, 0], [0, 0]]])
def test_what_does_not_differ_has_no_spread(rows: list[list[int]]) -> None:
    found = measure_spread(gram(array([*rows, [1, 2]])), 1)
    assert found.largest == found.total == 0
    assert set(found.projections) == {0}


@pytest.mark.parametrize("size", [1, 7, 64, 65, 255])
def test_squares_of_integer_matrices_are_exact_at_the_limit(size: int) -> None:
    matrix = np.random.default_rng(size).integers(-(1 << 26), (1 << 26) + 1, (size, size))
    matrix.flat[0] = -(1 << 26)
    assert np.array_equal(_square(matrix), matrix @ matrix)
    all_largest = np.full((size, size), 1 << 26)
    assert np.array_equal(_square(all_largest), all_largest @ all_largest)
