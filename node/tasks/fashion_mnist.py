"""Fashion-MNIST: 70,000 grey 28 × 28 images of clothes in ten classes, and two small networks for them.

Source: Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747. The files are those of the Debian package
`dataset-fashion-mnist`; nothing is downloaded.
"""

import gzip
import os
import struct
import zlib
from functools import cached_property
from pathlib import Path

import numpy as np
from torch import nn

from ledger.errors import SetupError
from node.tasks.images import Bytes, Examples, GreyImages, make_convolutional
from node.tasks.partition import partition

DIRECTORY_VARIABLE = "FOLKMOOT_FASHION_MNIST"
DEBIAN_DIRECTORY = Path("/usr/share/datasets/fashion-mnist")
TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
_FILES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)


def find_directory() -> Path:
    """Where the four files lie: the named directory, else Debian's."""
    return Path(os.environ.get(DIRECTORY_VARIABLE) or DEBIAN_DIRECTORY)


def is_installed() -> bool:
    """Whether all four files are there."""
    return all((find_directory() / name).is_file() for name in _FILES)


def read_idx(path: Path, item_shape: tuple[int, ...], limit: int) -> Bytes:
    """Read the first `limit` items of a gzipped idx file, decompressing no more than those.

    Returns (min(limit, items), *item_shape), uint8. Raises SetupError where the file is missing, cut short, or its
    header tells of other items than expected; the sizes in the header are checked before anything is allocated.
    """
    dimensions = 1 + len(item_shape)
    try:
        with gzip.open(path) as stream:
            header = stream.read(4 + 4 * dimensions)
            magic, items, *shape = struct.unpack(f">{1 + dimensions}I", header)
            # idx: two zero bytes, 8 for unsigned bytes, the number of dimensions.
            if magic != 0x0800 + dimensions or tuple(shape) != item_shape:
                raise SetupError(f"{path} holds items of shape {tuple(shape)}, not {item_shape}: replace the file")
            wanted = min(limit, items, 70_000)
            body = stream.read(wanted * int(np.prod(item_shape, dtype=np.int64)))
    except FileNotFoundError:
        raise _not_installed(path) from None
    except (OSError, EOFError, struct.error, zlib.error) as error:
        raise SetupError(f"{path} is damaged or unreadable ({error}): replace the file") from error
    if len(body) != wanted * int(np.prod(item_shape, dtype=np.int64)):
        raise SetupError(f"{path} ends after {len(body)} bytes of items: replace the file")
    return np.frombuffer(body, np.uint8).reshape(wanted, *item_shape)


def _not_installed(path: Path) -> SetupError:
    return SetupError(
        f"Fashion-MNIST is not installed ({path} is missing): install the Debian package dataset-fashion-mnist,"
        f" or put the four idx .gz files in a directory named by {DIRECTORY_VARIABLE}"
    )


class FashionMnist(GreyImages):
    """A 784-128-10 network on a peer's share of the training images; judged on the 10,000 test images."""

    mean, deviation = 0.2860, 0.3530

    def __init__(self, skew: float = 0.0, seed: int = 0, samples: int = 1000) -> None:
        if not is_installed():
            raise _not_installed(find_directory())
        super().__init__(skew, seed, samples)

    def share(self, seat: int, seats: int) -> Examples:
        """The images (samples, 28, 28) and labels of one seat.

        The files are in random order, so the split is over a prefix: twice what all seats need leaves room for
        any skew, and a peer need not decompress the rest.
        """
        labels = read_idx(find_directory() / TRAIN_LABELS, (), 2 * seats * self.samples)
        shares = partition(labels, seats=seats, samples=self.samples, skew=self.skew, seed=self.seed)
        own = shares[seat]
        images = read_idx(find_directory() / TRAIN_IMAGES, (28, 28), int(own[-1]) + 1)
        return images[own], labels[own].astype(np.int64)

    @cached_property
    def held_out(self) -> Examples:
        """The test images and their labels; read when first needed."""
        labels = read_idx(find_directory() / TEST_LABELS, (), 10_000)
        return read_idx(find_directory() / TEST_IMAGES, (28, 28), 10_000), labels.astype(np.int64)


class FashionMnistCnn(FashionMnist):
    """The same images, and a small convolutional network on them."""

    def model(self) -> nn.Module:
        return make_convolutional()
