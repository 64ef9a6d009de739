"""The frozen part of a model is known by its digest."""

import hashlib

import pytest
import torch
from torch import nn

from ledger.errors import SetupError
from node.learning.frozen import Frozen, check_frozen, digest_frozen, digest_tensor, read_tensor_bytes

pytestmark = pytest.mark.rule("R3.2a")

NAMES = ("bias", "weight")


def base(seed: int = 1) -> nn.Linear:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Linear(3, 2)


def test_the_digest_is_over_name_dtype_shape_and_bytes() -> None:
    tensor = torch.tensor([[1.0, 2.0, 3.0]])
    head = b"layer.weight\0float32\0001,3\0"
    assert digest_tensor("layer.weight", tensor) == hashlib.sha256(head + tensor.numpy().tobytes()).digest()
    others = [
        digest_tensor("layer.bias", tensor),
        digest_tensor("layer.weight", tensor.double()),
        digest_tensor("layer.weight", tensor.reshape(3, 1)),
        digest_tensor("layer.weight", tensor + 1),
    ]
    assert len({digest_tensor("layer.weight", tensor), *others}) == 5


def test_a_model_without_frozen_tensors_has_no_digest() -> None:
    assert digest_frozen(base(), ()) == Frozen("", "")


def test_marks_are_the_first_digits_of_each_tensors_digest() -> None:
    model = base()
    digests = [digest_tensor("bias", model.bias), digest_tensor("weight", model.weight)]
    found = digest_frozen(model, NAMES)
    assert found.digest == hashlib.sha256(b"".join(digests)).hexdigest()
    assert found.marks == digests[0].hex()[:4] + digests[1].hex()[:4]


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor(2.5),
        torch.zeros(0, 3),
        torch.tensor([True, False]),
        torch.ones(2, 2, dtype=torch.cfloat).conj(),
        torch.arange(6).reshape(2, 3).T,
        torch.ones(3, dtype=torch.bfloat16),
    ],
)
def test_every_dense_tensor_has_bytes_in_c_order(tensor: torch.Tensor) -> None:
    assert len(read_tensor_bytes(tensor)) == tensor.numel() * tensor.element_size()
    assert read_tensor_bytes(tensor) == read_tensor_bytes(tensor.clone().contiguous())


def test_equal_parts_pass_and_the_tensor_that_differs_is_named() -> None:
    pinned = digest_frozen(base(), NAMES)
    check_frozen(NAMES, digest_frozen(base(), NAMES), pinned)
    other = base()
    with torch.no_grad():
        other.weight[0, 0] += 1
    with pytest.raises(SetupError, match="differs from the circle's in weight, which is frozen,"):
        check_frozen(NAMES, digest_frozen(other, NAMES), pinned)


def test_a_part_of_another_size_is_refused() -> None:
    with pytest.raises(SetupError, match="has 1 frozen tensors, the circle's has 2"):
        check_frozen(NAMES[:1], digest_frozen(base(), NAMES[:1]), digest_frozen(base(), NAMES))


def test_where_the_marks_agree_the_digest_still_decides() -> None:
    own = digest_frozen(base(), NAMES)
    with pytest.raises(SetupError, match="one of its 2 frozen tensors"):
        check_frozen(NAMES, own, Frozen("00" * 32, own.marks))
