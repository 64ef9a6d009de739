"""Where code and tests cite the rules of the norm, and the page that says so.

Code cites a rule by its number in a comment or a docstring, tests by `@pytest.mark.rule("R13")`, on a test or, as
`pytestmark`, for a whole module.
"""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from scripts.docs.protocol import NUMBER, is_within, rules

CODE: Final = ("contracts", "ledger", "node")
_CITED: Final = re.compile(rf"(?<![\w.]){NUMBER}(?!\w)")
_TOP: Final = """# Rules, code and tests

Where each rule of [the protocol](protocol.md) is kept, and which tests check it. A module cites a rule in a comment or
a docstring; a test carries it as a mark, so `pytest --rule R13` runs the tests of R13. This page is made by
`python -m scripts.docs`; a test fails where it is stale, or where a rule is cited by no module or checked by no test.

| Rule | | Code | Tests |
|---|---|---|---|
"""

Citations = Mapping[str, set[str]]
"""Rule number → paths, from the root, of what cites it."""
Where = Callable[[Path], Citations]


def of_code(root: Path) -> Citations:
    """What contracts, ledger and node cite."""
    found: dict[str, set[str]] = defaultdict(set)
    for folder in CODE:
        for path in sorted([*(root / folder).rglob("*.py"), *(root / folder).rglob("*.vy")]):
            remarks = _remarks(path.read_text()) if path.suffix == ".py" else [path.read_text()]
            for remark in remarks:
                for number in _CITED.findall(remark):
                    found[number].add(str(path.relative_to(root)))
    return found


def of_tests(root: Path) -> Citations:
    """What the tests' marks name."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted((root / "tests").rglob("test_*.py")):
        for number in _marked(ast.parse(path.read_text())):
            found[number].add(str(path.relative_to(root)))
    return found


def uncited(norm: str, citations: Citations) -> list[str]:
    """The rules of the norm that nothing cites. A citation of a part counts for its rule."""
    return [rule for rule in rules(norm) if not any(is_within(cited, rule) for cited in citations)]


def unknown(norm: str, citations: Citations) -> dict[str, set[str]]:
    """What is cited and stands nowhere in the norm."""
    known = rules(norm)
    return {number: set(paths) for number, paths in citations.items() if number not in known}


def page(norm: str, code: Citations, tests: Citations) -> str:
    """The whole page."""
    rows = []
    for number, heading in rules(norm).items():
        assert heading.rule is not None
        cells = [f"[{number}](protocol.md#{heading.anchor})", heading.rule[1]]
        cells += [_listed(citations.get(number, set())) for citations in (code, tests)]
        rows.append(f"| {' | '.join(cells)} |\n")
    return _TOP + "".join(rows)


def _listed(paths: set[str]) -> str:
    return ", ".join(f"`{path}`" for path in sorted(paths))


def _remarks(source: str) -> Iterator[str]:
    """A Python module's comments and docstrings."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(source)):
        # A docstring, or one under an attribute.
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.value.value


def _marked(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.rule":
            for argument in node.args:
                assert isinstance(argument, ast.Constant)
                yield str(argument.value)
