"""How a task without a train() of its own is trained, by names and numbers: its loss, its optimizer, its steps.

A class says them as attributes, and whoever starts it as `--option NAME=VALUE`. In a circle they come from a
founder whom a peer need not trust, so each is bounded: none of them is code, names a file, or keeps a peer busy for
ever.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from inspect import Parameter, isfunction, signature
from math import isfinite
from typing import Any, Final

from ledger.errors import SetupError

CROSS_ENTROPY: Final = "cross-entropy"
BCE: Final = "bce"
LOSSES: Final = (CROSS_ENTROPY, "mse", "mae", "huber", BCE)
SGD, ADAM, ADAMW = "sgd", "adam", "adamw"
OPTIMIZERS: Final = (SGD, ADAM, ADAMW)
CONSTANT, COSINE, STEP = "constant", "cosine", "step"
SCHEDULES: Final = (CONSTANT, COSINE, STEP)
BALANCED: Final = "balanced"

# Measured over ten rounds of 8 peers with 1,000 Fashion-MNIST images each: plain averaging reaches .82, and
# honest peers stay inside the shrinking radius of distance screening; a rate of .02 reaches .83 but spreads them
# beyond it.
LEARNING_RATE, MOMENTUM, BATCH_SIZE = 0.01, 0.9, 32
ADAM_LEARNING_RATE = 0.001
# Measured: docs/decisions/0055-a-step-may-correct-its-peers-lean.md.
CORRECTION: Final = 0.0
MOST_EPOCHS: Final = 100
MOST_CLASSES: Final = 4096
MOST_BATCH: Final = 1 << 20

# A loss of the task's own: the model's answers and y of some examples; a value for each of them.
OwnLoss = Callable[[Any, Any], Any]


class BadChoice(ValueError):
    """A choice that does not exist, or a number outside its range: what it was, and what it may be."""


@dataclass(frozen=True)
class TrainingChoices:
    """How to train."""

    loss: str | OwnLoss | None = None
    """One of LOSSES, or the task's own; None where the task is silent: the cross-entropy of class numbers."""
    class_weights: tuple[float, ...] | str | None = None
    """What an example of each class counts; `balanced`: each class as much as any other in the peer's own data."""
    optimizer: str = SGD
    """One of OPTIMIZERS."""
    schedule: str = CONSTANT
    """One of SCHEDULES: the learning rate over the circle's rounds."""
    epochs: float = 1.0
    """Passes over a peer's examples in a round; 0.5 is half of them."""
    batch_size: int = BATCH_SIZE
    """Examples a step."""
    learning_rate: float = LEARNING_RATE
    """In the first round."""
    momentum: float = MOMENTUM
    """Of SGD; of Adam the decay of its first moment."""
    weight_decay: float = 0.0
    """Of the weights; adamw takes it off them, the others add it to the gradient."""
    correction: float = CORRECTION
    """The share of what a peer regularly learns apart from the others (node.learning.lean) that each of its steps
    corrects."""

    @property
    def is_plain(self) -> bool:
        """Whether it is an epoch of SGD on the cross-entropy, which the simulator does for many at once."""
        plain = (self.loss in (None, CROSS_ENTROPY), self.class_weights is None, self.optimizer == SGD)
        return all(plain) and self.epochs == 1.0 and self.weight_decay == 0.0

    def find_rate(self, round_number: int, rounds: int | None) -> float:
        """The learning rate of a round, 1.. . rounds: the circle's last; None where nobody knows it.

        cosine: from the whole rate in the first round to nearly none in the last. step: a tenth from the middle on,
        a hundredth in the last quarter.
        """
        if self.schedule == CONSTANT or not rounds:
            return self.learning_rate
        passed = min(max(round_number - 1, 0) / rounds, 1.0)
        if self.schedule == COSINE:
            from math import cos, pi

            return self.learning_rate * (1 + cos(pi * passed)) / 2
        return self.learning_rate * (0.01 if passed >= 0.75 else 0.1 if passed >= 0.5 else 1.0)


NAMES: Final = tuple(field.name for field in fields(TrainingChoices))


