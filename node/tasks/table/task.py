"""The task `table`: one's own CSV or Parquet file, described by a schema that all members share.

    folkmoot deploy --task table --option schema=schema.json --peers 4
    folkmoot node --data patients.csv ...

Every peer trains on its own file, less the rows it holds out to measure on. A demo or a simulation has one file for
all: it is dealt, by an owner's column or by the usual skew, and all measure on the same held-out rows.
"""

import logging
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ledger.errors import SetupError, UsageError
from node.tasks.partition import partition
from node.tasks.table.dealing import Rows, deal_owners, sort_into_bands, split_held_out
from node.tasks.table.encoding import EncodedTable, encode_table, unscale_numbers
from node.tasks.table.merit import (
    compute_ap,
    compute_auc,
    compute_balanced_accuracy,
    compute_errors,
    compute_recall_at,
)
from node.tasks.table.raw import Numbers, RawTable, Texts
from node.tasks.table.reading import read_table
from node.tasks.table.schema import NUMBER, Schema, check_name, parse_whole_schema

LINEAR, MLP = "linear", "mlp"
_MOST_HIDDEN: Final = 8
_WIDEST: Final = 4096
_log = logging.getLogger(__name__)


class Table:
    """Tells classes apart, or foretells a number, by the columns of a table.

    schema: the text of the schema; on a founder's command line the file that holds it. target: as a check that the
    schema means the same. model: `mlp`, with the widths of its hidden layers, or `linear`. alarm_rate: the share of
    examples that may raise an alarm where recall is measured. held_out: the share of rows to measure on. group: a
    column whose rows of one value are held out together, such as a patient's number. dealt: the file is all peers',
    and each takes its share; by `owner`, a column, where it is named.
    """

    option_files = ("schema",)
    learning_rate = 0.05
    batch_size = 32

    def __init__(
        self,
        schema: str,
        target: str = "",
        model: str = MLP,
        hidden: str = "32",
        alarm_rate: float = 0.05,
        held_out: float = 0.2,
        group: str = "",
        owner: str = "",
        dealt: bool = False,
        skew: float = 0.0,
        seed: int = 0,
        samples: int = 1000,
        data: Path | None = None,
    ) -> None:
        self.schema = parse_whole_schema(schema)
        if target and target != self.schema.target:
            raise UsageError(f"target={target[:80]!r}, and the schema's target is {self.schema.target}: name that")
        self._hidden = _parse_hidden(model, hidden)
        for name, share in (("alarm_rate", alarm_rate), ("held_out", held_out)):
            if not 0 < share < 1:
                raise UsageError(f"{name} is {share:g}: give a number between 0 and 1")
        for name in (group, owner):
            if name:
                check_name(name, "a column's name in an option")
        self._alarm_rate, self._held_out = alarm_rate, held_out
        self._group, self._owner, self._dealt = group, owner, dealt or bool(owner)
        self._skew, self._seed, self._samples, self._path = skew, seed, samples, data
        self._class_weights: object = None
        column = self.schema.target_column
        self.classes = None if column.type == NUMBER else len(column.classes)
        self.loss = "mse" if column.type == NUMBER else None
        self.figures = _name_figures(self.classes, alarm_rate)

    @property
    def class_weights(self) -> object:
        """`balanced` by the schema's public shares, where it states them; else as it was set."""
        shares = self.schema.target_column.shares
        if self._class_weights == "balanced" and shares is not None:
            return tuple(1 / (len(shares) * share) for share in shares)
        return self._class_weights

    @class_weights.setter
    def class_weights(self, weights: object) -> None:
        self._class_weights = weights

    def model(self) -> nn.Module:
        """Linear layers with ReLU between them; a value a class, or one value."""
        widths = (self.schema.inputs, *self._hidden, self.classes or 1)
        layers: list[nn.Module] = []
        for wide, narrow in pairwise(widths):
            layers += [nn.Linear(wide, narrow), nn.ReLU()]
        return nn.Sequential(*layers[:-1])

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The rows of one peer, less those held out: x (n, inputs), float32, and y (n,), int64 or float32."""
        table, owners, train, _ = self._read()
        if not self._dealt:
            return _take(table, train)
        if self._owner:
            own = deal_owners([owners[row] for row in train], seats)[seat]
        else:
            bands = sort_into_bands(table.y[train])
            own = partition(bands, seats=seats, samples=self._samples, skew=self._skew, seed=self._seed)[seat]
        return _take(table, train[own])

    def check_data(self) -> None:
        """Raises SetupError where there is no file, or one that does not fit the schema."""
        self._read()

    def test_set(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The rows held out, shaped as data() is."""
        table, _, _, test = self._read()
        return _take(table, test)

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Figures that fit: of two classes how well the second is found, of more how many are told right, of a
        number by how much it is missed, in the target's own unit."""
        x, y = self.test_set()
        outputs, column = model(x), self.schema.target_column
        if self.classes is None:
            guesses = unscale_numbers(column, outputs.flatten().numpy())
            found = compute_errors(guesses, unscale_numbers(column, y.numpy()))
        else:
            labels, told = y.numpy(), outputs.argmax(1).numpy()
            found = {
                "accuracy": float((told == labels).mean()),
                "balanced_accuracy": compute_balanced_accuracy(told, labels),
            }
            if self.classes == 2:
                scores, truth = (outputs[:, 1] - outputs[:, 0]).double().numpy(), labels == 1
                found["auc"], found["ap"] = compute_auc(scores, truth), compute_ap(scores, truth)
                found[_name_recall(self._alarm_rate)] = compute_recall_at(scores, truth, self._alarm_rate)
        return {name: found[name] for name in self.figures}

    def _read(self) -> tuple[EncodedTable, Texts, Rows, Rows]:
        if self._path is None:
            # With a cause: a founder need not have data of its own.
            raise SetupError(
                "there is no table to train on: name your own, CSV or Parquet, with --data FILE"
            ) from FileNotFoundError("--data")
        try:
            told = self._path.stat()
        except OSError:
            raise SetupError(f"there is no file {self._path}: give the path of a table, CSV or Parquet") from None
        age = (told.st_mtime_ns, told.st_size)
        return _read_split(self._path, age, self.schema, self._held_out, self._group, self._owner)


