"""The flat vector of what is shared, and back into a model."""

import numpy as np
import pytest
import torch
from torch import nn

from ledger.errors import SetupError
from node.learning.layout import (
    Layout,
    check_layout,
    find_not_finite,
    flatten,
    layout_of,
    load_into,
    replace_outside_domain,
)
from node.tasks.sharing import Sharing

EVERYTHING = Sharing(shared=("*",))


def normalised() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))


class Spectral(nn.Module):
    """Complex weights and real ones."""

    def __init__(self) -> None:
        super().__init__()
        self.complex = nn.Parameter(torch.randn(3, 2, dtype=torch.cfloat))
        self.real = nn.Parameter(torch.randn(2))


def test_the_layout_names_what_is_trained_in_order() -> None:
    layout = layout_of(normalised())
    assert layout.names == ("0.bias", "0.weight", "1.bias", "1.weight", "2.bias", "2.weight")
    assert layout.shapes[1] == (8, 4)
    assert layout.size == 8 + 32 + 8 + 8 + 2 + 16


def test_what_is_flattened_and_loaded_is_what_was_there_and_the_rest_stays() -> None:
    model, other = normalised(), normalised()
    model(torch.randn(16, 4))  # moves the running statistics and the step count
    layout = layout_of(model)
    vector = flatten(model, layout)
    load_into(other, layout, vector)
    assert (vector.dtype, vector.shape) == (np.float32, (layout.size,))
    assert np.array_equal(flatten(other, layout), vector)
    assert not other.get_buffer("1.running_mean").any()
    assert [int(one.get_buffer("1.num_batches_tracked")) for one in (model, other)] == [1, 0]


def test_running_statistics_travel_where_a_task_shares_them() -> None:
    model, other = normalised(), normalised()
    model(torch.randn(16, 4))
    layout = layout_of(model, EVERYTHING)
    load_into(other, layout, flatten(model, layout))
    assert torch.equal(other.get_buffer("1.running_mean"), model.get_buffer("1.running_mean"))
    assert "1.num_batches_tracked" not in layout.names


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_precisions_survive_the_round_trip_and_stay_what_they_are(dtype: torch.dtype) -> None:
    model = nn.Linear(3, 2).to(dtype)
    layout = layout_of(model)
    vector = flatten(model, layout)
    load_into(model, layout, vector)
    assert np.array_equal(flatten(model, layout), vector)
    assert model.weight.dtype == dtype


@pytest.mark.rule("R3.2a")
def test_complex_weights_travel_as_two_reals() -> None:
    model, other = Spectral(), Spectral()
    layout = layout_of(model)
    assert (layout.names, layout.shapes) == (("complex", "real"), ((3, 2, 2), (2,)))
    load_into(other, layout, flatten(model, layout))
    assert torch.equal(other.complex, model.complex)


def test_a_read_only_vector_loads_without_a_warning_and_stays_its_own() -> None:
    model = nn.Linear(3, 2)
    vector = np.ones(8, np.float32)
    vector.flags.writeable = False
    load_into(model, layout_of(model), vector)
    with torch.no_grad():
        model.weight.zero_()
    assert vector.sum() == 8


def test_a_vector_of_another_length_is_refused() -> None:
    model = nn.Linear(3, 2)
    with pytest.raises(ValueError, match=r"7.*8"):
        load_into(model, layout_of(model), np.ones(7, np.float32))


@pytest.mark.rule("R3.2a")
@pytest.mark.parametrize(
    ("names", "shapes", "why"),
    [
        (("bias", "weight"), ((2,), (2, 4)), r"shapes differ .* weight is \(2, 3\) here and \(2, 4\) there"),
        (("bias",), ((2,),), r"this task shares weight \(2, 3\), which the circle does not"),
        (
            ("bias", "mean", "weight"),
            ((2,), (3,), (2, 3)),
            r"the circle shares mean \(3,\), which this task does not",
        ),
    ],
)
def test_a_model_that_shares_other_tensors_than_the_circle_is_refused_by_name(
    names: tuple[str, ...], shapes: tuple[tuple[int, ...], ...], why: str
) -> None:
    with pytest.raises(SetupError, match=why):
        check_layout(layout_of(nn.Linear(3, 2)), Layout(names, shapes, (0,) * len(names)))


def test_a_layout_agrees_with_itself_in_any_units() -> None:
    layout = layout_of(nn.Linear(3, 2))
    check_layout(layout, Layout(layout.names, layout.shapes, (3, -1)))


def test_a_variance_that_none_can_be_leaves_ones_own() -> None:
    given = torch.tensor([0.5, -0.8, float("nan"), 0.0, float("inf")])
    own = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    found = replace_outside_domain("layer.running_var", given, own)
    assert found.tolist() == [0.5, 2.0, 3.0, 0.0, 5.0]
    assert replace_outside_domain("running_var.weight", given[:2], own[:2]).tolist() == pytest.approx([0.5, -0.8])


def test_no_poisoned_variance_makes_a_model_answer_nan() -> None:
    model = normalised()
    layout = layout_of(model, EVERYTHING)
    load_into(model, layout, np.full(layout.size, -0.8, np.float32))
    model.eval()
    assert torch.isfinite(model(torch.randn(5, 4))).all()


def test_tensors_that_are_not_finite_are_named() -> None:
    layout = layout_of(nn.Linear(3, 2))
    vector = np.zeros(8, np.float32)
    assert find_not_finite(layout, vector) == []
    vector[2] = np.inf
    assert find_not_finite(layout, vector) == ["weight"]
