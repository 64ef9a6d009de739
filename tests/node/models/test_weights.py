"""A circle's first weights out of anybody's file: matched, converted and said so, or refused by name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ledger.blobs.contents.records import decode_genesis
from ledger.errors import SetupError
from ledger.judging.circle_model import encode_model
from node.learning.genesis import Agreement, agree_template, found_circle
from node.learning.rehearsal import rehearse
from node.learning.template import Template
from node.models.model_file import UnusableFile, read_head, write_model_file
from node.models.weights import (
    Beginning,
    FileTensors,
    begin_from,
    encode_beginning,
    measure_coarseness,
    open_frozen,
    use_own_units,
)
from node.tasks.interface import Task
from tests.support.model_files import circle_of_three, facts_with, source_of

SEED = 1


class Adapted(nn.Module):
    """A frozen base, normalisation with statistics at home, adapters, and a phase that is complex."""

    def __init__(self) -> None:
        super().__init__()
        self.base = nn.Linear(4, 3).requires_grad_(False)
        self.norm = nn.BatchNorm1d(4, affine=False)
        self.down = nn.Parameter(torch.randn(2, 4))
        self.up = nn.Parameter(torch.zeros(3, 2))
        self.phase = nn.Parameter(torch.ones(3, dtype=torch.complex64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = (self.base(self.norm(x)) + x @ self.down.T @ self.up.T) * self.phase.abs()
        return found


class Adapting:
    def model(self) -> nn.Module:
        return Adapted()

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(seat)
        return torch.randn(20, 4, generator=generator), torch.randint(3, (20,), generator=generator)


TASK = Task("adapting.py:Adapting", Adapting())
SHARED: dict[str, torch.Tensor] = {
    "down": torch.arange(8.0).reshape(2, 4) / 8,
    "up": torch.ones(3, 2),
    "phase": torch.tensor([1 + 2j, 3j, -1]),
}
FROZEN = {"base.weight": torch.eye(3, 4) * 0.1, "base.bias": torch.full((3,), 5.0)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.safetensors"


def begin(path: Path, tensors: dict[str, torch.Tensor], **metadata: str) -> Beginning:
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata or None)
    return begin_from(path, TASK, SEED)


def refusal(path: Path, tensors: dict[str, torch.Tensor]) -> str:
    with pytest.raises(SetupError) as refused:
        begin(path, tensors)
    assert str(path) in str(refused.value)
    return str(refused.value)


def test_what_is_shared_begins_as_in_the_file(path: Path) -> None:
    found = begin(path, SHARED)
    state = found.template.model.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in SHARED.items())
    assert (found.frozen, found.left, found.converted, found.model) == ((), (), (), None)
    # What is not in the file is as model() gives it, and the task's own template is left alone.
    assert found.template.frozen == Template.of(TASK, SEED).frozen


def test_a_model_without_a_seat_begins_a_circle_as_any_weights_do(path: Path) -> None:
    found = begin(path, SHARED, folkmoot="without/1", without="3")
    assert found.model is None
    assert torch.equal(found.template.model.state_dict()["down"], SHARED["down"])


@pytest.mark.rule("R3.2a")
def test_what_is_frozen_comes_out_of_the_file_wherever_the_model_is_made(path: Path) -> None:
    found = begin(path, SHARED | FROZEN)
    assert found.frozen == ("base.bias", "base.weight")
    remade = Template.of(found.task, SEED + 1)
    for name, tensor in FROZEN.items():
        assert torch.equal(found.template.model.state_dict()[name], tensor)
        assert torch.equal(remade.model.state_dict()[name], tensor)
    assert remade.frozen == found.template.frozen != Template.of(TASK, SEED).frozen


def test_a_member_with_the_file_agrees_and_one_without_is_told_of_the_tensor(path: Path) -> None:
    found = begin(path, SHARED | FROZEN)
    agreed = Agreement({"seed": SEED}, degree=1, rule="none", rule_parameters={}, rounds=3, codec="int8-zstd")
    manifest = found_circle(found.template, agreed).manifest
    member = Task(TASK.spec, TASK.definition, None, open_frozen(path))
    assert agree_template(Template.of(member, 9), manifest).frozen.digest == manifest.frozen
    with pytest.raises(SetupError, match=r"in base.bias, which is frozen, .* \(--frozen FILE"):
        agree_template(Template.of(TASK, SEED), manifest)
    save_file(FROZEN | {"base.weight": torch.zeros(3, 4)}, path)
    other = Task(TASK.spec, TASK.definition, None, open_frozen(path))
    with pytest.raises(SetupError, match=r"in base\.weight, which is frozen"):
        agree_template(Template.of(other, 9), manifest)


@pytest.mark.parametrize(
    ("dtype", "says"),
    [
        (torch.float16, "down was float16: the same numbers in float32"),
        (torch.bfloat16, "down was bfloat16: the same numbers in float32"),
        (torch.float64, "down was float64: rounded to float32"),
    ],
)
def test_other_floats_are_converted_and_it_is_said(dtype: torch.dtype, says: str, path: Path) -> None:
    found = begin(path, SHARED | {"down": SHARED["down"].to(dtype)})
    assert found.converted == (says,)
    assert torch.equal(found.template.model.state_dict()["down"], SHARED["down"])


def test_a_complex_tensor_is_taken_as_one_and_as_the_circle_shares_it(path: Path) -> None:
    found = begin(path, SHARED | {"phase": torch.view_as_real(SHARED["phase"])})
    assert torch.equal(found.template.model.state_dict()["phase"], SHARED["phase"])


def test_what_stays_at_home_is_left_out_and_named(path: Path) -> None:
    found = begin(path, SHARED | {"norm.running_mean": torch.full((4,), 9.0)})
    assert found.left == ("norm.running_mean",)
    assert torch.equal(found.template.model.state_dict()["norm.running_mean"], torch.zeros(4))


def test_names_that_do_not_fit_are_told(path: Path) -> None:
    renamed = {"Down" if name == "down" else name: tensor for name, tensor in SHARED.items()}
    assert "it lacks down, and it has Down, which the model has not; give it the task's names" in refusal(
        path, renamed
    )
    prefixed = {f"model.{name}": tensor for name, tensor in (SHARED | FROZEN).items()}
    assert "the same but for 'model.' before them: take that off" in refusal(path, prefixed)
    assert "it lacks base.bias" in refusal(path, SHARED | {"base.weight": FROZEN["base.weight"]})


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"down": torch.zeros(4, 2)}, "down is [4, 2] in the file and [2, 4] in the model"),
        ({"phase": torch.zeros(2, 3)}, "phase is [2, 3] in the file and [3] in the model"),
        ({"down": torch.zeros(2, 4, dtype=torch.int8)}, "down is I8, and the model trains torch.float32"),
        ({"down": torch.zeros(2, 4, dtype=torch.complex64)}, "down is C64, and the model trains torch.float32"),
        ({"up": torch.full((3, 2), torch.nan)}, "up has values that are not finite in float32"),
        ({"up": torch.full((3, 2), 1e300, dtype=torch.float64)}, "up has values that are not finite in float32"),
        (FROZEN | {"base.weight": torch.zeros(4, 3)}, "has base.weight as [4, 3], and it is [3, 4]"),
        (FROZEN | {"base.bias": torch.zeros(3, dtype=torch.int64)}, "has base.bias as torch.int64"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(wrong: dict[str, torch.Tensor], says: str, path: Path) -> None:
    assert says in refusal(path, SHARED | wrong)


def test_a_file_that_is_to_hold_what_is_frozen_and_does_not_is_refused(path: Path) -> None:
    save_file(SHARED, path)
    with pytest.raises(SetupError, match=r"lacks base.bias, base.weight, frozen in adapting.py:Adapting"):
        Template.of(Task(TASK.spec, TASK.definition, None, open_frozen(path)), SEED)
    with pytest.raises(UnusableFile, match="cannot be read"):
        open_frozen(path.parent / "none")


def test_a_rehearsal_trains_from_what_the_file_holds(path: Path) -> None:
    found = begin(path, SHARED | FROZEN)
    rehearsal = rehearse(found.task, seed=SEED, seats=2, codec="int8", template=found.template)
    held = rehearsal.template.model.state_dict()
    assert torch.equal(held["down"], SHARED["down"])
    assert torch.equal(held["base.bias"], FROZEN["base.bias"])


def test_the_genesis_has_eight_bits_a_value_and_how_coarse_that_is_is_told(path: Path) -> None:
    found = begin(path, SHARED | {"down": SHARED["down"] / 3})
    agreed = Agreement({"seed": SEED}, degree=1, rule="none", rule_parameters={}, rounds=3, codec="int8-zstd")
    founding = found_circle(found.template, agreed, encode_beginning(found, found.template))
    held, wanted = decode_genesis(founding.genesis, founding.manifest) / 65536, found.template.make_initial()
    off = float(np.linalg.norm(held - wanted) / np.linalg.norm(wanted))
    assert measure_coarseness(founding.manifest, founding.genesis, found.template) == pytest.approx(off)
    assert 0 < off < 0.01


class Table(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(50, 100))


class Tables(Adapting):
    def model(self) -> nn.Module:
        return Table()


@pytest.mark.rule("R31")
async def test_a_model_taken_out_of_a_circle_is_gone_on_with_as_a_fork_is(path: Path) -> None:
    circle = circle_of_three(2)
    source = source_of(circle)
    found = await source.recompute(2, None)
    write_model_file(path, source.make_facts(found), source.layout, found.state)
    begun = begin_from(path, Task("tables.py:Tables", Tables()), SEED)
    template = use_own_units(begun, begun.template)
    assert encode_beginning(begun, template) == encode_model(found.state, circle.manifest.sizes)


def test_a_taken_out_models_units_are_kept(path: Path) -> None:
    layout = begin(path, SHARED).template.layout
    exponents = tuple(range(-2, len(layout.names) - 2))
    state = np.arange(layout.size, dtype=np.int32) * 100
    tensors = layout.__class__(layout.names, layout.shapes, exponents).tensors
    write_model_file(path, facts_with(exponents=exponents), tensors, state)
    begun = begin_from(path, TASK, SEED)
    assert use_own_units(begun, begun.template).layout.exponents == exponents
    assert np.array_equal(use_own_units(begun, begun.template).make_initial() * 65536, state)


def test_a_taken_out_model_whose_metadata_are_no_ones_is_refused(path: Path) -> None:
    begun = begin(path, SHARED, folkmoot="model/1", round="x")
    with pytest.raises(UnusableFile, match="is no model that `folkmoot model export` wrote"):
        use_own_units(begun, begun.template)


def test_a_files_tensors_are_read_one_by_one(path: Path) -> None:
    save_file(SHARED, path)
    tensors: Any = FileTensors(read_head(path))
    assert (sorted(tensors), len(tensors), "up" in tensors, "x" in tensors) == (sorted(SHARED), 3, True, False)
    with pytest.raises(KeyError):
        tensors["x"]
