"""A folder of texts that went wrong ends in a sentence."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.errors import SetupError
from node.tasks.text import reading
from node.tasks.text.reading import find_owners, find_texts, read_texts


def write(path: Path, content: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_texts_are_found_in_the_order_of_their_names_and_nothing_else_is(tmp_path: Path) -> None:
    for name in ("b.txt", "a/2.TXT", "a/1.txt", "a/notes.md", ".hidden.txt", ".git/x.txt"):
        write(tmp_path / name, "x")

    assert [path.relative_to(tmp_path).as_posix() for path in find_texts(tmp_path)] == [
        "a/1.txt",
        "a/2.TXT",
        "b.txt",
    ]


def test_each_folder_or_else_each_text_has_an_owner(tmp_path: Path) -> None:
    for name in ("x/1.txt", "x/deep/2.txt", "y/1.txt"):
        write(tmp_path / "people" / name, "x")
    write(tmp_path / "alone" / "a.txt", "x")

    assert {owner: len(paths) for owner, paths in find_owners(tmp_path / "people").items()} == {"x": 2, "y": 1}
    assert list(find_owners(tmp_path / "alone")) == ["a.txt"]


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_texts_are_read_as_their_marks_say(tmp_path: Path, coding: str) -> None:
    assert read_texts([write(tmp_path / "a.txt", "Grüße".encode(coding))]) == ["Grüße"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: folder / "missing", "is no folder"),
        (lambda folder: write(folder / "a.md", "x").parent, "holds no texts"),
        (lambda folder: write(folder / "a.txt", "Grüße".encode("latin-1")).parent, "is not UTF-8 .at byte 2"),
        (lambda folder: write(folder / "a.txt", b"a\0b").parent, "holds NUL"),
        (lambda folder: write(folder / "a.txt", b"x" * 101).parent, "more than 100 bytes"),
        (lambda folder: os.mkfifo(folder / "a.txt") or folder, "cannot be read"),
    ],
)
def test_what_is_no_text_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], Path], said: str
) -> None:
    monkeypatch.setattr(reading, "MOST_FILE_BYTES", 100)

    with pytest.raises(SetupError, match=said):
        read_texts(find_texts(spoil(tmp_path)))


def test_all_texts_together_have_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 15)
    for name in ("a.txt", "b.txt"):
        write(tmp_path / name, "x" * 10)

    with pytest.raises(SetupError, match=r"b\.txt have more than 15 bytes"):
        read_texts(find_texts(tmp_path))


def test_a_text_beside_folders_has_no_owner_and_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "x" / "1.txt", "x")
    write(tmp_path / "stray.txt", "x")

    with pytest.raises(SetupError, match=r"stray\.txt lies beside folders"):
        find_owners(tmp_path)
