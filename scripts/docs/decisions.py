"""The index of decisions: each page's number, title and status, read from its first lines."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "decisions"
INDEX: Final = FOLDER / "README.md"
_PAGE: Final = re.compile(r"# (\d{4}) (.+)\n\nStatus: (.+)\.\n\n")
_LINK: Final = r"\[(\d{4})\]\((\d{4}-[a-z0-9-]+\.md)\)"
_STATUS: Final = re.compile(rf"accepted(; in part superseded by {_LINK}( and {_LINK})*)?|superseded by {_LINK}")
_TOP: Final = """# Decisions

Why it is so: one short page for each decision. What is decided is not changed later but superseded by another page; the
page itself stays, with the figures of its time. This list is made by `python -m scripts.docs`.

| No. | Decision | Status |
|---|---|---|
"""


@dataclass(frozen=True)
class Decision:
    """One page under docs/decisions."""

    path: Path
    """The page."""
    number: str
    """Four digits, as the file's name begins."""
    title: str
    """Its heading without the number."""
    status: str
    """`accepted`, or what supersedes it."""


def decisions() -> list[Decision]:
    """All of them, by number. Raises ValueError where a page does not begin as it should."""
    return [_read(path) for path in sorted(FOLDER.glob("[0-9]*.md"))]


def index() -> str:
    """The page that lists them."""
    return _TOP + "".join(
        f"| [{one.number}]({one.path.name}) | {one.title} | {one.status} |\n" for one in decisions()
    )


def _read(path: Path) -> Decision:
    begin = _PAGE.match(path.read_text())
    if begin is None or begin[1] != path.name[:4]:
        raise ValueError(f"{path.name} does not begin with its number, its title and a line 'Status: …'")
    number, title, status = begin.groups()
    if _STATUS.fullmatch(status) is None:
        raise ValueError(f"{path.name}: the status is neither 'accepted' nor 'superseded by' another page")
    for said, name in re.findall(_LINK, status):
        if not name.startswith(said) or not (FOLDER / name).exists() or said <= number:
            raise ValueError(f"{path.name}: {said} is no later page")
    return Decision(path, number, title, status)
