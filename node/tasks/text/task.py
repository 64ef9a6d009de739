"""The task `text`: the next word, or the next byte, of texts of one's own, as a keyboard suggests it.

    folkmoot deploy --task text --option words=2000 --peers 4
    folkmoot node --task text --data letters/ ...

Every peer trains on the files `*.txt` of its own folder, less the end of them, on which it measures. A demo or a
simulation has one folder for all (`dealt`): each folder in it, or each file where there is none, is
somebody's, and whole owners are dealt to the seats.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import exp
from pathlib import Path
from typing import ClassVar, Final, Literal

import numpy as np
import torch
from torch import nn

from ledger.errors import SetupError, UsageError
from node.tasks.owners import deal_owners
from node.tasks.text.networks import NETWORKS
from node.tasks.text.reading import find_owners, find_texts, read_texts
from node.tasks.text.vocabulary import END, UNKNOWN, Symbols, Vocabulary, make_vocabulary

MOST_CONTEXT: Final = 256
WIDEST: Final = 1024
_SUGGESTED: Final = 3
_MOST_JUDGED: Final = 500  # windows
_JUDGED_AT_ONCE: Final = 64
_log = logging.getLogger(__name__)


class Text:
    """Weighs every symbol of a public vocabulary for the next one.

    unit: word or byte. words: how many of the list are known, the commonest first; any other word is `unknown`.
    word_list: words, the commonest first; on a founder's command line the file that holds them, which goes into the
    manifest; empty for the English list that ships. network: see node.tasks.text.networks. width: of its layers.
    context: symbols of a window. held_out: the share of each owner's text, its end, to measure on. dealt: the
    folder is all peers'.
    """

    option_files = ("word_list",)
    figures: ClassVar = {"top3_accuracy": "higher", "accuracy": "higher", "perplexity": "lower"}
    optimizer = "adam"
    learning_rate = 0.003
    batch_size = 16

    def __init__(
        self,
        unit: Literal["word", "byte"] = "word",
        words: int = 2000,
        word_list: str = "",
        network: Literal["lstm", "transformer"] = "lstm",
        width: int = 64,
        context: int = 16,
        held_out: float = 0.1,
        dealt: bool = False,
        seed: int = 0,
        samples: int = 1000,
        data: Path | None = None,
    ) -> None:
        self.vocabulary = make_vocabulary(unit, words, word_list)
        self.classes = self.vocabulary.size
        for name, number, most in (("width", width, WIDEST), ("context", context, MOST_CONTEXT)):
            if not 1 <= number <= most:
                raise UsageError(f"{name} is {number}: give a number from 1 to {most}")
        if not 0 < held_out < 1:
            raise UsageError(f"held_out is {held_out:g}: give a number between 0 and 1")
        self._network, self._width, self._context = network, width, context
        self._held_out, self._dealt = held_out, dealt
        self._seed, self._samples, self._folder = seed, samples, data
        self._seats = 1

    def model(self) -> nn.Module:
        return NETWORKS[self._network](self.vocabulary.size, self._context, self._width)

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        """One peer's windows: symbols (n, context) and those that follow them (n, context), int64.

        All of its own folder; of one that is dealt `samples`, drawn by the seed.
        """
        self._seats = seats
        train = [part.train for part in self._parts(seat)]
        windows = np.concatenate([_cut(symbols, self._context) for symbols in train])
        if not len(windows):
            raise SetupError(
                f"{self._folder}: the texts of seat {seat} hold no {self._context + 1} symbols in a row to train"
                " on: give more text, or a smaller context"
            )
        if self._dealt and len(windows) > self._samples:
            drawn = np.random.Generator(np.random.PCG64([self._seed, seat])).random(len(windows))
            windows = windows[np.sort(np.argsort(drawn, kind="stable")[: self._samples])]
        return _shift(windows)

    def check_data(self) -> None:
        """Raises SetupError where there is no text, or too little to train or to measure on."""
        if not self._dealt:
            self.data(0, 1)
        self._judged(None)

    @torch.no_grad()
    def evaluate(self, model: nn.Module, seat: int | None = None) -> dict[str, float]:
        """How often the next word is among the first three suggested, and is the first (0..1); perplexity.

        Measured on the end of the seat's own texts, of everybody's where it is nobody's model. `unknown` and a
        sentence's end are never suggested; an unknown word counts as missed, and a sentence's end is not asked
        for. Perplexity is that of all symbols.
        """
        x, y = self._judged(seat)
        device = next(model.parameters()).device
        nats, asked, first, among = 0.0, 0, 0, 0
        lowest = self.vocabulary.suggested_from
        for start in range(0, len(x), _JUDGED_AT_ONCE):
            some = slice(start, start + _JUDGED_AT_ONCE)
            logits, target = model(x[some].to(device)).flatten(0, 1), y[some].to(device).flatten()
            nats += float(nn.functional.cross_entropy(logits, target, reduction="sum"))
            is_asked = target != END if self.vocabulary.words else target >= 0
            best = logits[is_asked][:, lowest:].topk(_SUGGESTED, 1).indices + lowest
            is_right = best == target[is_asked][:, None]
            asked += len(best)
            first += int(is_right[:, 0].sum())
            among += int(is_right.sum())
        return {
            "top3_accuracy": among / max(asked, 1),
            "accuracy": first / max(asked, 1),
            "perplexity": exp(min(nats / y.numel(), 700.0)),
        }

    def _judged(self, seat: int | None) -> tuple[torch.Tensor, torch.Tensor]:
        """The windows to measure on, shaped as data() is."""
        judged = [_cut(part.test, self._context) for part in self._parts(seat)]
        x, y = _shift(_thin(np.concatenate(judged), _MOST_JUDGED))
        if not len(x):
            raise SetupError(
                f"{self._folder}: too little text is held out to measure on: give more, or hold out more"
            )
        return x, y

    def _parts(self, seat: int | None) -> "list[OwnedText]":
        """The texts of a seat's owners; everybody's where it is None."""
        if self._folder is None:
            raise SetupError("there is no text to train on: name a folder of your own texts with --data FOLDER")
        read = _read_owners(self._folder, self._dealt, self.vocabulary, self._held_out)
        if not self._dealt or seat is None or seat >= self._seats:
            return list(read.values())
        sizes = {owner: len(text.train) for owner, text in read.items()}
        return [read[owner] for owner in deal_owners(sizes, self._seats)[seat]]


@dataclass(frozen=True)
class OwnedText:
    """One owner's texts, one after another in the order of their names."""

    train: Symbols
    """All but the end, (n,)."""
    test: Symbols
    """The end, (n,)."""


