"""A task is tried out before anything is paid for it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules.container import Sequential
from torch.nn.utils import prune

from ledger.codec import CODECS, ZSTD
from ledger.errors import SetupError
from node.learning.rehearsal import Rehearsal, rehearse
from node.tasks.interface import Task


def pruned(layer: nn.Module) -> nn.Module:
    cut: nn.Module = prune.l1_unstructured(layer, "weight", 0.3)
    return cut


class Points:
    """Two clouds of points."""

    learning_rate = 0.05

    def model(self) -> Sequential:
        return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        y = torch.arange(64) % 2
        return torch.randn(64, 4, generator=torch.Generator().manual_seed(seat)) + 2 * y[:, None], y

    def evaluate(self, model: Sequential) -> dict[str, torch.Tensor]:
        x, y = self.data(99, 100)
        return {"accuracy": (model(x).argmax(1) == y).float().mean()}


class Elsewhere(Points):
    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        raise FileNotFoundError("/var/lib/hospital/table.csv")


class Malformed(Points):
    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.ones(3, 4), torch.ones(2)


class Renaming(Points):
    def train(self, model: Sequential, data: tuple[torch.Tensor, torch.Tensor], *, round: int, seed: int) -> None:
        pruned(model[0])


class Growing(Points):
    def train(self, model: Sequential, data: tuple[torch.Tensor, torch.Tensor], *, round: int, seed: int) -> None:
        model.extra = nn.Linear(2, 2)


class Casting(Points):
    def train(self, model: Sequential, data: tuple[torch.Tensor, torch.Tensor], *, round: int, seed: int) -> None:
        model.half()


class Thawing(Points):
    """Trains what model() froze, and would lose it each round."""

    def model(self) -> Sequential:
        model = super().model()
        model[0].requires_grad_(False)
        return model

    def train(self, model: Sequential, data: tuple[torch.Tensor, torch.Tensor], *, round: int, seed: int) -> None:
        model.get_parameter("0.weight").data += 1


class Parting(Points):
    def model(self) -> Sequential:
        model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
        model[1].weight = model[0].weight
        return model

    def train(self, model: Sequential, data: tuple[torch.Tensor, torch.Tensor], *, round: int, seed: int) -> None:
        model[1].weight = nn.Parameter(model.get_parameter("0.weight") + 1)


class Exploding(Points):
    def train(self, model: Sequential, data: tuple[torch.Tensor, torch.Tensor], *, round: int, seed: int) -> None:
        model.get_parameter("2.bias").data += float("inf")


class Miscounting(Points):
    def evaluate(self, model: Sequential) -> dict[str, torch.Tensor]:
        raise ZeroDivisionError("no examples")


class Infinite(Points):
    shared = ("*",)

    def model(self) -> Sequential:
        model = super().model()
        model.register_buffer("mask", torch.full((2, 2), float("-inf")).triu(1))
        return model


class Tiny(Points):
    def model(self) -> Sequential:
        model = super().model()
        with torch.no_grad():
            model.get_parameter("0.weight").fill_(1e-12)
        return model

    def train(self, model: Sequential, data: tuple[torch.Tensor, torch.Tensor], *, round: int, seed: int) -> None:
        pass


def rehearsed(kind: type[Any], codec: str = ZSTD) -> Rehearsal:
    return rehearse(Task(kind.__name__, kind()), seed=1, seats=4, codec=codec)


@pytest.mark.parametrize("codec", CODECS)
def test_a_good_task_is_trained_encoded_and_judged(codec: str) -> None:
    found = rehearsed(Points, codec)
    assert found.untried is None
    assert found.figures["accuracy"] > 0.7
    assert found.template.parts.shared == ("0.bias", "0.weight", "2.bias", "2.weight")


def test_units_follow_from_the_first_training() -> None:
    class Far(Points):
        def train(
            self, model: Sequential, data: tuple[torch.Tensor, torch.Tensor], *, round: int, seed: int
        ) -> None:
            model.get_parameter("2.bias").data += 1000

    assert rehearsed(Points).template.layout.exponents == (0, 0, 0, 0)
    assert rehearsed(Far).template.layout.exponents == (0, 0, 6, 0)


def test_a_slip_in_data_is_no_want_of_data() -> None:
    class Slip(Points):
        def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
            return rows_of(seat)  # type: ignore[name-defined, no-any-return]  # noqa: F821 (the slip)

    with pytest.raises(SetupError, match=r"data\(0, 4\) failed .*rows_of"):
        rehearsed(Slip)


def test_a_founder_without_data_is_told_that_training_was_not_tried() -> None:
    found = rehearsed(Elsewhere)
    assert found.untried is not None
    assert "data(0, 4) failed" in found.untried
    assert "table.csv" in found.untried


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (Malformed, r"data\(\) returned x of shape \(3, 4\) and y of shape \(2,\)"),
        (Renaming, r"train\(\) renamed or removed 0\.weight \(and made 0\.weight_mask, 0\.weight_orig\)"),
        (Growing, r"train\(\) added extra\.bias, extra\.weight: make all tensors in model\(\)"),
        (Casting, r"train\(\) made 0\.\w+, float32 \(.*\), into .*float16"),
        (Thawing, r"train\(\) changed 0\.weight, which is frozen and not shared"),
        (Parting, r"train\(\) parted 1\.weight from 0\.weight"),
        (Exploding, r"training in round 1 gave values that are not finite in 2\.bias"),
        (Miscounting, r"evaluate\(\) failed at .*ZeroDivisionError: no examples"),
        (Infinite, r"mask is shared, and model\(\) gives it values that are not finite: .* private = \('mask',\)"),
        (Tiny, r"after model\(\), 0\.weight becomes 0: .* private = \('0\.weight',\)"),
    ],
)
def test_a_task_in_which_nobody_could_take_part_is_refused_by_tensor_and_method(kind: type[Tiny], why: str) -> None:
    with pytest.raises(SetupError, match=f"^{kind.__name__}: .*{why}|^{kind.__name__}: {why}"):
        rehearsed(kind)


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated:FutureWarning")
@pytest.mark.parametrize(
    "model",
    [
        lambda: nn.Sequential(nn.utils.weight_norm(nn.Linear(4, 8)), nn.ReLU(), nn.Linear(8, 2)),
        lambda: nn.Sequential(nn.utils.spectral_norm(nn.Linear(4, 8)), nn.ReLU(), nn.Linear(8, 2)),
        lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 8)), nn.ReLU(), nn.Linear(8, 2)),
        lambda: nn.Sequential(pruned(nn.Linear(4, 8)), nn.ReLU(), nn.Linear(8, 2)),
        lambda: nn.Sequential(nn.LazyLinear(8), nn.LazyBatchNorm1d(), nn.ReLU(), nn.LazyLinear(2)),
        lambda: nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)).double(),
        lambda: nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).bfloat16(),
    ],
    ids=["weight_norm", "spectral_norm", "parametrized", "pruned", "lazy", "double", "bfloat16"],
)
def test_models_of_many_kinds_are_taken_as_they_are(model: Callable[[], Sequential]) -> None:
    class Kind(Points):
        def model(self) -> Sequential:
            return model()

        def evaluate(self, model: Sequential) -> dict[Any, Any]:
            return {}

    found = rehearsed(Kind)
    dtypes = {one.dtype for one in found.template.model.parameters()}
    assert len(dtypes) == 1
    assert np.isfinite(found.template.make_initial()).all()


def test_a_bias_that_training_hardly_moves_from_zero_is_no_fault() -> None:
    """The layer behind it takes it out again: its gradient is rounding alone."""

    class Idle(Points):
        def model(self) -> Sequential:
            model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
            nn.init.zeros_(model.get_parameter("0.bias"))
            return model

    assert rehearsed(Idle).template.layout.exponents == (0,) * 6


def test_an_attribute_that_is_no_number_is_named() -> None:
    class Fast(Points):
        learning_rate: Any = "fast"

    with pytest.raises(SetupError, match=r"Fast: its learning_rate is .fast.: give a number"):
        rehearsed(Fast)
