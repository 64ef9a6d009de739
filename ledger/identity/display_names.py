"""What a seat calls itself: how it is written on chain, what of it may be shown, which names look alike (R16.2).

A name proves nothing. Whatever shows one shows it beside the seat's number and address.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import Final

from ledger.identity.look_alikes import LOOK_ALIKES

NAME_MAX: Final = 32
"""Characters."""
_PUNCTUATION: Final = frozenset("-._'&+ ")
_DIGITS: Final = frozenset("0123456789")
_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_MARKS_IN_A_ROW: Final = 2
# Letters and marks that leave nothing to see, look like punctuation, or strike out others.
_REFUSED: Final = frozenset(
    (
        *range(0x01C0, 0x01C4),
        *range(0x0334, 0x0339),
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0),
        *range(0x180B, 0x1810),
        *range(0xFE00, 0xFE10),
        *range(0xE0100, 0xE01F0),
    )
)
# How the names of a script's letters begin → what the script is called.
_SCRIPTS: Final = {
    "ARABIC": "Arabic",
    "ARMENIAN": "Armenian",
    "BENGALI": "Bengali",
    "BOPOMOFO": "Bopomofo",
    "CYRILLIC": "Cyrillic",
    "DEVANAGARI": "Devanagari",
    "ETHIOPIC": "Ethiopic",
    "GEORGIAN": "Georgian",
    "GREEK": "Greek",
    "GUJARATI": "Gujarati",
    "GURMUKHI": "Gurmukhi",
    "HANGUL": "Hangul",
    "HEBREW": "Hebrew",
    "HIRAGANA": "Hiragana",
    "KANNADA": "Kannada",
    "KATAKANA": "Katakana",
    "KHMER": "Khmer",
    "LAO": "Lao",
    "LATIN": "Latin",
    "MALAYALAM": "Malayalam",
    "MYANMAR": "Myanmar",
    "ORIYA": "Oriya",
    "SINHALA": "Sinhala",
    "TAMIL": "Tamil",
    "TELUGU": "Telugu",
    "THAANA": "Thaana",
    "THAI": "Thai",
    "TIBETAN": "Tibetan",
    "CJK": "Han",
    "IDEOGRAPHIC": "Han",
    # The mark that lengthens a vowel is of both kana.
    "KATAKANA-HIRAGANA": "Katakana",
}
_EAST_ASIAN: Final = frozenset(("Han", "Hiragana", "Katakana", "Bopomofo", "Hangul"))
_UNMARKED: Final = _EAST_ASIAN | {"Latin"}
_ADDRESS: Final = re.compile(r"[0o]x[0-9a-f]{2}")
# Letters that are read as digits where digits are expected count as such.
_SEAT: Final = re.compile(r"seats?[^a-z0-9]*([0-9]|[lio]+(?![a-z0-9]))|[0-9][^a-z0-9]*seats?(?![a-z0-9])")


class NotAName(ValueError):
    """A text may not be shown as what a seat calls itself."""


def spell_name(name: str) -> str:
    """As it stands on chain, without `name=`. Raises NotAName unless it may be shown."""
    check_name(name)
    return _spell(name)


def _spell(name: str) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in name.encode())


def _unspell(spelled: str) -> bytes:
    """Raises ValueError for what is none."""
    first, *escaped = spelled.encode("ascii").split(b"%")
    return first + b"".join(bytes([int(part[:2], 16)]) + part[2:] for part in escaped)


@lru_cache(maxsize=4096)
def find_name(spelled: str) -> str | None:
    """The name that stands on chain so; None where that is none which may be shown."""
    try:
        name = _unspell(spelled).decode()
        check_name(name)
    except ValueError:
        return None
    # [REJECT] R16.2: one name is written in one way.
    return name if _spell(name) == spelled else None


def tidy_name(typed: str) -> str:
    """What a person typed, with the spaces and the forms of letters that a name has."""
    return " ".join(unicodedata.normalize("NFKC", typed).replace("’", "'").split())


def check_name(name: str) -> None:
    """Raises NotAName with the reason why a name may not be shown."""
    if not 1 <= len(name) <= NAME_MAX:
        raise NotAName(f"it has {len(name)} characters, and 1 to {NAME_MAX} are allowed")
    if unicodedata.normalize("NFKC", name) != name:
        raise NotAName("it has letters in forms that stand for others")
    for letter in name:
        if not _is_allowed(letter):
            raise NotAName(f"{_describe(letter)} has no place in a name")
    if "  " in name or name != name.strip(" "):
        raise NotAName("it has spaces at an end, or two in a row")
    _check_marks(name)
    _check_scripts(name)
    _check_impostor(name)


def _is_allowed(letter: str) -> bool:
    if letter in _PUNCTUATION or letter in _DIGITS:
        return True
    kind = unicodedata.category(letter)
    return (kind.startswith("L") or kind in ("Mn", "Mc")) and ord(letter) not in _REFUSED


def _describe(letter: str) -> str:
    return f"U+{ord(letter):04X} ({unicodedata.name(letter, 'without a name').lower()})"


def _check_marks(name: str) -> None:
    kinds = [unicodedata.category(letter) for letter in name]
    if not kinds[0].startswith("L") and name[0] not in _DIGITS:
        raise NotAName("it begins with neither a letter nor a digit")
    if not any(kind.startswith("L") for kind in kinds):
        raise NotAName("it has no letter")
    row = 0
    for before, kind in pairwise(kinds):
        if kind.startswith("M") and before[0] not in "LM":
            raise NotAName("it has a mark that stands on no letter")
        row = row + 1 if kind == "Mn" else 0
        if row > _MARKS_IN_A_ROW:
            raise NotAName(f"it has more than {_MARKS_IN_A_ROW} marks in a row")


def _check_scripts(name: str) -> None:
    for word in _split_words(name):
        scripts = {script for script in map(_find_script, word) if script}
        if len(scripts) > 1 and not scripts <= _EAST_ASIAN:
            raise NotAName(f"one word has letters of several scripts: {', '.join(sorted(scripts))}")
    directions = {unicodedata.bidirectional(letter) for letter in name}
    if directions & {"R", "AL"} and directions & {"L", "EN", "AN"}:
        raise NotAName("it has letters that run from right to left, and also digits or letters that do not")


def _split_words(name: str) -> list[str]:
    return "".join(" " if letter in _PUNCTUATION else letter for letter in name).split()


def _find_script(letter: str) -> str:
    """What the script of a letter is called; empty for digits and for marks of no script of their own."""
    if letter in _PUNCTUATION or letter in _DIGITS:
        return ""
    begins = unicodedata.name(letter, "").split(" ", 1)[0]
    if begins == "COMBINING" and unicodedata.category(letter) == "Mn":
        return ""
    script = _SCRIPTS.get(begins)
    if script is None:
        raise NotAName(f"{_describe(letter)} is of no script that names are written in")
    return script


def _check_impostor(name: str) -> None:
    likeness = _find_likeness(name)
    for word in _split_words(likeness):
        if _ADDRESS.match(word) and any(letter in _DIGITS for letter in word):
            raise NotAName("it looks like an address")
    if _SEAT.search(likeness):
        raise NotAName("it looks like a seat's number")


def _find_likeness(name: str) -> str:
    """What a name looks like: case folded, without accents, in ASCII where it could be taken for that."""
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())
    return "".join(letter for letter in folded if not 0x300 <= ord(letter) <= 0x36F).translate(LOOK_ALIKES)


@lru_cache(maxsize=4096)
def make_skeleton(name: str) -> str:
    """The same for two names that a person could take for one another; to compare, and never to show."""
    likeness = _find_likeness(name).translate(str.maketrans("1i0", "llo"))
    for seen, meant in (("rn", "m"), ("vv", "w"), ("cl", "d")):
        likeness = likeness.replace(seen, meant)
    return "".join(letter for letter in likeness if letter not in _PUNCTUATION)


def list_scripts(name: str) -> list[str]:
    """The scripts of a name that are told beside it: not Latin, whose letters most read, nor those of East Asia."""
    return sorted({script for script in map(_find_script, name) if script} - _UNMARKED)
