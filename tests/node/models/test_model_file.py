"""A model's file: one to the byte, exact, read by the public package, and safe to read from anyone."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from ledger.arithmetic.exact import LARGEST
from ledger.circle.manifest import Tensor
from ledger.errors import SetupError
from node.models.model_file import (
    HEAD_MAX_BYTES,
    UnusableFile,
    encode_model_file,
    read_head,
    to_counts,
    write_model_file,
)
from tests.support.model_files import FACTS, facts_with

pytestmark = pytest.mark.rule("R31.3")
LAYOUT = (Tensor("a.weight", (2, 3), 0), Tensor("none", (0,), 0), Tensor("z", (2, 1), 119), Tensor("ä", (), -110))
EXPONENTS = (0, 0, 119, -110)
STATE = np.array([1, -LARGEST, LARGEST, 5, 0, -1, LARGEST, -3, 1], np.int32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def write(path: Path, head: Mapping[str, Any] | bytes, data: bytes = b"", length: int | None = None) -> Path:
    raw = head if isinstance(head, bytes) else json.dumps(head).encode()
    path.write_bytes((len(raw) if length is None else length).to_bytes(8, "little") + raw + data)
    return path


def entry(start: int, stop: int, shape: list[int], dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


def test_its_bytes_are_those_of_the_norm() -> None:
    found = encode_model_file(FACTS, (Tensor("b", (2,), -3),), np.array([-8, 1 << 24], np.int32))
    length = int.from_bytes(found[:8], "little")
    head = found[8 : 8 + length]
    assert length % 8 == 0
    assert head.rstrip(b" ").endswith(b'"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}')
    assert head.startswith(b'{"__metadata__":{"block":"77","block_hash":"0xabab')
    assert np.frombuffer(found[8 + length :], "<f4").tolist() == [-8 * 2.0**-19, 32.0]
    assert hashlib.sha256(found).hexdigest() == "65464f573dd0e42b70afa6b9716e7fe7f50d93d4544cc9b12007b57be54b8c1f"


def test_the_public_package_reads_what_is_written(path: Path) -> None:
    facts = facts_with(exponents=EXPONENTS)
    assert write_model_file(path, facts, LAYOUT, STATE) == path.read_bytes()
    found = load_file(path)
    assert [(name, tuple(found[name].shape)) for name in sorted(found)] == [(t.name, t.shape) for t in LAYOUT]
    assert {tensor.dtype for tensor in found.values()} == {torch.float32}
    assert found["a.weight"].flatten().tolist() == [2.0**-16, -256.0, 256.0, 5 * 2.0**-16, 0.0, -(2.0**-16)]
    assert found["z"].flatten().tolist() == [2.0**127, -3 * 2.0**103]
    with safe_open(path, "pt") as opened:
        assert opened.metadata() == facts.encode()


def test_what_is_written_is_read_again_to_the_count(path: Path) -> None:
    facts = facts_with(exponents=EXPONENTS)
    write_model_file(path, facts, LAYOUT, STATE)
    head = read_head(path)
    assert head.read_facts() == facts
    parts = [to_counts(head.read_values(tensor.name), tensor.exponent) for tensor in LAYOUT]
    assert np.array_equal(np.concatenate([counts for counts, _ in parts]), STATE)
    assert not any(off.any() for _, off in parts)


@given(
    arrays(np.int32, st.integers(0, 20), elements=st.integers(-LARGEST, LARGEST)),
    st.integers(min_value=-110, max_value=119),
)
def test_float32_gives_every_count_of_the_grid_back(state: Any, exponent: int) -> None:
    tensor = Tensor("t", state.shape, exponent)
    found = encode_model_file(facts_with(exponents=(exponent,)), (tensor,), state)
    values = np.frombuffer(found[len(found) - 4 * state.size :], "<f4")
    counts, off = to_counts(values, exponent)
    assert np.array_equal(counts, state)
    assert not off.any()


@pytest.mark.parametrize("value", [np.nan, np.inf, 1.5 * 2.0**-16, 256.0 + 2.0**-14, -3e38])
def test_a_value_that_no_state_holds_is_told_from_the_others(value: float) -> None:
    counts, off = to_counts(np.array([1.0, value], np.float32), 0)
    assert off.tolist() == [False, True]
    assert counts.tolist() == [1 << 16, 0]


def test_a_tensor_that_no_such_file_can_name_is_refused() -> None:
    with pytest.raises(SetupError, match="is called __metadata__"):
        encode_model_file(FACTS, (Tensor("__metadata__", (1,), 0),), np.zeros(1, np.int32))


def test_every_kind_of_number_is_read_as_others_write_it(path: Path) -> None:
    written = {
        "bf16": torch.tensor([1.5, -(2.0**-130)], dtype=torch.bfloat16),
        "f16": torch.tensor([1.5], dtype=torch.float16),
        "f64": torch.tensor([[0.1]], dtype=torch.float64),
        "c64": torch.tensor([1 + 2j], dtype=torch.complex64),
        "i64": torch.tensor(7),
        "bool": torch.tensor([True]),
    }
    save_file(written, path)
    head = read_head(path)
    assert {name: head.read_values(name).tolist() for name in head.tensors} == {
        name: tensor.tolist() for name, tensor in written.items()
    }
    with pytest.raises(UnusableFile, match="no folkmoot in it"):
        head.read_facts()


@pytest.mark.parametrize(
    ("head", "data", "says"),
    [
        (b"", 0, "no safetensors file"),
        (b"[]", 0, "no safetensors file"),
        (b"{", 0, "no safetensors file"),
        (b"[" * 100_000, 0, "no safetensors file"),
        ({"a": 3}, 0, "'a' is no tensor"),
        ({"a": entry(0, 4, [1]) | {"more": 1}}, 4, "'a' is no tensor"),
        ({"__metadata__": {"a": 1}}, 0, "metadata are no texts"),
        ({"a": entry(0, 4, [1], "F4")}, 4, "is of 'F4'"),
        ({"a": entry(0, 4, [2])}, 4, "takes 8 bytes, and 4 are named"),
        ({"a": entry(0, 1 << 62, [1 << 60])}, 4, "its tensors take 4611686018427387904 bytes, and 4 are there"),
        ({"a": entry(0, 0, [1 << 40, 1 << 40, 0])}, 4, "its tensors take 0 bytes, and 4 are there"),
        ({"a": entry(0, 4, [-1, -1])}, 4, "no possible shape"),
        ({"a": entry(0, 4, [1] * 33)}, 4, "no possible shape"),
        ({"a": entry(-4, 0, [1])}, 4, "takes 4 bytes"),
        ({"a": entry(0, 4, [1]), "b": entry(0, 4, [1])}, 4, "does not begin where the values before it end"),
        ({"a": entry(0, 4, [1]), "b": entry(8, 12, [1])}, 12, "does not begin where the values before it end"),
        ({"a": entry(0, 4, [1])}, 3, "its tensors take 4 bytes, and 3 are there"),
    ],
)
def test_a_file_that_lies_about_its_sizes_is_refused(
    head: Mapping[str, Any] | bytes, data: int, says: str, path: Path
) -> None:
    with pytest.raises(UnusableFile, match=says):
        read_head(write(path, head, bytes(data)))


def test_a_head_is_as_long_as_is_read_at_most(path: Path) -> None:
    with pytest.raises(UnusableFile, match="shorter than it says"):
        read_head(write(path, b"{}", length=1 << 62))
    with path.open("wb") as file:
        file.write((HEAD_MAX_BYTES + 1).to_bytes(8, "little"))
        file.truncate(1 << 25)
    with pytest.raises(UnusableFile, match=f"at most {HEAD_MAX_BYTES} are read"):
        read_head(path)
    path.write_bytes(b"abc")
    with pytest.raises(UnusableFile, match="shorter than it says"):
        read_head(path)
    with pytest.raises(UnusableFile, match="cannot be read"):
        read_head(path.parent / "none")
    os.mkfifo(path.parent / "pipe")
    for place in (path.parent, path.parent / "pipe"):
        with pytest.raises(UnusableFile, match="is no file"):
            read_head(place)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_file_or_are_refused_in_a_sentence(tmp_path_factory: Any, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "f"
    for raw in (data, len(data).to_bytes(8, "little") + data):
        path.write_bytes(raw)
        said = ""
        try:
            read_head(path)
        except UnusableFile as error:
            said = str(error)
        assert "\n" not in said


def test_other_exponents_than_tensors_are_refused(path: Path) -> None:
    write_model_file(path, facts_with(exponents=(0, 0)), LAYOUT, STATE)
    with pytest.raises(UnusableFile, match="2 exponents for 4 tensors"):
        read_head(path).read_facts()
