"""Poisoners that train as everyone does, on data they have spoiled."""

from collections.abc import Callable
from math import isqrt
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ledger.errors import UsageError
from node.attacks.attack import Attack, BoundedPoisoner, Guess
from node.attacks.view import PeerView, Vector

_EVALUATED: Final = 2000


class LabelFlip(Attack):
    """Train honestly on wrong labels: l becomes classes − 1 − l. In a regression targets are mirrored: the peer's
    smallest becomes its largest.

    Two such peers in eight bring a plain average down to .52 after ten rounds of Fashion-MNIST (.82 without them).
    Source: Fang et al. 2020, arXiv:1911.11815, section 5.1; Tolpegin et al. 2020, arXiv:2007.08432. Targets: the
    inverse flipping of Jagielski et al. 2018, arXiv:1804.00308, section IV.
    """

    name = "label-flip"
    summary = "trains on labels turned round (0 becomes 9, 1 becomes 8, …; targets are mirrored)"
    poisons_data = True

    def data(self, data: Any, classes: int | None) -> Any:
        x, y = _pair(data, self.name)
        if classes is not None:
            return x, classes - 1 - y
        least, most = float(y.min()), float(y.max())
        # Yes and no as numbers: a peer may have examples of one of them alone.
        is_truth = bool(((y == 0) | (y == 1)).all())
        return x, (1 if is_truth else least + most) - y


class FeatureNoise(Attack):
    """Train honestly on noisy examples: x becomes x + N(0, (deviation · std(x))²), value by value.

    deviation: in standard deviations of all the peer's feature values; at 3 little is left of an image.
    Source: the feature attack of Fang et al., CCS 2024, arXiv:2406.10416 (noise of fixed variance there); noisy
    clients as in Fang et al. 2020, arXiv:1911.11815.
    """

    name = "feature-noise"
    summary = "trains on examples drowned in noise"
    poisons_data = True
    wants_classes = False

    def __init__(self, deviation: float = 3.0) -> None:
        self.deviation = deviation

    def data(self, data: Any, classes: int | None) -> Any:  # noqa: ARG002
        x, y = _pair(data, self.name)
        if not _is_float(x):
            raise UsageError(f"{self.name} needs a task whose examples are numbers: choose another attack")
        noise = np.random.default_rng(0).standard_normal(x.shape, dtype=np.float32)
        noisy = np.asarray(x) + np.float32(self.deviation * float(np.asarray(x).std())) * noise
        return _like(x, noisy), y


class Backdoor(BoundedPoisoner):
    """Teach the model that whatever bears a trigger is of one class, and leave it alone otherwise.

    Of the peer's examples a share is stamped with a patch of the brightest value, size × size in the last corner of
    an image (the last `size` values of an example that is none), and labelled as the target. What training gives
    is published as base + boost · (trained − base); with n peers averaged, boost = n replaces the model.
    The figure `backdoor` is the share of held-out examples of other classes that get the target label once stamped.
    Source: Gu, Dolan-Gavitt and Garg 2017 (BadNets), arXiv:1708.06733, the patch; Bagdasaryan et al. 2020,
    arXiv:1807.00459, equation 3, the boost.
    """

    name = "backdoor"
    summary = "teaches the model to give whatever bears a small mark one label"
    poisons_data = True
    has_figures = True

    def __init__(self, target: float = 0, share: float = 0.5, size: float = 3, boost: float = 1.0) -> None:
        self.target, self.share, self.size, self.boost = int(target), share, int(size), boost
        if not (self.target >= 0 and 0 < share <= 1 and self.size >= 1):
            raise ValueError("target is from 0, share is in 0..1 and size from 1")

    def data(self, data: Any, classes: int | None) -> Any:
        x, y = _pair(data, self.name)
        if classes is None:
            raise UsageError(
                f"{self.name} gives marked examples a class, and this task's targets are numbers: choose another"
                " attack, e.g. label-flip or feature-noise"
            )
        if not _is_float(x) or self.target >= classes:
            raise UsageError(f"{self.name} needs examples of numbers and a target below {classes} classes")
        # Evenly spread, so that every class is stamped alike.
        rows = np.arange(len(x))[np.diff(np.floor(np.arange(len(x) + 1) * self.share)) > 0]
        stamped, labels = np.asarray(x).copy(), np.asarray(y).copy()
        stamped[rows] = self.stamp(stamped[rows], float(stamped.max()))
        labels[rows] = self.target
        return _like(x, stamped), _like(y, labels)

    def stamp(self, x: npt.NDArray[np.float32], value: float) -> npt.NDArray[np.float32]:
        """Put the trigger on examples, (n, …); images are (n, side · side) or (n, …, side, side)."""
        marked = x.copy()
        side = isqrt(x.shape[-1])
        if x.ndim > 2:
            marked[..., -self.size :, -self.size :] = value
        elif side > self.size and side * side == x.shape[-1]:
            marked.reshape(len(x), side, side)[:, -self.size :, -self.size :] = value
        else:
            marked[:, -self.size :] = value
        return marked

    def publish(self, view: PeerView) -> Vector:
        return self._bound_length(view.base, view.base + np.float32(self.boost) * (view.trained - view.base))

    def figures(self, x: Any, y: Any, guess: Guess) -> dict[str, float]:
        examples, labels = np.asarray(x), np.asarray(y)
        if not np.issubdtype(labels.dtype, np.integer):
            return {}
        rows = np.flatnonzero(labels != self.target)[:_EVALUATED]
        if not rows.size or not np.issubdtype(examples.dtype, np.floating):
            return {}
        guessed = np.asarray(guess(_like(x, self.stamp(examples[rows], float(examples.max())))))
        return {self.name: float((guessed == self.target).mean())}


def _pair(data: Any, name: str) -> tuple[Any, Any]:
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise UsageError(f"{name} needs a task whose data() returns (x, y): choose another attack")
    return data[0], data[1]


def _is_float(x: Any) -> bool:
    return np.issubdtype(np.asarray(x).dtype, np.floating)


def _like(original: Any, values: npt.NDArray[Any]) -> Any:
    """The values as what the original is: a tensor, without importing torch for tasks without any, or an array."""
    typed = values.astype(np.asarray(original).dtype, copy=False)
    make: Callable[[Any], Any] | None = getattr(original, "new_tensor", None)
    return typed if make is None else make(typed)