@lru_cache(maxsize=2)
def _read_owners(folder: Path, is_dealt: bool, vocabulary: Vocabulary, held_out: float) -> dict[str, OwnedText]:
    """Read once, for all seats."""
    owners = find_owners(folder) if is_dealt else {"": find_texts(folder)}
    found = {}
    for owner, paths in owners.items():
        symbols = vocabulary.encode(read_texts(paths))
        end = len(symbols) - int(len(symbols) * held_out)
        found[owner] = OwnedText(symbols[:end], symbols[end:])
    _log.info(
        "texts read files=%d owners=%d symbols=%d unknown=%.3f",
        sum(map(len, owners.values())),
        len(owners),
        sum(len(text.train) + len(text.test) for text in found.values()),
        _share_of_unknown(found.values(), vocabulary),
    )
    return found


def _share_of_unknown(texts: Iterable[OwnedText], vocabulary: Vocabulary) -> float:
    if not vocabulary.words:
        return 0.0
    known = np.concatenate([text.train for text in texts])
    return float((known == UNKNOWN).mean()) if len(known) else 0.0


def _cut(symbols: Symbols, context: int) -> Symbols:
    """The windows of a text, (n, context + 1), each from the last symbol of the one before."""
    count = max(len(symbols) - 1, 0) // context
    starts = np.arange(count)[:, None] * context
    windows: Symbols = symbols[starts + np.arange(context + 1)]
    return windows


def _thin(windows: Symbols, most: int) -> Symbols:
    """At most so many, evenly spaced."""
    if len(windows) <= most:
        return windows
    return windows[np.arange(most) * len(windows) // most]


def _shift(windows: Symbols) -> tuple[torch.Tensor, torch.Tensor]:
    whole = torch.from_numpy(windows.astype(np.int64))
    return whole[:, :-1], whole[:, 1:]
