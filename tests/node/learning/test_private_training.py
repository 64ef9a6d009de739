"""What a peer keeps of its model while it trains, and how its models are judged."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules.container import Sequential

from ledger.errors import SetupError
from node.learning.private_part import PrivateParts
from node.learning.recalibration import find_normalisations, recalibrate
from node.learning.template import Template
from node.learning.training import Trainer
from node.tasks.interface import Task


class Normalised:
    """Two clouds of points far from zero, and batch normalisation; a head of each peer's own."""

    private: tuple[str, ...] = ("head.*",)

    def model(self) -> Sequential:
        model = nn.Sequential()
        model.add_module("body", nn.Linear(4, 8))
        model.add_module("norm", nn.BatchNorm1d(8))
        model.add_module("head", nn.Linear(8, 2))
        return model

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(seat)
        y = torch.arange(64) % 2
        return 20 + 5 * torch.randn(64, 4, generator=generator) + 10 * y[:, None], y


class Frozen(Normalised):
    private = ()

    def model(self) -> Sequential:
        model = super().model()
        norm = model.get_submodule("norm").eval()
        norm.train = lambda mode=True: norm  # stays in evaluation, as frozen layers are kept
        return model


def trainer_of(kind: type[Any], kept: PrivateParts | None = None) -> Trainer:
    task = Task(kind.__name__, kind())
    return Trainer(task, Template.of(task, 1).layout, seat=0, seats=2, seed=1, kept=kept)


def test_a_private_part_goes_on_from_where_the_last_round_left_it() -> None:
    trainer = trainer_of(Normalised)
    base = trainer.make_initial()
    trainer.train(base, 1)
    first = trainer.private_parts.latest
    trainer.train(base, 2)
    second = trainer.private_parts.latest
    assert (int(first["norm.num_batches_tracked"]), int(second["norm.num_batches_tracked"])) == (2, 4)
    assert not torch.equal(first["head.weight"], second["head.weight"])
    assert trainer.layout.names == ("body.bias", "body.weight", "norm.bias", "norm.weight")


def test_a_peer_that_starts_again_from_its_file_goes_on_to_the_bit(tmp_path: Path) -> None:
    network = bytes(32)
    lasting = trainer_of(Normalised, kept=PrivateParts.load(tmp_path / "private.bin", network))
    base = lasting.make_initial()
    lasting.train(base, 1)
    again = trainer_of(Normalised, kept=PrivateParts.load(tmp_path / "private.bin", network))
    np.testing.assert_array_equal(again.train(base, 2), lasting.train(base, 2))
    without = trainer_of(Normalised)
    assert not np.array_equal(without.train(base, 2), lasting.train(base, 2))


def test_a_private_part_of_another_model_is_refused_by_name() -> None:
    kept = PrivateParts({"head.weight": torch.zeros(3, 8)})
    with pytest.raises(
        SetupError, match=r"holds head\.weight float32 \(3, 8\), and model\(\) gives float32 \(2, 8\)"
    ):
        trainer_of(Normalised, kept=kept)


def test_a_state_is_judged_with_the_peers_own_part() -> None:
    trainer = trainer_of(Normalised)
    base = trainer.make_initial()
    before = trainer.compute_loss(base)
    trainer.train(base, 1)
    assert trainer.compute_loss(base) < before, "the head has learnt"


def test_statistics_are_those_of_the_peers_own_examples_under_the_weights_judged() -> None:
    trainer = trainer_of(Normalised)
    base = trainer.make_initial()
    trainer.train(base, 1)
    other = base * np.float32(3)
    x, _ = trainer.task.data(0, 2)
    model = trainer._template.fill_for_answering(other, trainer.private_parts.latest, x)
    inside, norm = model.get_submodule("body")(x), model.get_submodule("norm")
    assert isinstance(norm, nn.BatchNorm1d)
    torch.testing.assert_close(norm.running_mean, inside.mean(0), rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(norm.running_var, inside.var(0), rtol=1e-4, atol=1e-3)
    assert not model.training
    assert not norm.training
    assert norm.momentum == 0.1


def test_statistics_that_training_left_alone_stay() -> None:
    trainer = trainer_of(Frozen)
    base = trainer.make_initial()
    trainer.train(base, 1)
    x, _ = trainer.task.data(0, 2)
    model = trainer._template.fill_for_answering(base, trainer.private_parts.latest, x)
    assert torch.equal(model.get_buffer("norm.running_mean"), torch.zeros(8))


@pytest.mark.parametrize("count", [1, 2, 1000, 2500])
def test_of_many_examples_some_are_taken_evenly(count: int) -> None:
    model = nn.Sequential(nn.BatchNorm1d(1))
    recalibrate(model, torch.arange(count, dtype=torch.float32)[:, None], find_normalisations(model).values())
    expected = 0.0 if count == 1 else (count - 1) / 2
    assert float(model.get_buffer("0.running_mean")) == pytest.approx(expected, abs=4)


class Precise(Normalised):
    dtype = torch.float64

    def model(self) -> Sequential:
        return super().model().to(self.dtype)


class Halved(Precise):
    dtype = torch.bfloat16


@pytest.mark.parametrize(
    ("kind", "dtype"), [(Precise, torch.float64), (Halved, torch.bfloat16), (Normalised, torch.float32)]
)
def test_examples_take_the_models_dtype_and_the_model_keeps_it(kind: type[Precise], dtype: torch.dtype) -> None:
    trainer = trainer_of(kind)
    trained = trainer.train(trainer.make_initial(), 1)
    assert trained.dtype == np.float32
    assert trainer.private_parts.latest["head.weight"].dtype == dtype
    assert trainer._template.fill(trained, {}).get_parameter("body.weight").dtype == dtype


def test_a_float64_example_stays_so_where_the_model_is_of_float64() -> None:
    class Double(Precise):
        def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
            x, y = super().data(seat, seats)
            return x.double(), y

    assert trainer_of(Double)._data[0].dtype == torch.float64


def test_statistics_that_became_no_numbers_are_named() -> None:
    class Spoilt(Normalised):
        def train(
            self, model: Sequential, data: tuple[torch.Tensor, torch.Tensor], *, round: int, seed: int
        ) -> None:
            model.get_buffer("norm.running_var")[0] = float("nan")

    with pytest.raises(SetupError, match=r"not finite in norm\.running_var"):
        trainer_of(Spoilt).train(trainer_of(Spoilt).make_initial(), 1)