@lru_cache(maxsize=2)
def _read_split(
    path: Path,
    age: tuple[int, int],  # noqa: ARG001
    schema: Schema,
    held_out: float,
    group: str,
    owner: str,
) -> tuple[EncodedTable, Texts, Rows, Rows]:
    """The encoded table, each row's owner, and the rows to train and to measure on. Read once, for all seats."""
    raw = read_table(path, {column.name for column in schema.columns} | {name for name in (group, owner) if name})
    table = encode_table(raw, schema)
    kept = np.isin(np.asarray(raw.lines, np.int64), table.lines)
    groups = _read_names(raw, group, "group", kept) if group else None
    owners = _read_names(raw, owner, "owner", kept) if owner else []
    train, test = split_held_out(table, held_out, groups)
    _log.info(
        "table read rows=%d held_out=%d without_target=%d cut_values=%d",
        len(table.y),
        len(test),
        table.without_target,
        sum(table.cut.values()),
    )
    return table, owners, train, test


def _read_names(raw: RawTable, name: str, option: str, kept: npt.NDArray[np.bool_]) -> Texts:
    if name not in raw.columns:
        raise SetupError(f"{raw.path} has no column {name}, which the option {option} names: name one of its own")
    values: Texts | Numbers = raw.columns[name]
    return [str(value) for value, is_kept in zip(values, kept, strict=True) if is_kept]


def _take(table: EncodedTable, rows: Rows) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(table.x[rows]), torch.from_numpy(table.y[rows])


def _parse_hidden(model: str, hidden: str) -> tuple[int, ...]:
    if model == LINEAR:
        return ()
    if model != MLP:
        raise UsageError(f"model is {model[:40]!r}: choose {LINEAR} or {MLP}")
    parts = hidden.split(",")
    if not 1 <= len(parts) <= _MOST_HIDDEN or not all(
        part.isascii() and part.isdigit() and 1 <= int(part[:9]) <= _WIDEST for part in parts
    ):
        raise UsageError(f"hidden is {hidden[:40]!r}: give 1 to {_MOST_HIDDEN} widths up to {_WIDEST}, as 64,32")
    return tuple(int(part[:9]) for part in parts)


def _name_recall(alarm_rate: float) -> str:
    return f"recall_at_{100 * alarm_rate:g}_percent"


def _name_figures(classes: int | None, alarm_rate: float) -> dict[str, str]:
    """The main figure first, each with which way is better."""
    if classes is None:
        return {"mae": "lower", "rmse": "lower", "r2": "higher"}
    if classes > 2:
        return {"accuracy": "higher", "balanced_accuracy": "higher"}
    return dict.fromkeys(("auc", _name_recall(alarm_rate), "ap", "accuracy"), "higher")
