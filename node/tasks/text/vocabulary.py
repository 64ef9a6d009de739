"""Which symbols a text is made of: public, so that nobody's vocabulary says what somebody wrote.

A vocabulary learnt from members' texts would tell the words that they use, names and numbers among them; and
members who learnt different ones would have different models. So it comes from outside: the 4,000 commonest English
words, which ship, a list of the founder's own, which stands in the manifest, or bytes. Hashing words into so many
buckets would need no list, but nobody can turn a bucket back into the word to suggest (docs/decisions/0049).
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from typing import Final

import numpy as np
import numpy.typing as npt

from ledger.errors import UsageError

Symbols = npt.NDArray[np.int32]

WORD, BYTE = "word", "byte"
UNKNOWN, END = 0, 1
"""What stands for any other word, and for the end of a sentence or a text."""
_SPECIAL: Final = 2
ENGLISH_WORDS: Final = 4000
FEWEST_WORDS, MOST_WORDS = 10, 4000
LONGEST_WORD: Final = 40

_TOKEN: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+(?:[.,:]\d+)*|[.!?…]+")
_BYTES: Final = 256


@dataclass(frozen=True)
class Vocabulary:
    """Symbols of one unit."""

    words: tuple[str, ...]
    """Symbol 2 and those behind it, the commonest first; empty where the unit is the byte."""

    @property
    def size(self) -> int:
        """How many symbols there are."""
        return _SPECIAL + len(self.words) if self.words else _BYTES

    @property
    def suggested_from(self) -> int:
        """The first symbol that may be suggested as the next: no word is called `unknown`."""
        return _SPECIAL if self.words else 0

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words, start=_SPECIAL)}

    def encode(self, texts: Sequence[str]) -> Symbols:
        """Some texts as one sequence of symbols, (n,), int32, the end of each marked."""
        if not self.words:
            return np.frombuffer("\n".join([*texts, ""]).encode(), np.uint8).astype(np.int32)
        numbers, symbols = self._numbers, list[int]()
        for text in texts:
            start = len(symbols)
            for token in _TOKEN.findall(normalise(text)):
                if token[0] not in ".!?…":
                    symbols.append(numbers.get(token, UNKNOWN))
                elif len(symbols) > start and symbols[-1] != END:
                    symbols.append(END)
            if len(symbols) > start and symbols[-1] != END:
                symbols.append(END)
        return np.array(symbols, np.int32)


def normalise(text: str) -> str:
    """Small letters, composed, with one kind of apostrophe."""
    return unicodedata.normalize("NFC", text).lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")


def make_vocabulary(unit: str, words: int, word_list: str) -> Vocabulary:
    """words: how many of the list are used, the first ones. word_list: a founder's own; empty for the English one.

    Raises UsageError.
    """
    if unit == BYTE:
        if word_list:
            raise UsageError("word_list goes with unit=word: leave one of them out")
        return Vocabulary(())
    if unit != WORD:
        raise UsageError(f"unit is {unit[:40]!r}: choose {WORD} or {BYTE}")
    if not FEWEST_WORDS <= words <= MOST_WORDS:
        raise UsageError(f"words is {words}: give a number from {FEWEST_WORDS} to {MOST_WORDS}")
    known = parse_word_list(word_list) if word_list else read_english_words()
    if word_list and len(known) < FEWEST_WORDS:
        raise UsageError(f"word_list has {len(known)} words: give at least {FEWEST_WORDS}, the commonest first")
    return Vocabulary(known[:words])


def parse_word_list(text: str) -> tuple[str, ...]:
    """The words of a list, separated by white space. Raises UsageError for what is no word, or is there twice."""
    words = tuple(normalise(text).split())
    for word in words:
        if len(word) > LONGEST_WORD or not (found := _TOKEN.fullmatch(word)) or found[0][0] in ".!?…":
            raise UsageError(f"word_list holds {word[:LONGEST_WORD]!r}, which is no word: give words alone")
    if len(set(words)) < len(words):
        twice = next(word for place, word in enumerate(words) if word in words[:place])
        raise UsageError(f"word_list holds {twice!r} twice: give each word once")
    return words


@lru_cache(maxsize=1)
def read_english_words() -> tuple[str, ...]:
    """The 4,000 commonest English words, the commonest first; english.notice.txt says where they come from."""
    return tuple(resources.files(__package__).joinpath("english.txt").read_text("utf-8").split())
