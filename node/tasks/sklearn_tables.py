"""Tasks on the small tables that scikit-learn installs, read without importing it.

That import costs every peer's process 1.7 CPU seconds and 80 MB, and the tables are all that is wanted of it.
"""

import gzip
import importlib.util
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ledger.errors import SetupError
from node.tasks.partition import Indices, partition

_LARGEST_BYTES = 4_000_000


def read_table(name: str, columns: int, header_lines: int = 0) -> npt.NDArray[np.float32]:
    """Read one comma-separated table, such as `digits.csv.gz`. Returns (rows, columns), float32.

    Raises SetupError where scikit-learn or the table is missing, damaged or of another width.
    """
    found = importlib.util.find_spec("sklearn")  # a top-level name is looked up without running the package
    folders = found.submodule_search_locations if found else None
    if not folders:
        raise SetupError(
            "scikit-learn is not installed, and this task's data comes with it: pip install scikit-learn"
        )
    path = Path(folders[0]) / "datasets" / "data" / name
    try:
        with gzip.open(path) if name.endswith(".gz") else path.open("rb") as stream:
            lines = stream.read(_LARGEST_BYTES).splitlines()[header_lines:]
        table = np.loadtxt(lines, np.float32, delimiter=",", ndmin=2)
    except (OSError, EOFError, ValueError) as error:
        raise SetupError(f"{path} cannot be read ({error}): reinstall scikit-learn") from error
    if table.shape[1] != columns:
        raise SetupError(f"{path} has {table.shape[1]} columns, not {columns}: install scikit-learn 1.5 or later")
    return table


def split_held_out(rows: int) -> tuple[Indices, Indices]:
    """Split rows into four fifths for training and a fifth for testing, the same for everyone and every seed."""
    order = np.argsort(np.random.Generator(np.random.PCG64(0)).random(rows), kind="stable")
    return np.sort(order[rows // 5 :]), np.sort(order[: rows // 5])


class TableTask(ABC):
    """A network on a peer's share of four fifths of a table; judged on the last fifth."""

    def __init__(
        self,
        features: npt.NDArray[np.float32],
        labels: npt.NDArray[np.int64],
        *,
        skew: float,
        seed: int,
        samples: int,
    ) -> None:
        """features: (rows, columns), as the network takes them. labels: (rows,)."""
        self.skew, self.seed, self.samples = skew, seed, samples
        self._features, self._labels = torch.from_numpy(features), labels
        self._train, self._test = split_held_out(len(labels))

    @abstractmethod
    def model(self) -> nn.Module:
        """The network, with random initial values."""

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        """One seat's share: features (n, columns), float32, and labels (n,), int64."""
        labels = self._labels[self._train]
        shares = partition(labels, seats=seats, samples=self.samples, skew=self.skew, seed=self.seed)
        own = self._train[shares[seat]]
        return self._features[own], torch.from_numpy(self._labels[own])

    def test_set(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The rows held out, shaped as data() is."""
        return self._features[self._test], torch.from_numpy(self._labels[self._test])
