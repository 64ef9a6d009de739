"""A folder of texts, read with caution: one's own, but an export gone wrong must end in a sentence."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ledger.errors import SetupError
from ledger.files import opened_regular

SUFFIX: Final = ".txt"
MOST_FILES: Final = 20_000
MOST_DEPTH: Final = 8
MOST_FILE_BYTES: Final = 64 << 20
MOST_BYTES: Final = 256 << 20

_MARKS: Final = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))


def find_texts(folder: Path) -> list[Path]:
    """The files `*.txt` in a folder and in those below it, in the order of their names.

    Links to folders are not followed, and names that begin with a point are left out. Raises SetupError.
    """
    if not folder.is_dir():
        raise SetupError(f"{folder} is no folder: give one that holds texts, files {SUFFIX}")
    found: list[Path] = []
    for place, below, names in os.walk(folder, onerror=_refuse):
        depth = len(Path(place).relative_to(folder).parts)
        below[:] = sorted(name for name in below if not name.startswith(".")) if depth < MOST_DEPTH else []
        found += [Path(place, name) for name in names if _is_text(name)]
        if len(found) > MOST_FILES:
            raise SetupError(f"{folder} holds more than {MOST_FILES:,} texts: join some")
    if not found:
        raise SetupError(f"{folder} holds no texts: put files into it whose names end in {SUFFIX}")
    return sorted(found, key=lambda path: path.relative_to(folder).parts)


def find_owners(folder: Path) -> dict[str, list[Path]]:
    """The texts of each owner, by name: of each folder in this one, or, where there is none, each text by itself.

    Raises SetupError.
    """
    texts = find_texts(folder)
    inside = [path.relative_to(folder).parts for path in texts]
    is_below = [len(parts) > 1 for parts in inside]
    if any(is_below) and not all(is_below):
        loose = texts[is_below.index(False)]
        raise SetupError(f"{loose} lies beside folders of texts: put it into the folder of whoever wrote it")
    owners: dict[str, list[Path]] = {}
    for path, parts in zip(texts, inside, strict=True):
        owners.setdefault(parts[0], []).append(path)
    return owners


def read_texts(paths: Sequence[Path]) -> list[str]:
    """The texts of some files: UTF-8, or UTF-16 that says so. Raises SetupError."""
    found, left = [], MOST_BYTES
    for path in paths:
        held = _read(path)
        left -= len(held)
        if left < 0:
            raise SetupError(f"the texts up to {path} have more than {MOST_BYTES:,} bytes: leave some out")
        found.append(_decode(path, held))
    return found


def _read(path: Path) -> bytes:
    try:
        with opened_regular(path) as stream:
            held = stream.read(MOST_FILE_BYTES + 1)
    except OSError as error:
        raise SetupError(
            f"{path} cannot be read ({error.strerror}): make it a readable file, or move it"
        ) from error
    if len(held) > MOST_FILE_BYTES:
        raise SetupError(f"{path} has more than {MOST_FILE_BYTES:,} bytes: cut it into several texts")
    return held


def _decode(path: Path, held: bytes) -> str:
    coding = next((name for mark, name in _MARKS if held.startswith(mark)), "utf-8")
    try:
        text = held.decode(coding)
    except UnicodeDecodeError as error:
        raise SetupError(
            f"{path} is not UTF-8 (at byte {error.start}): save it as UTF-8, e.g. with"
            f" `iconv -f WINDOWS-1252 -t UTF-8`"
        ) from error
    if "\0" in text:
        raise SetupError(f"{path} holds NUL, so it is no text: move it out of the folder")
    return text


def _is_text(name: str) -> bool:
    return name.lower().endswith(SUFFIX) and not name.startswith(".")


def _refuse(error: OSError) -> None:
    raise SetupError(f"{error.filename} cannot be read ({error.strerror}): make it readable, or move it") from error
