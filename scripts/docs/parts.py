"""Which parts of docs/ a script makes, what they ought to be, and which of them are not."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scripts.docs import audit_schema, citations, decisions, protocol, tested

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"
_MADE: Final = "(made by `python -m scripts.docs`)"


def stale() -> dict[Path, str]:
    """What each file that differs ought to hold."""
    return {path: text for path, text in made() if not path.exists() or path.read_text() != text}


def made() -> Iterator[tuple[Path, str]]:
    """Each file with a part made here, and what it ought to hold."""
    norm = protocol.PATH.read_text()
    yield protocol.PATH, with_part(norm, "contents", protocol.contents(norm))
    yield DOCS / "rules.md", citations.page(norm, citations.of_code(ROOT), citations.of_tests(ROOT))
    yield DOCS / "tests.md", tested.page(ROOT)
    yield decisions.INDEX, decisions.index()
    yield DOCS / "audit-report.schema.json", audit_schema.make_schema()


def with_part(text: str, name: str, part: str) -> str:
    """The text with another part between its marks. Raises ValueError where it has no such marks."""
    first, last = f"<!-- {name}: {_MADE} -->\n", f"<!-- end of {name} -->\n"
    found = re.search(rf"(?<={re.escape(first)}).*(?={re.escape(last)})", text, re.DOTALL)
    if found is None:
        raise ValueError(f"no part {name!r}")
    return f"{text[: found.start()]}\n{part}\n{text[found.end() :]}"
