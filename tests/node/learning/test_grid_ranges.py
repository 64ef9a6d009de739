"""The unit of each tensor, and what the grid does not hold of a model, told by name."""

import logging
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn

from ledger.arithmetic.exact import to_float
from ledger.circle.manifest import MAX_EXPONENT, MIN_EXPONENT
from ledger.codec import LARGEST, quantise
from node.learning.grid_ranges import Misfit, MisfitReporter, choose_exponents, find_misfits
from node.learning.layout import Layout, flatten, layout_of, load_into

COUNT = 2.0**-16


def layout(*sizes: int, exponents: tuple[int, ...] | None = None) -> Layout:
    names = tuple("abcdef"[: len(sizes)])
    return Layout(names, tuple((size,) for size in sizes), exponents or (0,) * len(sizes))


def vector(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def exponents(before: list[float], after: list[float] | None = None) -> tuple[int, ...]:
    """The exponents of tensors of two values each, 0 and another."""

    def of(values: list[float]) -> NDArray[np.float32]:
        return np.array([part for value in values for part in (0, value)], np.float32)

    plain = layout(*[2] * len(before))
    return choose_exponents(plain, of(before), None if after is None else of(after)).exponents


# ------------------------------------------------------------------------------------------- units


def test_models_of_ordinary_size_keep_their_values_as_they_are() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(288, 4))
    plain = layout_of(model)
    found = choose_exponents(plain, flatten(model, plain))
    assert found.exponents == (0,) * len(plain.names)
    assert exponents([15.8, -15.8, 2.0**-12, 1.0, 0.0]) == (0,) * 5


def test_a_large_tensor_gets_the_least_exponent_with_room_for_sixteen_times_as_much() -> None:
    assert exponents([LARGEST / 16, 15.9, 31.75, 31.76, -123.675, 65_000.0]) == (0, 1, 1, 2, 3, 12)
    for value, exponent in zip((15.9, 31.76, 123.675, 65_000.0), (1, 2, 3, 12), strict=True):
        assert LARGEST * 2.0 ** (exponent - 1) < 16 * value <= LARGEST * 2.0**exponent


def test_what_the_first_training_makes_of_a_tensor_counts_as_well() -> None:
    assert exponents([1.0, 361.0], [361.0, 1.0]) == (5, 5)


def test_a_tensor_of_tiny_values_is_counted_finer_but_can_still_grow_to_about_one() -> None:
    few = 16 * COUNT
    assert exponents([few, few * 0.999, few / 2, few / 2.01, 1e-6, 1e-9]) == (0, -1, -1, -2, -8, -8)
    assert LARGEST * 2.0**-8 > 0.99


def test_what_starts_from_zero_or_grows_at_once_is_expected_to_grow() -> None:
    assert exponents([0.0, 1e-6], [1e-6, 0.01]) == (0, 0)


def test_a_training_that_went_astray_says_nothing() -> None:
    assert exponents([1.0, 20.0], [np.nan, 1e30]) == (0, 1)
    assert exponents([1.0], [np.inf]) == (0,)


def test_the_largest_float_has_a_unit() -> None:
    assert exponents([3.4e38]) == (MAX_EXPONENT,)


@given(st.integers(MIN_EXPONENT, MAX_EXPONENT), st.lists(st.integers(-(1 << 24), 1 << 24), min_size=3, max_size=3))
def test_every_count_of_every_unit_goes_into_a_model_and_back_unchanged(exponent: int, counts: list[int]) -> None:
    model = nn.Linear(2, 1)
    scaled = Layout(("bias", "weight"), ((1,), (1, 2)), (exponent, exponent))
    state = np.array(counts, np.int32)
    load_into(model, scaled, to_float(state))
    held = [*model.bias.tolist(), *model.weight.flatten().tolist()]
    assert held == [count * 2.0 ** (exponent - 16) for count in counts]
    assert (flatten(model, scaled) == to_float(state)).all()


@pytest.mark.parametrize("exponent", [-8, -1, 0, 1, 5])
def test_a_tensors_range_ends_at_its_unit(exponent: int) -> None:
    model, scaled = nn.Linear(1, 1, bias=False), Layout(("weight",), ((1, 1),), (exponent,))
    for factor, loses in ((1.0, False), (-1.0, False), (1.0001, True)):
        model.weight.data.fill_(LARGEST * 2.0**exponent * factor)
        assert bool(find_misfits(flatten(model, scaled), scaled)) == loses
    model.weight.data.fill_(LARGEST * 2.0**exponent)
    assert quantise(flatten(model, scaled), scaled.blocks).state.tolist() == [127 << 17]


# ------------------------------------------------------------------------------------------- what is lost


def test_who_is_clipped_and_who_becomes_zero_is_named() -> None:
    named = layout(2, 3, 1, 2, 0, exponents=(0, 3, 0, -2, 0))
    found = find_misfits(vector(1, -255, 0, 0, 300, COUNT / 2, 0, COUNT / 2, *()), named)
    assert found == [
        Misfit("a", 255.0, 254.0, is_clipped=True),
        Misfit("b", 2400.0, 2032.0, is_clipped=True),
        Misfit("c", COUNT / 2, COUNT / 2, is_clipped=False),
        Misfit("d", COUNT / 8, COUNT / 8, is_clipped=False),
    ]
    assert str(found[1]) == "b is clipped: its largest value 2.4e+03 is beyond ±2.03e+03"
    assert str(found[2]) == "c becomes 0: its largest value 7.63e-06 is below 7.63e-06"
    assert found[0].to_fields() == {"tensor": "a", "largest": 255.0, "limit": 254.0, "is_clipped": True}


def test_zeros_and_what_just_fits_lose_nothing() -> None:
    assert find_misfits(vector(0, 0, 254, -254, COUNT * 0.51, 0), layout(2, 2, 2)) == []


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_named_too(bad: float) -> None:
    assert [one.name for one in find_misfits(vector(0, 1, bad, 2), layout(2, 2))] == ["b"]


@given(st.lists(st.tuples(st.integers(1, 5), st.sampled_from([0, 1e-9, 1.0, 300.0])), min_size=1, max_size=6))
def test_a_tensor_is_named_exactly_where_the_frame_loses_it(parts: list[tuple[int, float]]) -> None:
    here = layout(*(size for size, _ in parts))
    values = np.concatenate([np.full(size, value, np.float32) for size, value in parts])
    state = quantise(np.clip(values, -LARGEST, LARGEST), here.blocks).state
    lost = {
        name
        for name, part in zip(here.names, here.blocks.tensors, strict=True)
        if np.abs(values[part]).max() > LARGEST or (values[part].any() and not state[part].any())
    }
    assert {one.name for one in find_misfits(values, here)} == lost


def test_a_tensor_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    teller, large, small = MisfitReporter(), Misfit("a", 300, 254, True), Misfit("a", 1e-9, 1e-5, False)
    with caplog.at_level(logging.WARNING, "node.learning.grid_ranges"):
        for number in range(3):
            teller.report([large, *([small] if number else [])], number)
    assert [record.getMessage() for record in caplog.records] == [
        "tensor beyond its grid round=0 tensor=a how=clipped largest=300 limit=254",
        "tensor beyond its grid round=1 tensor=a how=zeroed largest=1e-09 limit=1e-05",
    ]
    assert list(teller.told.values()) == [(0, large), (1, small)]


def test_layouts_go_into_manifests_and_back() -> None:
    one = Layout(("bias", "weight"), ((3,), (3, 2)), (0, 5))
    assert Layout.from_tensors(one.tensors) == one
    assert one.blocks.sizes == tuple(prod(shape) for shape in one.shapes)
