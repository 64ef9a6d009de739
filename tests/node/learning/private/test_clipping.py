"""Clipped sums of per-example gradients, against torch.func and Opacus."""

import copy
import warnings
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, vmap

from node.learning.private.clipping import ClippedSums
from node.learning.private.closed_forms import NoClosedForm, sum_clipped
from node.tasks.images import make_convolutional, make_perceptron
from node.tasks.losses import TaskLoss
from node.tasks.training_choices import TrainingChoices
from node.tasks.transformer import Transformer

EXAMPLES = 11
compute_losses = TaskLoss("classes", TrainingChoices(), torch.zeros(1, dtype=torch.int64)).compute_values
Examples = tuple[torch.Tensor, torch.Tensor]


class Tagger(nn.Module):
    """A label for each word: the same network on every place."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(9, 6, padding_idx=0)
        self.norm, self.widen, self.say = nn.LayerNorm(6), nn.Linear(6, 40), nn.Linear(40, 4)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.say(torch.relu(self.widen(self.norm(self.words(words)))))
        return outputs.mT


class Shared(nn.Module):
    """One layer used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(5, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.layer(torch.tanh(self.layer(x)))
        return outputs


class Mixing(nn.Module):
    """Each example sees the mean of all."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(5, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.layer(x - x.mean(0))
        return outputs


def make_normed() -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (2, 6, 6)),
        nn.Conv2d(2, 4, 3, stride=2, padding=1, dilation=1, bias=False),
        nn.GroupNorm(2, 4),
        nn.ReLU(inplace=True),
        nn.Conv2d(4, 6, (2, 1)),
        nn.Flatten(),
        nn.LayerNorm(36),
        nn.Linear(36, 3),
    )


def make_half_frozen() -> nn.Module:
    model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))
    model.get_parameter("0.weight").requires_grad_(False)
    return model


def images(size: int, classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(EXAMPLES, size), torch.arange(EXAMPLES) % classes


def words(places: int, symbols: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randint(symbols, (EXAMPLES, places)), torch.randint(classes, (EXAMPLES, places))


CLOSED: dict[str, tuple[Callable[[], nn.Module], Callable[[], Examples]]] = {
    "perceptron": (make_perceptron, lambda: images(784)),
    "convolutional": (make_convolutional, lambda: images(784)),
    "normed": (make_normed, lambda: images(72)),
    "half frozen": (make_half_frozen, lambda: images(5)),
    "few places": (Tagger, lambda: words(3, 9, 4)),
    "many places": (Tagger, lambda: words(30, 9, 4)),
}


def sum_by_torch(model: nn.Module, data: Sequence[torch.Tensor], clip: float) -> list[torch.Tensor]:
    """Per-example gradients by torch.func, cut and summed."""
    trained = {name: one.detach() for name, one in model.named_parameters() if one.requires_grad}

    def loss(parameters: dict[str, torch.Tensor], *example: torch.Tensor) -> torch.Tensor:
        x, y = (part[None] for part in example)
        outputs = functional_call(model, parameters, (x,))
        return nn.functional.cross_entropy(outputs, y)

    # It is slow at attention, and says so.
    with warnings.catch_warnings(action="ignore"):
        found = vmap(grad(loss), (None, 0, 0))(trained, *data)
    norms = torch.stack([one.flatten(1).norm(dim=1) for one in found.values()]).norm(dim=0)
    scales = (clip / norms).clamp(max=1)
    return [torch.tensordot(scales, one, 1) for one in found.values()]


def are_close(ones: Sequence[torch.Tensor], others: Sequence[torch.Tensor]) -> bool:
    whole, other = (torch.cat([one.flatten() for one in parts]) for parts in (ones, others))
    return bool((whole - other).norm() <= 1e-5 * other.norm())


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("clip", [0.05, 1.0, 100.0])
def test_the_closed_form_gives_what_torch_gives(name: str, clip: float) -> None:
    torch.manual_seed(3)
    make, examples = CLOSED[name]
    model, data = make(), examples()
    if name == "normed":
        relu = model.get_submodule("3")
        assert isinstance(relu, nn.ReLU)
        relu.inplace = False
        expected = sum_by_torch(model, data, clip)
        relu.inplace = True
    else:
        expected = sum_by_torch(model, data, clip)
    found = sum_clipped(model, compute_losses, data, clip)
    assert are_close([found[one] for one in model.parameters() if one.requires_grad], expected)


@pytest.mark.parametrize(
    ("make", "examples"),
    [
        (Shared, lambda: images(5)),
        (Mixing, lambda: images(5)),
        (lambda: Transformer(9, 6, 8, 2, 2), lambda: words(6, 9, 9)),
        (lambda: nn.Sequential(nn.Unflatten(1, (5, 1)), nn.Conv1d(5, 3, 1), nn.Flatten()), lambda: images(5)),
    ],
    ids=["used twice", "mixing", "transformer", "unknown layer"],
)
def test_where_there_is_no_closed_form_the_sum_is_right_all_the_same(
    make: Callable[[], nn.Module], examples: Callable[[], Examples]
) -> None:
    torch.manual_seed(3)
    model, data = make(), examples()
    if isinstance(model, Mixing):
        with torch.no_grad():
            model.layer.bias.uniform_()
    if isinstance(model, Transformer):
        data = data[0], data[1]
        loss = lambda m, x, y: nn.functional.cross_entropy(m(x).mT, y, reduction="none").mean(1)  # noqa: E731
        inner = model

        class Turned(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inner = inner

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                outputs: torch.Tensor = self.inner(x).mT
                return outputs

        expected = sum_by_torch(Turned(), data, 0.3)
    else:
        loss, expected = compute_losses, sum_by_torch(model, data, 0.3)
    sums = ClippedSums(model, loss, 0.3)
    assert are_close(sums.compute(data), expected)
    assert sums._is_closed is False


def test_a_layer_used_twice_has_no_closed_form() -> None:
    with pytest.raises(NoClosedForm):
        sum_clipped(Shared(), compute_losses, images(5), 1.0)


def test_dropout_keeps_the_closed_form() -> None:
    sums = ClippedSums(
        nn.Sequential(nn.Linear(5, 50), nn.Dropout(0.5), nn.Linear(50, 3)).train(), compute_losses, 1.0
    )
    sums.compute(images(5))
    assert sums._is_closed is True
    assert sums._model.get_submodule("1").training


def test_no_example_is_longer_than_the_bound_and_none_gives_zeros() -> None:
    model = make_perceptron()
    sums = ClippedSums(model, compute_losses, 0.5)
    x, y = images(784)
    assert all(not one.any() for one in sums.compute([x[:0], y[:0]]))
    sizes = []
    for row in range(EXAMPLES):
        one = sums.compute([1000 * x[row : row + 1], y[row : row + 1]])
        sizes.append(float(torch.cat([part.flatten() for part in one]).norm()))
    assert max(sizes) == pytest.approx(0.5, rel=1e-5)


@pytest.mark.parametrize("make", [make_perceptron, Shared], ids=["closed form", "one by one"])
@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_an_example_whose_gradient_is_not_finite_adds_nothing(make: Callable[[], nn.Module], poison: float) -> None:
    """A sum that is NaN would tell that the example was there."""
    torch.manual_seed(3)
    model = make()
    x, y = images(784 if make is make_perceptron else 5)
    without = ClippedSums(model, compute_losses, 1.0).compute([x[:7], y[:7]])
    x[7] = poison
    with_it = ClippedSums(model, compute_losses, 1.0).compute([x[:8], y[:8]])
    assert are_close(with_it, without)


@pytest.mark.parametrize("name", ["perceptron", "convolutional", "many places"])
def test_the_closed_form_gives_what_opacus_gives(name: str) -> None:
    """Opacus gives a padding's row a gradient, which torch does not: so there is no padding here."""
    from opacus.grad_sample import GradSampleModule

    torch.manual_seed(3)
    make, examples = CLOSED[name]
    model, data = make(), examples()
    if isinstance(model, Tagger):
        model.words.padding_idx = None
    with warnings.catch_warnings(action="ignore"):
        hooked = GradSampleModule(copy.deepcopy(model), loss_reduction="sum")
        compute_losses(hooked, *data).sum().backward()
    samples = [one.grad_sample for one in hooked.parameters()]
    norms = torch.stack([one.flatten(1).norm(dim=1) for one in samples]).norm(dim=0)
    expected = [torch.tensordot((0.3 / norms).clamp(max=1), one, 1) for one in samples]
    found = sum_clipped(model, compute_losses, data, 0.3)
    assert are_close([found[one] for one in model.parameters()], expected)
