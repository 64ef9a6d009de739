"""Losses by their names: as torch has them, of shapes that people have, and never broadcast."""

from typing import Any

import pytest
import torch
from torch import nn

from ledger.errors import SetupError
from node.tasks.losses import TaskLoss
from node.tasks.training_choices import TrainingChoices, choices_of

F = nn.functional
GENERATOR = torch.Generator().manual_seed(3)
OUTPUTS = torch.randn(6, 3, generator=GENERATOR)
LABELS = torch.tensor([0, 1, 2, 2, 1, 0])
NUMBERS = torch.randn(6, generator=GENERATOR)


class Answering(nn.Module):
    """Answers with what it was made with."""

    def __init__(self, outputs: Any) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, x: torch.Tensor) -> Any:
        return self.outputs


class Answer:
    def __init__(self, logits: torch.Tensor) -> None:
        self.logits = logits


def loss_of(y: torch.Tensor, **choices: Any) -> TaskLoss:
    return TaskLoss("task.py:Task", TrainingChoices(**choices), y)


def mean(outputs: Any, y: torch.Tensor, **choices: Any) -> torch.Tensor:
    return loss_of(y, **choices).compute_mean(Answering(outputs), y, y)


def each(outputs: Any, y: torch.Tensor, **choices: Any) -> torch.Tensor:
    return loss_of(y, **choices).compute_values(Answering(outputs), y, y)


def test_a_silent_task_has_the_cross_entropy_of_torch_to_the_bit() -> None:
    assert mean(OUTPUTS, LABELS) == F.cross_entropy(OUTPUTS, LABELS)
    assert torch.equal(each(OUTPUTS, LABELS), F.cross_entropy(OUTPUTS, LABELS, reduction="none"))


@pytest.mark.parametrize("outputs", [Answer(OUTPUTS), (OUTPUTS, "state"), [OUTPUTS]])
def test_an_answer_may_be_an_object_with_logits_or_a_tuple(outputs: Any) -> None:
    assert mean(outputs, LABELS) == mean(OUTPUTS, LABELS)


def test_another_answer_is_refused_in_a_sentence() -> None:
    with pytest.raises(SetupError, match="answers with a dict: return a tensor, an object with `logits`"):
        mean({"logits": OUTPUTS}, LABELS)


@pytest.mark.parametrize(
    ("name", "torchs"),
    [
        ("mse", F.mse_loss),
        ("mae", F.l1_loss),
        ("huber", F.huber_loss),
    ],
)
def test_a_regression_is_torchs_and_a_column_is_no_matrix(name: str, torchs: Any) -> None:
    outputs = NUMBERS + torch.arange(6) / 2
    expected = torchs(outputs, NUMBERS)
    for one, other in ((outputs, NUMBERS), (outputs[:, None], NUMBERS), (outputs, NUMBERS[:, None])):
        assert float(mean(one, other, loss=name)) == pytest.approx(float(expected))
        assert each(one, other, loss=name).shape == (6,)
    with pytest.raises(SetupError, match=r"answers with shape \(6, 3\) to targets of shape \(6,\)"):
        mean(OUTPUTS, NUMBERS, loss=name)


def test_yes_and_no_are_told_apart_by_one_output() -> None:
    y = torch.tensor([0, 1, 1, 0, 1, 0])
    expected = F.binary_cross_entropy_with_logits(NUMBERS, y.float())
    assert float(mean(NUMBERS[:, None], y, loss="bce")) == pytest.approx(float(expected))
    weights = torch.tensor([1.0, 20.0])[y]
    weighed = (
        F.binary_cross_entropy_with_logits(NUMBERS, y.float(), weight=weights, reduction="sum") / weights.sum()
    )
    assert float(mean(NUMBERS, y, loss="bce", class_weights=(1.0, 20.0))) == pytest.approx(float(weighed))


def test_class_weights_are_torchs_and_balanced_counts_each_class_alike() -> None:
    weights = (1.0, 20.0, 0.5)
    expected = F.cross_entropy(OUTPUTS, LABELS, weight=torch.tensor(weights))
    assert float(mean(OUTPUTS, LABELS, class_weights=weights)) == pytest.approx(float(expected))
    rare = torch.tensor([0, 0, 0, 0, 0, 1])
    balanced = each(OUTPUTS, rare, class_weights="balanced") / each(OUTPUTS, rare)
    assert balanced.tolist() == pytest.approx([0.6] * 5 + [3.0])


def test_weights_for_another_number_of_classes_are_refused() -> None:
    with pytest.raises(SetupError, match="class_weights are 2 and the model has 3 classes"):
        mean(OUTPUTS, LABELS, class_weights=(1.0, 2.0))


def test_balanced_weights_of_a_peer_without_a_class_stay_finite() -> None:
    """The model has three classes, and this peer knows one."""
    alone = torch.zeros(6, dtype=torch.int64)
    found = mean(OUTPUTS, alone, class_weights="balanced")
    assert float(found) == pytest.approx(float(mean(OUTPUTS, alone)))


def test_classes_may_come_last_as_transformers_have_them() -> None:
    words = torch.randint(4, (2, 5), generator=GENERATOR)
    logits = torch.randn(2, 5, 4, generator=GENERATOR)
    expected = F.cross_entropy(logits.flatten(0, 1), words.flatten())
    assert float(mean(logits, words)) == pytest.approx(float(expected))
    words[0, :3] = -100
    ignored = F.cross_entropy(logits[0], words[0])
    assert float(each(logits, words)[0]) == pytest.approx(float(ignored))


def test_numbers_without_a_loss_are_refused_with_the_names_there_are() -> None:
    with pytest.raises(SetupError, match="name the loss of numbers, mse, mae, huber, bce, as"):
        loss_of(NUMBERS)
    with pytest.raises(SetupError, match="cross-entropy wants class numbers"):
        loss_of(NUMBERS, loss="cross-entropy")


def quantile(outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.maximum(0.9 * (y - outputs), 0.1 * (outputs - y))


class AsMethod:
    def loss(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return quantile(outputs, y)


class AsFunction:
    loss = quantile


class AsStatic:
    loss = staticmethod(quantile)


class AsModule:
    loss = nn.SmoothL1Loss(reduction="none")


@pytest.mark.parametrize("kind", [AsMethod, AsFunction, AsStatic])
def test_a_loss_of_ones_own_gives_a_value_for_each_example(kind: type) -> None:
    loss = TaskLoss("own", choices_of("own", kind()), NUMBERS)
    found = loss.compute_values(Answering(torch.zeros(6)), NUMBERS, NUMBERS)
    assert torch.equal(found, quantile(torch.zeros(6), NUMBERS))


def test_a_loss_of_ones_own_that_gives_one_number_is_refused() -> None:
    assert choices_of("own", AsModule()).loss is AsModule.loss
    with pytest.raises(SetupError, match=r"returned shape \(\) for 6 examples: return a value for each"):
        mean(NUMBERS, NUMBERS, loss=F.mse_loss)
