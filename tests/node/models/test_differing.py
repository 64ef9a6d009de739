"""How two files differ: tensor by tensor and in what they say."""

from math import nan
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from node.models.differing import compare_files
from node.models.model_file import read_head
from node.models.tensor_differences import measure_difference


def write(path: Path, tensors: dict[str, torch.Tensor], **metadata: str) -> Path:
    save_file(tensors, path, metadata or None)
    return path


def test_a_difference_has_norm_share_and_largest_value() -> None:
    one = np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)
    other = np.array([[3.0, 4.0], [-3.0, 4.0]], np.float32)
    found = measure_difference("w", one, other)
    assert (found.values, found.differing, found.norm, found.relative, found.largest) == (4, 2, 5.0, 1.0, 4.0)
    assert measure_difference("w", np.zeros(2), other[0]).relative is None


def test_what_is_no_number_is_counted_apart() -> None:
    found = measure_difference("w", np.array([1.0, nan, nan, 2.0]), np.array([1.0, nan, 5.0, np.inf]))
    assert (found.differing, found.not_finite, found.norm, found.largest) == (2, 3, 0.0, 0.0)


def test_complex_and_empty_tensors_are_measured_too() -> None:
    assert measure_difference("c", np.array([3 + 4j], np.complex64), np.array([0j], np.complex64)).norm == 5.0
    empty = measure_difference("e", np.zeros((0, 3)), np.zeros((0, 3)))
    assert (empty.values, empty.differing, empty.largest, empty.relative) == (0, 0, 0.0, None)


def test_files_of_the_same_values_and_metadata_do_not_differ(tmp_path: Path) -> None:
    one = write(tmp_path / "a", {"w": torch.ones(3)}, round="1")
    other = write(tmp_path / "b", {"w": torch.ones(3)}, round="1")
    assert compare_files(read_head(one), read_head(other)).is_none


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_same_numbers_of_another_kind_are_the_same(dtype: torch.dtype, tmp_path: Path) -> None:
    one, other = write(tmp_path / "a", {"w": torch.ones(3)}), write(tmp_path / "b", {"w": torch.ones(3).to(dtype)})
    assert compare_files(read_head(one), read_head(other)).is_none


def test_what_only_one_has_is_named(tmp_path: Path) -> None:
    one = write(
        tmp_path / "a", {"w": torch.ones(3), "s": torch.ones(2, 2), "x": torch.ones(1)}, round="1", seat="3"
    )
    other = write(
        tmp_path / "b", {"w": torch.zeros(3), "s": torch.ones(4), "y": torch.ones(1)}, round="2", note="n"
    )
    found = compare_files(read_head(one), read_head(other))
    assert not found.is_none
    assert [(tensor.name, tensor.differing) for tensor in found.tensors] == [("w", 3)]
    assert found.reshaped == (("s", (2, 2), (4,)),)
    assert (found.only_first, found.only_second) == (("x",), ("y",))
    assert [(line.name, line.says, line.should) for line in found.metadata] == [
        ("round", "1", "2"),
        ("seat", "3", None),
        ("note", None, "n"),
    ]
