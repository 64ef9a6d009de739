"""scikit-learn's linear models and small networks, trained by their own partial_fit, as tasks of a circle.

What is averaged are arrays of fixed shape: `coef_` and `intercept_`, or `coefs_` and `intercepts_`. Trees, forests,
boosting, neighbours and kernel machines have none: what they learn has another shape for every peer.
"""

import warnings
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ledger.errors import SetupError

_SINGLE: Final = ("coef_", "intercept_")
_LAYERS: Final = ("coefs_", "intercepts_")


class FittedModel(nn.Module):
    """The arrays of an estimator as parameters, float64; it answers as the estimator does."""

    def __init__(self, estimator: Any, features: int, classes: int | None) -> None:
        """estimator: unfitted. classes: how many; None for regression. Raises SetupError for what has no arrays."""
        super().__init__()
        self._estimator, self._features, self._classes = estimator, features, classes
        for name, values in find_arrays(self._begin()).items():
            # A linear model starts from zero, whatever its look at zeros made of it.
            first = np.zeros_like(values) if name in _SINGLE else values.copy()
            self.register_parameter(name, nn.Parameter(torch.from_numpy(first)))

    def _begin(self, seed: int | None = None) -> Any:
        """A new estimator that knows its shapes: it has seen zeros. seed: of what it draws; None leaves its own."""
        from sklearn.base import clone

        begun = clone(self._estimator)
        if seed is not None and "random_state" in begun.get_params():
            begun.set_params(random_state=seed % 2**32)
        if not hasattr(begun, "partial_fit"):
            raise _no_average(begun)
        labels = np.arange(self._classes or 1)
        told = {} if self._classes is None else {"classes": labels}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # so few examples are no batch
            begun.partial_fit(np.zeros((len(labels), self._features)), labels, **told)
        return begun

    def make_estimator(self, seed: int | None = None) -> Any:
        """A fitted estimator with this model's arrays, for predict() and all else of scikit-learn."""
        begun = self._begin(seed)
        for name, values in find_arrays(begun).items():
            values[...] = self.get_parameter(name).detach().cpu().numpy()
        return begun

    @torch.no_grad()
    def take(self, estimator: Any) -> None:
        """Take an estimator's arrays."""
        for name, values in find_arrays(estimator).items():
            self.get_parameter(name).copy_(torch.from_numpy(np.ascontiguousarray(values)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, features) to (n, classes), higher where likelier, or to (n,) of a regression; without gradients."""
        estimator, examples = self.make_estimator(), x.detach().cpu().double().numpy()
        if self._classes is None:
            return torch.from_numpy(estimator.predict(examples))
        if not hasattr(estimator, "decision_function"):
            return torch.from_numpy(estimator.predict_proba(examples))
        scores = torch.from_numpy(estimator.decision_function(examples))
        return torch.stack([-scores, scores], 1) if scores.ndim == 1 else scores


class PartialFit:
    """A task whose model is an estimator's. A subclass says `estimator()`, `data()` and `evaluate()`.

    The peers' arrays are averaged, so all begin alike: give an estimator that draws its first weights, such as
    MLPClassifier, a random_state.
    """

    features: int
    """Columns of x."""
    classes: int | None = None
    """How many, numbered from 0; None for regression."""
    epochs: int = 1
    """Passes of partial_fit in a round."""

    def estimator(self) -> Any:
        """An unfitted estimator with partial_fit."""
        raise NotImplementedError

    def model(self) -> nn.Module:
        """The estimator's arrays."""
        return FittedModel(self.estimator(), self.features, self.classes)

    def train(self, model: FittedModel, data: Any, *, round: int, seed: int) -> None:
        """Passes of partial_fit over the peer's examples, in place."""
        x, y = (np.asarray(part) for part in data)
        estimator = model.make_estimator(seed)
        # A schedule of the learning rate goes on where the round before left off.
        if hasattr(estimator, "t_") and hasattr(estimator, "coef_"):
            estimator.t_ = 1.0 + (round - 1) * self.epochs * len(y)
        for number in range(self.epochs):
            order = np.random.default_rng([seed, number]).permutation(len(y))
            estimator.partial_fit(x[order], y[order])
        model.take(estimator)


def find_arrays(estimator: Any) -> dict[str, npt.NDArray[np.float64]]:
    """An estimator's arrays themselves, by names that a state_dict takes. Raises SetupError where it has others."""
    found = dict(_name_arrays(estimator))
    others = ["averaged weights"] if estimator.get_params().get("average") else []
    others += [
        name
        for name, value in vars(estimator).items()
        if name.endswith("_")
        and not name.startswith("_")
        and name not in (*_SINGLE, *_LAYERS)
        and _is_learnt(value)
    ]
    if not found or others:
        raise _no_average(estimator, others)
    return found


def _name_arrays(estimator: Any) -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
    for name in _SINGLE:
        if isinstance(values := getattr(estimator, name, None), np.ndarray):
            yield name, values
    for name in _LAYERS:
        for number, values in enumerate(getattr(estimator, name, None) or ()):
            yield f"{name}{number}", values


def _is_learnt(value: Any) -> bool:
    """Whether an attribute holds real numbers that came of the data: class numbers and counts are none."""
    return isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.floating)


def _no_average(estimator: Any, others: list[str] | None = None) -> SetupError:
    kind = type(estimator).__name__
    why = f"keeps {others[0]} besides" if others else "learns no arrays of a fixed shape"
    return SetupError(
        f"a {kind} cannot be averaged, as it {why}: take SGDClassifier, SGDRegressor, Perceptron, MLPClassifier or"
        " MLPRegressor, or write the model in torch"
    )
