"""A model's loss by its name: each example's, for one step's batch or for many examples.

x, y are a peer's examples; `outputs` what the model answers to them.
"""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import nn

from ledger.errors import SetupError
from node.tasks.pairs import answer_of
from node.tasks.training_choices import BALANCED, BCE, CROSS_ENTROPY, LOSSES, TrainingChoices

_IGNORED: Final = -100
"""A label that counts for nothing, as in torch."""

functional = nn.functional


class TaskLoss:
    """What a task without a train() of its own minimises on one peer's examples."""

    def __init__(self, spec: str, choices: TrainingChoices, y: torch.Tensor) -> None:
        """y: the peer's labels or targets. Raises SetupError where they do not go with the loss."""
        self._spec = spec
        self._choice = _choose(spec, choices, y)
        self._is_balanced = choices.class_weights == BALANCED
        self._weights = _weights_of(spec, choices, self._choice, y)

    @property
    def name(self) -> str:
        """For people."""
        return self._choice if isinstance(self._choice, str) else "its own loss"

    def compute_mean(self, model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The mean over some examples, a scalar that has a gradient; with class weights the weighted mean."""
        outputs = answer_of(model, x)
        if self._choice == CROSS_ENTROPY:
            outputs, labels = _fit_classes(self._spec, outputs, y)
            return functional.cross_entropy(outputs, labels, weight=self._of_classes(outputs))
        values = self.compute_each(outputs, y)
        weights = self._of_examples(outputs, y)
        return values.mean() if weights is None else values.sum() / weights.sum().clamp_min(1e-12)

    def compute_values(self, model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Each example's loss, (n,)."""
        return self.compute_each(answer_of(model, x), y)

    def compute_each(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Each example's loss, (n,), times its class's weight; of one that has several labels their mean."""
        if self._choice == CROSS_ENTROPY:
            outputs, labels = _fit_classes(self._spec, outputs, y)
            values = functional.cross_entropy(outputs, labels, weight=self._of_classes(outputs), reduction="none")
            counted = (labels != _IGNORED).reshape(len(y), -1).sum(1)
            return values.reshape(len(y), -1).sum(1) / counted.clamp_min(1)
        if isinstance(self._choice, str):
            outputs, targets = _fit_targets(self._spec, outputs, y)
            values = _ELEMENTWISE[self._choice](outputs, targets)
            weights = self._of_examples(outputs, y)
            return (values if weights is None else values * weights).reshape(len(y), -1).mean(1)
        values = self._choice(outputs, y)
        if not isinstance(values, torch.Tensor) or values.ndim == 0 or len(values) != len(y):
            shape = (
                f"shape {tuple(values.shape)}" if isinstance(values, torch.Tensor) else f"{type(values).__name__}"
            )
            raise SetupError(
                f"{self._spec}: loss(outputs, y) returned {shape} for {len(y)} examples: return a value for each,"
                " as reduction='none' does"
            )
        return values.reshape(len(y), -1).mean(1)

    def _of_classes(self, outputs: torch.Tensor) -> torch.Tensor | None:
        """Of cross-entropy: each class's weight, in the outputs' dtype. outputs: with the classes second."""
        if self._weights is None:
            return None
        classes = outputs.shape[1]
        if len(self._weights) == classes:
            return self._weights.to(outputs)
        if not self._is_balanced or len(self._weights) > classes:
            raise SetupError(
                f"{self._spec}: class_weights are {len(self._weights)} and the model has {classes} classes: give"
                " one for each"
            )
        # Classes that this peer has no example of, behind those it has.
        return torch.cat([self._weights, torch.ones(classes - len(self._weights))]).to(outputs)

    def weigh(self, y: torch.Tensor) -> float:
        """What compute_mean divides by over these examples: how many count, or the sum of their weights."""
        if self._choice == CROSS_ENTROPY:
            labels = y[y != _IGNORED].long().cpu()
            return float(labels.numel() if self._weights is None else self._weights[labels].sum())
        if self._choice == BCE and self._weights is not None:
            return float(self._weights[(y > 0.5).long().cpu()].sum())
        return float(len(y))

    def _of_examples(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor | None:
        """Of bce: each target's weight."""
        if self._weights is None or self._choice != BCE:
            return None
        return self._weights.to(outputs)[(y > 0.5).long()].reshape(outputs.shape)


def _choose(spec: str, choices: TrainingChoices, y: torch.Tensor) -> Any:
    if choices.loss is None and y.is_floating_point():
        numbers = ", ".join(name for name in LOSSES if name != CROSS_ENTROPY)
        raise SetupError(
            f"{spec}: data() gave y as {y.dtype}: give class numbers, or name the loss of numbers, {numbers}, as"
            " loss = 'mse' in the class or --option loss=mse; or write a train()"
        )
    if choices.loss == CROSS_ENTROPY and y.is_floating_point():
        raise SetupError(f"{spec}: data() gave y as {y.dtype}, and cross-entropy wants class numbers from 0")
    return choices.loss or CROSS_ENTROPY


def _weights_of(spec: str, choices: TrainingChoices, choice: Any, y: torch.Tensor) -> torch.Tensor | None:
    if choices.class_weights is None:
        return None
    if isinstance(choices.class_weights, str):
        assert choices.class_weights == BALANCED
        labels = (y > 0.5).long() if choice == BCE else y[y != _IGNORED]
        counts = torch.bincount(labels.flatten(), minlength=2 if choice == BCE else 1)
        # What a peer has none of, it cannot weigh: such a class counts as any example.
        weights = len(labels.flatten()) / (counts.count_nonzero() * counts.clamp_min(1))
        return torch.where(counts > 0, weights, torch.ones_like(weights))
    if choice == BCE and len(choices.class_weights) != 2:
        raise SetupError(f"{spec}: bce has two classes, and class_weights has {len(choices.class_weights)}")
    return torch.tensor(choices.class_weights)


def _fit_classes(spec: str, outputs: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Outputs with their classes in the second place, as torch has them; they may come last, as in transformers."""
    labels = y.long() if y.dtype != torch.int64 else y
    if outputs.ndim == 2 and y.ndim == 1:
        return outputs, labels
    if outputs.ndim >= 2 and outputs.shape[:1] + outputs.shape[2:] == y.shape:
        return outputs, labels
    if outputs.ndim >= 2 and outputs.shape[:-1] == y.shape:
        return outputs.movedim(-1, 1), labels
    if outputs.ndim == 2 and y.shape == (len(outputs), 1):
        return outputs, labels[:, 0]
    raise SetupError(
        f"{spec}: the model answers with shape {tuple(outputs.shape)} to labels of shape {tuple(y.shape)}: for"
        " cross-entropy give a value for each class, (n, classes) for labels (n,)"
    )


def _fit_targets(spec: str, outputs: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both in the outputs' dtype and one shape: (n, 1) and (n,) are the same thing, and must not be broadcast."""
    if outputs.shape == y.shape:
        return outputs, y.to(outputs.dtype)
    if outputs.numel() == y.numel() and len(outputs) == len(y):
        return outputs, y.to(outputs.dtype).reshape(outputs.shape)
    raise SetupError(
        f"{spec}: the model answers with shape {tuple(outputs.shape)} to targets of shape {tuple(y.shape)}: give as"
        " many values as targets, (n,) or (n, 1) for y (n,)"
    )


_ELEMENTWISE: Final[dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]] = {
    "mse": lambda outputs, y: functional.mse_loss(outputs, y, reduction="none"),
    "mae": lambda outputs, y: functional.l1_loss(outputs, y, reduction="none"),
    "huber": lambda outputs, y: functional.huber_loss(outputs, y, reduction="none"),
    BCE: lambda outputs, y: functional.binary_cross_entropy_with_logits(outputs, y, reduction="none"),
}
