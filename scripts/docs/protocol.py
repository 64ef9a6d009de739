"""The norm as data: its sections, its rules, and the table of contents at its top."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PATH: Final = Path(__file__).resolve().parents[2] / "docs" / "protocol.md"
NUMBER: Final = r"R\d+(?:\.\d+[a-z]?|[a-z])?"
_HEADING: Final = re.compile(r"^(#{2,4}) (.+)$", re.MULTILINE)
_RULE: Final = re.compile(rf"({NUMBER})\. (.+)")


@dataclass(frozen=True)
class Heading:
    """A heading of the norm below its title."""

    level: int
    """2 for a section, 3 for a rule, 4 for a part of one."""
    text: str
    """Without the signs that make it a heading."""

    @property
    def anchor(self) -> str:
        """What a link to it ends in, on the site and where Markdown is shown as GitHub does."""
        return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", self.text.lower()))

    @property
    def rule(self) -> tuple[str, str] | None:
        """(number, title) where a rule or a part of one begins here."""
        found = _RULE.fullmatch(self.text)
        return (found[1], found[2]) if found else None


def headings(text: str) -> list[Heading]:
    """All headings of the norm, in its order."""
    return [Heading(len(found[1]), found[2]) for found in _HEADING.finditer(text)]


def rules(text: str) -> dict[str, Heading]:
    """Each rule and part of a rule by its number, in the norm's order. Raises ValueError where a number is there twice."""
    found: dict[str, Heading] = {}
    for heading in headings(text):
        if heading.rule is not None:
            number, _ = heading.rule
            if number in found:
                raise ValueError(f"{PATH.name} has {number} twice")
            found[number] = heading
    return found


def is_within(number: str, rule: str) -> bool:
    """R3.5a is within R3.5a and R3, not within R3.5."""
    return number == rule or number.startswith(f"{rule}.")


def contents(text: str) -> str:
    """The table of contents, as a Markdown list: sections, their rules, and these rules' parts."""
    lines: list[str] = []
    for heading in headings(text):
        if heading.level == 2:
            lines.append(f"- [{heading.text}](#{heading.anchor})")
        elif heading.level == 3:
            lines.append(f"    - [{heading.text}](#{heading.anchor})")
        elif heading.rule is not None:
            separator = ", " if lines[-1].endswith(")") and ": [" in lines[-1] else ": "
            number, title = heading.rule
            lines[-1] += f"{separator}[{number} {_lowered(title)}](#{heading.anchor})"
    return "\n".join(lines) + "\n"


def _lowered(title: str) -> str:
    return title[0].lower() + title[1:]
