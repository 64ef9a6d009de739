"""Which tensors are shared, which stay at home, which nobody changes."""

from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.modules.module import Module

from ledger.errors import SetupError
from node.tasks.sharing import Parts, Sharing, parts_of, sharing_of

pytestmark = pytest.mark.rule("R3.2a")


class Adapted(nn.Module):
    """A frozen base, an adapter, statistics, a mask and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.base = nn.Linear(4, 4).requires_grad_(False)
        self.adapter = nn.Linear(4, 4, bias=False)
        self.norm = nn.BatchNorm1d(4)
        self.head = nn.Linear(4, 2)
        self.register_buffer("mask", torch.full((4, 4), float("-inf")).triu(1))


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.output = nn.Embedding(5, 3), nn.Linear(3, 5, bias=False)
        self.output.weight = self.embedding.weight


def forget_scale(module: "Hidden", state: OrderedDict[str, Any], *_: dict[str, int] | str) -> None:
    del state["scale"]


class Hidden(nn.Module):
    """Drops one of its parameters from its state."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
        self.scale = nn.Parameter(torch.ones(2))
        self.register_state_dict_post_hook(forget_scale)  # type: ignore[no-untyped-call]  # torch's


class Remembering(nn.Linear):
    def get_extra_state(self) -> object:
        return {"anything": 1}


NORMS = ("norm.num_batches_tracked", "norm.running_mean", "norm.running_var")


def test_by_default_what_is_trained_is_shared_and_the_rest_stays() -> None:
    assert parts_of(Adapted()) == Parts(
        shared=("adapter.weight", "head.bias", "head.weight", "norm.bias", "norm.weight"),
        private=("mask", *NORMS),
        frozen=("base.bias", "base.weight"),
    )


def test_what_a_task_names_is_shared_and_nothing_else() -> None:
    parts = parts_of(Adapted(), Sharing(shared=("adapter.*",)))
    assert parts.shared == ("adapter.weight",)
    assert parts.private == ("head.bias", "head.weight", "mask", "norm.bias", *NORMS, "norm.weight")
    assert parts.frozen == ("base.bias", "base.weight")


def test_private_wins_over_shared() -> None:
    parts = parts_of(Adapted(), Sharing(shared=("*",), private=("norm.*", "mask", "head.*")))
    assert parts.shared == ("adapter.weight", "base.bias", "base.weight")
    assert parts.private == ("head.bias", "head.weight", "mask", "norm.bias", *NORMS, "norm.weight")


def test_a_frozen_part_may_be_private_and_then_differ_from_peer_to_peer() -> None:
    assert parts_of(Adapted(), Sharing(private=("base.*",))).frozen == ()


def test_integers_are_never_shared() -> None:
    assert "norm.num_batches_tracked" in parts_of(Adapted(), Sharing(shared=("*",))).private
    with pytest.raises(SetupError, match=r"shared names norm\.num_batches_tracked, which holds torch\.int64"):
        parts_of(Adapted(), Sharing(shared=("head.*", "*.num_batches_tracked")))


def test_tied_tensors_count_once_and_every_name_names_them() -> None:
    assert parts_of(Tied()) == Parts(shared=("embedding.weight",), private=(), frozen=())
    assert parts_of(Tied(), Sharing(shared=("output.*",))).shared == ("embedding.weight",)


@pytest.mark.parametrize("attribute", ["shared", "private"])
def test_a_pattern_that_names_nothing_is_refused(attribute: str) -> None:
    with pytest.raises(
        SetupError, match=rf"t: {attribute} names 'adapters\.\*', and model\(\) has adapter\.weight, .*"
    ):
        parts_of(Adapted(), Sharing(**{attribute: ("adapters.*",)}), "t")


def test_a_model_that_shares_nothing_is_refused() -> None:
    with pytest.raises(SetupError, match=r"no tensor of model.. is shared"):
        parts_of(nn.Linear(2, 2).requires_grad_(False))
    with pytest.raises(SetupError, match=r"no tensor of model.. is shared"):
        parts_of(nn.Linear(2, 2), Sharing(private=("*",)))


def test_a_parameter_that_the_state_leaves_out_is_named() -> None:
    with pytest.raises(SetupError, match=r"scale is trained and not in model..'s state_dict"):
        parts_of(Hidden())


def test_a_state_that_is_no_tensor_is_named() -> None:
    with pytest.raises(SetupError, match=r"keeps _extra_state, a dict, in its state_dict"):
        parts_of(Remembering(2, 2))


@pytest.mark.parametrize(
    ("tensor", "why"),
    [
        (torch.eye(2).to_sparse(), "of the layout torch.sparse_coo"),
        (torch.ones(2, device="meta"), "on the meta device"),
    ],
)
def test_a_tensor_without_dense_values_is_named(tensor: torch.Tensor, why: str) -> None:
    model = nn.Linear(2, 2)
    model.register_buffer("odd", tensor)
    with pytest.raises(SetupError, match=f"odd of model.. is {why}"):
        parts_of(model)


@pytest.mark.parametrize(
    ("value", "patterns"), [(None, None), ("head.*", ("head.*",)), (["a", "b"], ("a", "b")), ((), ())]
)
def test_a_task_gives_one_pattern_or_several(value: Any, patterns: tuple[str, ...] | None) -> None:
    assert sharing_of("t", type("T", (), {"shared": value})()) == Sharing(shared=patterns)
    assert sharing_of("t", type("T", (), {"private": value})()) == Sharing(private=patterns or ())


@pytest.mark.parametrize("value", [3, {"head"}, ["a", 1], [""], True])
def test_anything_but_patterns_is_refused(value: Collection[int | str] | int) -> None:
    with pytest.raises(SetupError, match=r"t: its attribute private is .*: give patterns"):
        sharing_of("t", type("T", (), {"private": value})())


def with_view(part: Callable[..., Any], *, is_trained: bool = True) -> Module:
    """A model with two parameters over the memory of one."""
    model, whole = nn.Module(), torch.arange(12.0).view(3, 4)
    model.one = nn.Parameter(whole[:, :2], requires_grad=is_trained)
    model.other = nn.Parameter(part(whole), requires_grad=is_trained)
    model.head = nn.Linear(2, 2)
    return model


@pytest.mark.parametrize("part", [lambda one: one.t(), lambda one: one[:, :2], lambda one: one[:, 1:]])
def test_parameters_that_a_copy_would_part_are_refused(part: Callable[..., Any]) -> None:
    with pytest.raises(SetupError, match=r"other of model\(\) lies in the memory of another tensor"):
        parts_of(with_view(part))
    assert parts_of(with_view(part, is_trained=False)).shared == ("head.bias", "head.weight")


def test_parameters_may_be_parts_of_one_memory() -> None:
    assert "other" in parts_of(with_view(lambda one: one[:, 2:])).shared


def test_a_tensor_with_several_values_in_one_place_is_refused() -> None:
    model = nn.Linear(2, 2)
    model.register_buffer("mask", torch.ones(1).expand(5))
    with pytest.raises(SetupError, match=r"mask of model\(\) is expanded.*clone"):
        parts_of(model)
    model.register_buffer("mask", torch.ones(5)[:, None].expand(5, 1))
    assert parts_of(model).private == ("mask",)
