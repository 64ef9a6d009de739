"""In ledger/, node/ and scripts/ a string stands under every field of a public dataclass, struct or protocol."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for room in ("ledger", "node", "scripts") for path in (ROOT / room).rglob("*.py"))
BASES = {"NamedTuple", "Protocol", "Struct", "TypedDict"}
FEWEST = 3


def find_unexplained(source: str) -> list[str]:
    """`Class.field` of each public field without a string under it, in classes of at least FEWEST."""
    return [
        f"{made.name}.{name}"
        for made in ast.walk(ast.parse(source))
        if isinstance(made, ast.ClassDef) and _has_fields(made) and not made.name.startswith("_")
        for name in _unexplained(made)
    ]


def _has_fields(made: ast.ClassDef) -> bool:
    decorators = {ast.unparse(one).partition("(")[0].rpartition(".")[2] for one in made.decorator_list}
    bases = {ast.unparse(one).partition("[")[0].rpartition(".")[2] for one in made.bases}
    return "dataclass" in decorators or bool(bases & BASES)


def _unexplained(made: ast.ClassDef) -> list[str]:
    fields = list(_fields(made))
    return [name for name, is_explained in fields if not is_explained] if len(fields) >= FEWEST else []


def _fields(made: ast.ClassDef) -> Iterator[tuple[str, bool]]:
    """Each public field, and whether a string that says something stands under it.

    A class variable of one rule says what the protocol `Rule` explains.
    """
    is_protocol = any(ast.unparse(one).endswith("Protocol") for one in made.bases)
    for statement, following in zip(made.body, [*made.body[1:], None], strict=True):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        name, is_variable = statement.target.id, "ClassVar" in ast.unparse(statement.annotation)
        if not name.startswith("_") and (is_protocol or not is_variable):
            yield name, _is_text(following)


def _is_text(statement: ast.stmt | None) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str) and bool(value.value.strip())


def test_each_field_is_explained_beneath_it() -> None:
    found = {str(path.relative_to(ROOT)): find_unexplained(path.read_text()) for path in MODULES}
    assert {path: fields for path, fields in found.items() if fields} == {}


@pytest.mark.parametrize(
    ("lines", "unexplained"),
    [
        (["@dataclass(frozen=True)", "class A:", "    x: int", "    y: int", "    z: int"], ["A.x", "A.y", "A.z"]),
        (["@dataclass", "class A:", "    x: int", "    'a'", "    y: int", "    z: int", "    'c'"], ["A.y"]),
        (
            ["@dataclasses.dataclass", "class A:", "    x: int", "    ''", "    y: int", "    z: int"],
            ["A.x", "A.y", "A.z"],
        ),
        (["class A(NamedTuple):", "    x: int", "    'a'", "    y: int", "    'b'", "    z: int"], ["A.z"]),
        (
            ["class A(msgspec.Struct, frozen=True):", "    x: int", "    y: int", "    z: int"],
            ["A.x", "A.y", "A.z"],
        ),
        (["class A(Protocol):", "    x: ClassVar[int]", "    y: int", "    z: int"], ["A.x", "A.y", "A.z"]),
        (["@dataclass", "class A:", "    x: ClassVar[int]", "    y: int", "    z: int"], []),
        (["@dataclass", "class A:", "    x: int", "    y: int"], []),
        (["@dataclass", "class _A:", "    x: int", "    y: int", "    z: int"], []),
        (["class A:", "    x: int", "    y: int", "    z: int"], []),
    ],
)
def test_what_is_unexplained_is_found(lines: list[str], unexplained: list[str]) -> None:
    assert find_unexplained("\n".join(lines)) == unexplained
