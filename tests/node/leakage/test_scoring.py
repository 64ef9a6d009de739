"""What a step says of each example, beside each example's own gradient."""

import numpy as np
import pytest
import torch
from torch import nn

from node.leakage.pool import Pool
from node.leakage.scoring import Scorer
from node.learning.layout import flatten
from node.learning.template import Template
from node.tasks.interface import Task

EXAMPLES = 9


class Convolution:
    def model(self) -> nn.Module:
        return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 3))

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(1)
        return torch.randn(EXAMPLES, 1, 6, 6, generator=generator), torch.arange(EXAMPLES) % 3


class Normalised(Convolution):
    def model(self) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


class Sequence(Convolution):
    """A label for each of five places."""

    def model(self) -> nn.Module:
        return nn.Sequential(nn.Embedding(7, 4), nn.LayerNorm(4), nn.Linear(4, 7))

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        symbols = torch.randint(7, (EXAMPLES, 6), generator=torch.Generator().manual_seed(1))
        return symbols[:, :-1], symbols[:, 1:]


def measure(task: Task) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Alignments by the scorer and by each example's gradient, and the confidences."""
    template = Template.of(task, 1)
    x, y = (part[:EXAMPLES] for part in task.data(0, 50))
    scorer = Scorer(task, template, Pool(x, y, EXAMPLES))
    base = template.make_initial()
    step = 0.01 * np.random.default_rng(1).normal(size=base.shape).astype(np.float32)
    found = scorer.measure(base, base + step)
    model = scorer.fill(base)
    slopes = []
    for one in range(EXAMPLES):
        outputs = model(x)[one]
        outputs, labels = (outputs, y[one]) if y.ndim > 1 else (outputs[None], y[one : one + 1])
        gradients = torch.autograd.grad(
            nn.functional.cross_entropy(outputs, labels),
            list(model.parameters()),
            allow_unused=True,
            materialize_grads=True,
        )
        holder = template.fill(base, {})
        for parameter, given in zip(holder.parameters(), gradients, strict=True):
            parameter.data = given
        slopes.append(-float(flatten(holder, template.layout) @ step))
    return found.alignment, np.array(slopes), found.confidence


@pytest.mark.parametrize("kind", [Convolution, Normalised])
def test_alignment_is_the_product_of_the_step_and_each_gradient(kind: type[Convolution]) -> None:
    found, slow, confidence = measure(Task(kind.__name__, kind()))
    assert found == pytest.approx(slow, rel=1e-3, abs=1e-5)
    assert np.isfinite(confidence).all()


def test_examples_of_several_labels_have_their_mean() -> None:
    found, slow, _ = measure(Task("Sequence", Sequence()))
    assert found == pytest.approx(slow, rel=1e-3, abs=1e-5)


def test_confidence_is_the_log_odds_of_the_likelihood() -> None:
    task = Task("Convolution", Convolution())
    template = Template.of(task, 1)
    x, y = task.data(0, 1)
    base = template.make_initial()
    found = Scorer(task, template, Pool(x, y, EXAMPLES)).measure(base, base)
    likelihood = torch.softmax(template.fill(base, {})(x), 1)[torch.arange(EXAMPLES), y].detach().numpy()
    assert found.confidence == pytest.approx(np.log(likelihood / (1 - likelihood)), rel=1e-3)
    assert found.alignment == pytest.approx(0.0)
