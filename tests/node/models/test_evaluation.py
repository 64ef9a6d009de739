"""A file's figures beside those of the circle's model and of each seat's base of a round."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ledger.arithmetic.exact import to_float
from ledger.errors import SetupError
from node.duties.circle_model import BaseLacking
from node.models.evaluation import Judge, OwnPart, evaluate_round, read_vector, recompute_round
from node.models.model_file import UnusableFile, read_head, write_model_file
from node.tasks.interface import Task
from tests.support.histories.circles import Away, Circle, genesis_vector
from tests.support.model_files import circle_of_three, source_of

ROUNDS = 3


class Table(nn.Module):
    """The circle's one tensor, and a shift that stays at home."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(50, 100))
        self.register_buffer("shift", torch.tensor(7.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight


class Tabled:
    """Judges a table by its sum and its shift."""

    def model(self) -> nn.Module:
        return Table()

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(4, 50), torch.tensor([0, 1, 2, 3])

    def evaluate(self, model: Any) -> dict[str, float]:
        return {"sum": float(model.weight.double().sum()), "shift": float(model.shift)}

    def test_set(self) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(4, 50), torch.tensor([0, 1, 2, 3])


class Bare:
    """Has no evaluate()."""

    def model(self) -> nn.Module:
        return Table()

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(4, 50), torch.tensor([0, 1, 2, 3])


@pytest.fixture(scope="module")
def circle() -> Circle:
    """Seat 2 is away in the last round."""
    return circle_of_three(ROUNDS, cheats={2: Away(2, (ROUNDS,))})


def judge_of(circle: Circle, definition: Any, own: OwnPart | None = None) -> Judge:
    return Judge(Task("tables.py:Tabled", definition), circle.manifest, own)


async def test_every_model_of_the_round_has_a_row(circle: Circle) -> None:
    judge = judge_of(circle, Tabled())
    rows = evaluate_round(judge, await recompute_round(source_of(circle), ROUNDS))
    assert [(row.name, row.seat, row.round) for row in rows] == [
        ("the circle's model", None, 3),
        ("seat 0", 0, 3),
        ("seat 1", 1, 3),
        ("seat 2", 2, 2),
    ]
    for seat in range(3):
        wanted = float(to_float(circle.carried[seat].base).astype(np.float64).sum())
        assert rows[1 + seat].figures["sum"] == wanted
    model = await source_of(circle).recompute(ROUNDS, None)
    assert rows[0].figures["sum"] == float(to_float(model.state).astype(np.float64).sum())


async def test_the_loss_on_the_test_set_is_told_beside_the_tasks_own_figures(circle: Circle) -> None:
    [row] = evaluate_round(judge_of(circle, Tabled()), await recompute_round(source_of(circle), 0))
    assert (row.name, row.round, row.figures["shift"]) == ("the circle's model", 0, 7.0)
    assert row.figures["loss"] == pytest.approx(np.log(100), rel=1e-6)  # of zeros, every class is as likely


async def test_a_base_that_cannot_be_recomputed_has_a_row_without_figures(circle: Circle) -> None:
    lost = {circle.updates[ROUNDS, 0], *circle.checkpoints.values()}
    found = await recompute_round(source_of(circle, lost), ROUNDS)
    rows = evaluate_round(judge_of(circle, Tabled()), found)
    assert [(row.name, bool(row.figures)) for row in rows] == [
        ("the circle's model", False),
        ("seat 0", False),
        ("seat 1", False),
        ("seat 2", True),
    ]
    assert all(isinstance(row.lacking, BaseLacking) for row in rows[:3])


def test_a_node_answers_with_its_own_private_part(circle: Circle) -> None:
    own = OwnPart(1, 3, {"shift": torch.tensor(-1.0)})
    assert judge_of(circle, Tabled(), own).judge(genesis_vector())["shift"] == -1.0
    assert judge_of(circle, Tabled()).at_home == ("shift",)


def test_a_task_without_figures_says_so(circle: Circle) -> None:
    with pytest.raises(SetupError, match=r"has no evaluate\(\), so there is nothing to measure a model by"):
        judge_of(circle, Bare()).judge(genesis_vector())


async def test_any_file_with_the_circles_tensors_is_read_and_no_other(circle: Circle, tmp_path: Path) -> None:
    source, path = source_of(circle), tmp_path / "model"
    found = await source.recompute(ROUNDS, 1)
    write_model_file(path, source.make_facts(found), source.layout, found.state)
    assert np.array_equal(read_vector(read_head(path), circle.manifest), to_float(found.state))
    save_file({"bias": torch.zeros(3)}, path)
    with pytest.raises(UnusableFile, match="is no model of that circle: weight is not in it"):
        read_vector(read_head(path), circle.manifest)