def choices_of(spec: str, definition: Any, names: Collection[str] = NAMES) -> TrainingChoices:
    """What a task's attributes of these names say. Raises SetupError for what does not exist or is out of range."""
    said = {name: getattr(definition, name) for name in names if getattr(definition, name, None) is not None}
    if callable(said.get("loss")):
        said["loss"] = _as_loss(type(definition), said["loss"])
    try:
        return make_choices(said)
    except BadChoice as error:
        # Without a cause: it is the task's own fault, whatever data lie on this machine (node.learning.rehearsal).
        raise SetupError(f"{spec}: its {error}") from None


def make_choices(said: Mapping[str, Any]) -> TrainingChoices:
    """Checked. said: by name; what is left out is as by default. Raises BadChoice."""
    found = {name: check_choice(name, value) for name, value in said.items()}
    if found.get("optimizer", SGD) != SGD:
        found.setdefault("learning_rate", ADAM_LEARNING_RATE)
    if found.get("class_weights") is not None and found.get("loss") not in (None, CROSS_ENTROPY, BCE):
        raise BadChoice("class_weights are for the losses cross-entropy and bce: leave them out")
    return TrainingChoices(**found)


def check_choice(name: str, value: Any) -> Any:
    """One choice in its own type, from a number, a text or, of class weights, a sequence. Raises BadChoice."""
    if name == "loss" and callable(value):
        return value
    if name in _WORDS:
        if value not in _WORDS[name]:
            raise BadChoice(f"{name} is {_show(value)}: choose {', '.join(_WORDS[name])}")
        return value
    if name == "class_weights":
        return _check_weights(value)
    least, most, is_above = _RANGES[name]
    number = _read_number(name, value)
    if not isfinite(number) or not least <= number <= most or (is_above and number == least):
        above = "above " if is_above else "from "
        raise BadChoice(f"{name} is {_show(value)}: give a number {above}{least:g} to {most:g}")
    if name != "batch_size":
        return number
    if number != int(number):
        raise BadChoice(f"{name} is {_show(value)}: give a whole number")
    return int(number)


_WORDS: Final = {"loss": LOSSES, "optimizer": OPTIMIZERS, "schedule": SCHEDULES}
# Least, most, and whether the least itself is left out.
_RANGES: Final = {
    "epochs": (0, MOST_EPOCHS, True),
    "batch_size": (1, MOST_BATCH, False),
    "learning_rate": (0, 1e30, False),
    "momentum": (0, 0.9999, False),
    "weight_decay": (0, 1e6, False),
    "correction": (0, 1, False),
}


def _check_weights(value: Any) -> tuple[float, ...] | str:
    if value == BALANCED:
        return BALANCED
    parts = value.split(",") if isinstance(value, str) else value
    try:
        weights = tuple(float(part) for part in ((parts,) if isinstance(parts, int | float) else parts))
    except (TypeError, ValueError):
        weights = ()
    if not 1 <= len(weights) <= MOST_CLASSES or not all(isfinite(one) and 0 <= one <= 1e9 for one in weights):
        raise BadChoice(
            f"class_weights are {_show(value)}: give a number from 0 for each class, as 1,20, or {BALANCED}"
        )
    if not any(weights):
        raise BadChoice("class_weights are 0 for every class: give at least one of them some")
    return weights


def _read_number(name: str, value: Any) -> float:
    try:
        if isinstance(value, bool):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadChoice(f"{name} is {_show(value)}: give a number") from error


def _show(value: Any) -> str:
    return f"{value!r:.60}" if not isinstance(value, float) else f"{value:.12g}"


def _as_loss(kind: type, loss: OwnLoss) -> OwnLoss:
    """The class's own loss(self, outputs, y), or a function of two that stands in the class as it is."""
    plain = next((vars(one)["loss"] for one in kind.__mro__ if "loss" in vars(one)), None)
    if isfunction(plain) and len(_list_places(plain)) == 2:
        own: OwnLoss = plain
        return own
    return loss


def _list_places(function: Callable[..., Any]) -> list[Parameter]:
    """The parameters without a default that are given by their places."""
    places = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    found = signature(function).parameters.values()
    return [one for one in found if one.kind in places and one.default is Parameter.empty]
