"""Predict the next character of program text: a small transformer on the source of Python's standard library.

The text is that of the modules which every installation of Python carries, some 4 million characters of code and
English; nothing is downloaded. Another release of Python has slightly other text. The alphabet is fixed, so the
model's layout is the same everywhere; and data are each peer's own affair anyway. Measured figures are comparable
within one release.
"""

import sysconfig
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ledger.errors import SetupError, UsageError
from node.tasks.partition import Indices, partition
from node.tasks.training_choices import BadChoice, check_choice
from node.tasks.transformer import Transformer, adam_steps

# The alphabet: line feed, then the printable ASCII characters from the blank on. All others are read as "?".
SYMBOLS = 96
_SYMBOL_OF = bytes(max(code - 31, 0) if code == 10 or 32 <= code < 127 else ord("?") - 31 for code in range(256))

_LARGEST_MODULE_BYTES, _LARGEST_TEXT_BYTES, _FEWEST_SYMBOLS = 1_000_000, 8_000_000, 1_000_000
_MOST_STEPS = 10_000
_STRETCH = 32  # windows: what is held out are whole passages, every tenth of this length

Symbols = npt.NDArray[np.uint8]


def read_text(folder: Path) -> Symbols:
    """The modules `folder/[a-z]*.py` one after another, in order of their names. Returns (n,), uint8 below 96.

    Modules beginning with an underscore are left out, as some hold paths of the machine they were built on.
    Raises SetupError where there are fewer than a million characters.
    """
    parts, total = [], 0
    for path in sorted(folder.glob("[a-z]*.py")):
        try:
            with path.open("rb") as stream:
                source = stream.read(_LARGEST_MODULE_BYTES)
        except OSError as error:
            raise SetupError(f"{path} cannot be read ({error}): make it readable") from error
        text = source.decode("utf-8", "replace").replace("\r\n", "\n").replace("\t", "    ")
        parts.append(text.encode("ascii", "replace").translate(_SYMBOL_OF))
        total += len(parts[-1])
        if total > _LARGEST_TEXT_BYTES:
            break
    if total < _FEWEST_SYMBOLS:
        raise SetupError(
            f"{folder} holds {total:,} characters of Python modules, and this task wants"
            f" {_FEWEST_SYMBOLS:,}: use a Python whose standard library is installed as source files"
        )
    return np.frombuffer(b"".join(parts)[:_LARGEST_TEXT_BYTES], np.uint8)


class PythonCode:
    """A transformer of a million parameters on a peer's share of windows of text; judged on passages held out.

    An example is a window of `context` characters and the same window one character on. A round is `steps` steps of
    Adam on batches drawn from the peer's windows, so its cost does not depend on `samples`. Adam's moments start
    anew each round: nothing but the model passes from one to the next. A subclass may set any of the attributes.
    """

    classes = SYMBOLS
    width: ClassVar[int] = 160
    depth: ClassVar[int] = 3
    heads: ClassVar[int] = 4
    context: ClassVar[int] = 64
    learning_rate: float = 1e-3
    batch_size: int = 16
    steps: int = 16
    judged: ClassVar[int] = 128  # windows that evaluate() measures on

    def __init__(
        self,
        skew: float = 0.0,
        seed: int = 0,
        samples: int = 1000,
        learning_rate: float | None = None,
        batch_size: int | None = None,
        steps: int | None = None,
    ) -> None:
        """learning_rate, batch_size, steps: in place of the class's. Raises UsageError outside their ranges."""
        self.skew, self.seed, self.samples = skew, seed, samples
        try:
            self.learning_rate = check_choice(
                "learning_rate", self.learning_rate if learning_rate is None else learning_rate
            )
            self.batch_size = check_choice("batch_size", self.batch_size if batch_size is None else batch_size)
        except BadChoice as error:
            raise UsageError(f"option {error}") from error
        self.steps = self.steps if steps is None else steps
        if not 1 <= self.steps <= _MOST_STEPS:
            raise UsageError(f"option steps is {self.steps}: give a number from 1 to {_MOST_STEPS}")

    def model(self) -> nn.Module:
        return Transformer(SYMBOLS, self.context, self.width, self.depth, self.heads)

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        """One seat's windows: characters (n, context) and those that follow them (n, context), int64.

        Where skew draws apart: the text is cut into as many contiguous regions as there are seats, and each seat
        is at home in one. With skew 1 a peer knows other modules than the rest.
        """
        windows, (train, _) = self._windows, self._split
        regions = np.arange(len(train)) * seats // len(train)
        shares = partition(regions, seats=seats, samples=self.samples, skew=self.skew, seed=self.seed)
        return _shifted(windows[train[shares[seat]]])

    def test_set(self) -> tuple[torch.Tensor, torch.Tensor]:
        """All windows held out, in random order and shaped as data() is; evaluate() takes the first `judged`."""
        return _shifted(self._windows[self._split[1]])

    def train(
        self,
        model: nn.Module,
        data: tuple[torch.Tensor, torch.Tensor],
        *,
        round: int,  # noqa: ARG002
        seed: int,
        privacy: Any = None,
    ) -> None:
        """`steps` steps of Adam, in place, on the device that the model is on; with privacy, its steps instead."""
        if privacy is not None:
            privacy.sgd(model, compute_losses, data)
            return
        x, y = data
        generator = torch.Generator().manual_seed(seed)
        rows = torch.randint(len(x), (self.steps, self.batch_size), generator=generator)
        adam_steps(model, ((x[batch], y[batch]) for batch in rows), self.learning_rate)

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Bits a character, and how often the likeliest next character is the one that follows (0..1)."""
        chosen = self._split[1][: self.judged]
        x, y = _shifted(self._windows[chosen])
        device = next(model.parameters()).device
        nats, right = 0.0, 0
        for start in range(0, len(x), 64):
            some = slice(start, start + 64)
            outputs, target = model(x[some].to(device)).flatten(0, 1), y[some].to(device).flatten()
            nats += float(nn.functional.cross_entropy(outputs, target, reduction="sum"))
            right += int((outputs.argmax(1) == target).sum())
        return {"accuracy": right / y.numel(), "bits_per_character": nats / y.numel() / float(np.log(2))}

    @cached_property
    def _windows(self) -> Symbols:
        """All windows that fit the text, (n, context + 1), one after another."""
        text = read_text(Path(sysconfig.get_path("stdlib")))
        length = self.context + 1
        return text[: len(text) // length * length].reshape(-1, length)

    @cached_property
    def _split(self) -> tuple[Indices, Indices]:
        """Windows to train on, in order of the text, and those held out, in random order; alike for every seed."""
        windows = np.arange(len(self._windows))
        is_held_out = windows // _STRETCH % 10 == 9
        test = windows[is_held_out]
        order = np.argsort(np.random.Generator(np.random.PCG64(0)).random(len(test)), kind="stable")
        return windows[~is_held_out], test[order]


class LargePythonCode(PythonCode):
    """The same text, and a transformer of ten million parameters on it: a size for measuring codecs and rules."""

    width = 384
    depth = 6
    heads = 6
    learning_rate = 5e-4
    steps = 8


def compute_losses(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Each window's cross-entropy, the mean over its places, (n,)."""
    return nn.functional.cross_entropy(model(x).mT, y, reduction="none").mean(1)


def _shifted(windows: Symbols) -> tuple[torch.Tensor, torch.Tensor]:
    whole = torch.from_numpy(windows.astype(np.int64))
    return whole[:, :-1], whole[:, 1:]
