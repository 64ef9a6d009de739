"""The frozen part of a model is known by its digest."""

import hashlib

import pytest
import torch
from torch import nn

from ledger.errors import SetupError
from node.learning.frozen import Frozen, check_frozen, frozen_of, tensor_bytes, tensor_digest

pytestmark = pytest.mark.rule("R3.2a")

NAMES = ("bias", "weight")


def base(seed: int = 1) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Linear(3, 2)


def test_the_digest_is_over_name_dtype_shape_and_bytes():
    tensor = torch.tensor([[1.0, 2.0, 3.0]])
    head = b"layer.weight\0float32\0001,3\0"
    assert tensor_digest("layer.weight", tensor) == hashlib.sha256(head + tensor.numpy().tobytes()).digest()
    others = [
        tensor_digest("layer.bias", tensor),
        tensor_digest("layer.weight", tensor.double()),
        tensor_digest("layer.weight", tensor.reshape(3, 1)),
        tensor_digest("layer.weight", tensor + 1),
    ]
    assert len({tensor_digest("layer.weight", tensor), *others}) == 5


def test_a_model_without_frozen_tensors_has_no_digest():
    assert frozen_of(base(), ()) == Frozen("", "")


def test_marks_are_the_first_digits_of_each_tensors_digest():
    model = base()
    digests = [tensor_digest("bias", model.bias), tensor_digest("weight", model.weight)]
    found = frozen_of(model, NAMES)
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
def test_every_dense_tensor_has_bytes_in_c_order(tensor):
    assert len(tensor_bytes(tensor)) == tensor.numel() * tensor.element_size()
    assert tensor_bytes(tensor) == tensor_bytes(tensor.clone().contiguous())


def test_equal_parts_pass_and_the_tensor_that_differs_is_named():
    pinned = frozen_of(base(), NAMES)
    check_frozen(NAMES, frozen_of(base(), NAMES), pinned)
    other = base()
    with torch.no_grad():
        other.weight[0, 0] += 1
    with pytest.raises(SetupError, match="differs from the circle's in weight, which is frozen,"):
        check_frozen(NAMES, frozen_of(other, NAMES), pinned)


def test_a_part_of_another_size_is_refused():
    with pytest.raises(SetupError, match="has 1 frozen tensors, the circle's has 2"):
        check_frozen(NAMES[:1], frozen_of(base(), NAMES[:1]), frozen_of(base(), NAMES))


def test_where_the_marks_agree_the_digest_still_decides():
    own = frozen_of(base(), NAMES)
    with pytest.raises(SetupError, match="one of its 2 frozen tensors"):
        check_frozen(NAMES, own, Frozen("00" * 32, own.marks))
