"""What tasks of grey 28 × 28 images in ten classes share: two small networks, and how they are measured."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

Bytes = npt.NDArray[np.uint8]
Examples = tuple[Bytes, npt.NDArray[np.int64]]  # images (n, 28, 28) or (n, 784), and their labels (n,)

CLASSES = 10
_EVALUATED_AT_ONCE = 1_000  # images: what the first layer of the convolutional network makes of them fills 25 MB


def make_perceptron() -> nn.Module:
    """784-128-10, 101,770 parameters. Takes images (n, 784), float32."""
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, CLASSES))


def make_convolutional() -> nn.Module:
    """Two convolutions of 3 × 3 with 8 and 64 channels, 36,122 parameters. Takes images (n, 784), float32.

    Among nine layouts of 20,000 to 60,000 parameters the one that learned most in six epochs of 1,000 images
    (.78; with a hidden layer behind the convolutions .67 to .74). Pooling comes before the ReLU: the same values,
    for a quarter of the work.
    """
    return nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)),
        nn.Conv2d(1, 8, 3, padding=1),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(8, 64, 3, padding=1),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64 * 7 * 7, CLASSES),
    )


class GreyImages(ABC):
    """A perceptron on a peer's share of a set of images.

    mean, deviation: public constants of the data set, of all its training pixels on a scale of 0..1.
    """

    classes = CLASSES
    mean: ClassVar[float]
    deviation: ClassVar[float]

    def __init__(self, skew: float = 0.0, seed: int = 0, samples: int = 1000) -> None:
        self.skew, self.seed, self.samples = skew, seed, samples

    @abstractmethod
    def share(self, seat: int, seats: int) -> Examples:
        """The images of one seat, as bytes."""

    @property
    @abstractmethod
    def held_out(self) -> Examples:
        """The test images, as bytes (a quarter of their float32 size), in random order."""

    def model(self) -> nn.Module:
        return make_perceptron()

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The share of one seat: standardised images (n, 784), float32, and labels (n,), int64."""
        images, labels = self.share(seat, seats)
        return self._pixels(images), torch.from_numpy(labels)

    def test_set(self) -> tuple[torch.Tensor, torch.Tensor]:
        """What evaluate() measures on, shaped as data() is."""
        images, labels = self.held_out
        return self._pixels(images), torch.from_numpy(labels)

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        images, labels = self.held_out
        right = 0
        for start in range(0, len(labels), _EVALUATED_AT_ONCE):
            some = slice(start, start + _EVALUATED_AT_ONCE)
            right += int((model(self._pixels(images[some])).argmax(1).numpy() == labels[some]).sum())
        return {"accuracy": right / len(labels)}

    def _pixels(self, images: Bytes) -> torch.Tensor:
        """Standardise images. Returns (n, 784), float32."""
        flat = torch.from_numpy(images.reshape(len(images), 784).astype(np.float32))
        return flat.div_(255.0 * self.deviation).sub_(self.mean / self.deviation)
