"""The single faults that `scripts/mutation` puts into the code, and which of them are drawn.

cosmic-ray makes them (its operators, and two of our own: a statement that does something is left out, and one operand
of `and` or `or`). Left out are annotations, what is written into logs and messages, and decorators.
"""

import ast
import hashlib
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Subject:
    """A part of the code, and the tests that answer for it."""

    name: str
    """Unique."""
    sources: tuple[str, ...]
    """Paths from the root."""
    tests: tuple[str, ...]
    """Paths from the root."""
    options: tuple[str, ...]
    """Of pytest."""


@dataclass(frozen=True)
class Mutant:
    """One fault."""

    name: str
    """Of its place and kind, whatever else the file holds."""
    subject: str
    """Name of the part of the code."""
    path: str
    """From the root."""
    operator: str
    """Cosmic Ray's name of what is changed how."""
    occurrence: int
    """Which of the operator's places in the module, from 0."""
    line: int
    """From 1."""
    within: str
    """The definition that it lies in, or `module`."""
    source: str
    """Hash of the module, without comments and docstrings."""


def subjects() -> dict[str, Subject]:
    """From scripts/mutation/subjects.toml. Raises SystemExit where a glob finds nothing."""
    found = {}
    for name, of in configuration().items():
        if isinstance(of, dict) and name != "moved":
            sources, tests = _files(of["sources"]), _files(of["tests"])
            found[name] = Subject(name, sources, tests, tuple(of.get("options", ())))
    return found


def configuration() -> dict[str, Any]:
    return tomllib.loads((ROOT / "scripts" / "mutation" / "subjects.toml").read_text())


def _files(globs: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for glob in globs:
        paths = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(glob))
        if not paths:
            raise SystemExit(f"scripts/mutation/subjects.toml: {glob} finds no file")
        found |= dict.fromkeys(path for path in paths if not path.endswith("/__init__.py"))
    return tuple(found)


def sample(chosen: Iterable[str]) -> list[Mutant]:
    """The mutants drawn of all, of these subjects."""
    chosen_by, everything = configuration(), list(_mutants())
    rank = {
        mutant.name: hashlib.sha256(f"{chosen_by['seed']} {mutant.name}".encode()).digest() for mutant in everything
    }
    drawn = sorted(everything, key=lambda mutant: rank[mutant.name])[: chosen_by["sample"]]
    return [mutant for mutant in drawn if mutant.subject in set(chosen)]


def _mutants() -> Iterator[Mutant]:
    for subject in subjects().values():
        for path in subject.sources:
            yield from _mutants_of(subject.name, path)


def _mutants_of(subject: str, path: str) -> Iterator[Mutant]:
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.ast.ast_query import ASTQuery

    code, named = (ROOT / path).read_text(), configuration()["moved"].get(path, path)
    lines, left_out, source = code.split("\n"), _left_out(code), source_hash(code)
    tree, alike = get_ast(code), Counter[str]()
    for name, operator in operators().items():
        places = ((node, start) for node in ast_nodes(tree) for start, _end in operator.mutation_positions(node))
        for occurrence, (node, (line, column)) in enumerate(places):
            if any(first <= (line, column) < last for first, last in left_out):
                continue
            within = ASTQuery(node).get_definition_name() or "module"
            place = f"{named} {within} {name} {lines[line - 1].strip()}"
            alike[place] += 1
            digest = hash_of(f"{place} {alike[place]}")[:10]
            yield Mutant(digest, subject, path, name, occurrence, line, within, source)


def _left_out(code: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Spans (line, column) of annotations, f-strings, decorators and log calls."""
    found: list[ast.AST] = []
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                found += [*node.decorator_list, *([node.returns] if node.returns else [])]
            case ast.ClassDef():
                found += node.decorator_list
            case ast.arg() | ast.AnnAssign() if node.annotation is not None:
                found.append(node.annotation)
            case ast.JoinedStr():
                found.append(node)
            case ast.Expr(ast.Call(ast.Attribute(ast.Name("_log")))):
                found.append(node)
            case ast.Assign(value=ast.Subscript()) if isinstance(node.targets[0], ast.Name):
                if node.targets[0].id[0].isupper():
                    found.append(node)  # a type's name
    return [_span(node) for node in found]


def _span(node: ast.AST) -> tuple[tuple[int, int], tuple[int, int]]:
    assert isinstance(node, ast.expr | ast.stmt)
    return (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)


@cache
def operators() -> dict[str, Any]:
    """Name → operator."""
    import parso
    from cosmic_ray.operators.operator import Operator
    from cosmic_ray.plugins import get_operator

    class DropOperand(Operator):
        """`a or b` → `a`, and `b`."""

        def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
            if node.type in ("and_test", "or_test"):
                for operand in node.children[::2]:
                    yield operand.start_pos, operand.end_pos

        def mutate(self, node: Any, index: int) -> Any:
            operands = [child.get_code() for child in node.children[::2]]
            del operands[index]
            word = node.children[1].get_code()
            return parso.parse(" " + word.join(operands) + " ")

        @classmethod
        def examples(cls) -> tuple[()]:
            return ()

    class DropStatement(Operator):
        """A call, a raise, or an assignment to something that stays is left out."""

        def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
            if node.type == "simple_stmt" and self._does_something(node.children[0]):
                yield node.children[0].start_pos, node.children[0].end_pos

        @staticmethod
        def _does_something(statement: Any) -> bool:
            parent = statement.parent.parent
            is_in_function = parent.type == "suite" and statement.parent.get_previous_sibling() is not None
            if not is_in_function:
                return False
            if statement.type == "expr_stmt":
                target, operator = statement.children[0], statement.children[1]
                is_augmented = operator.type == "operator" and operator.value != "="
                return is_augmented or target.type in ("atom_expr", "power")
            return statement.type in ("atom_expr", "power", "raise_stmt", "del_stmt")

        def mutate(self, node: Any, _index: int) -> Any:
            before = node.children[0].get_first_leaf().prefix
            node.children[0] = parso.parse(f"{before}pass")
            return node

        @classmethod
        def examples(cls) -> tuple[()]:
            return ()

    made = {name: get_operator(f"core/{name}")() for name in configuration()["operators"]}
    return made | {"DropOperand": DropOperand(), "DropStatement": DropStatement()}


def mutated(mutant: Mutant, folder: Path) -> tuple[str, str]:
    """The module's code in a copy of the sources, before and after."""
    from cosmic_ray.mutating import mutate_code

    before = (folder / mutant.path).read_text()
    after = mutate_code(before, operators()[mutant.operator], mutant.occurrence)
    assert after is not None, mutant
    return before, after


def source_hash(code: str) -> str:
    """Of a module without comments, docstrings, the order of imports and the modules of ours that it imports from."""
    tree = _Undocumented().visit(ast.parse(code))
    emptied: list[Any] = [node for node in ast.walk(tree) if getattr(node, "body", None) == []]
    for node in emptied:
        node.body = [ast.Pass()]
    is_import = [isinstance(one, ast.Import | ast.ImportFrom) for one in tree.body]
    imports = sorted(ast.unparse(one) for one, is_one in zip(tree.body, is_import, strict=True) if is_one)
    tree.body = [one for one, is_one in zip(tree.body, is_import, strict=True) if not is_one]
    return hash_of("\n".join([*imports, ast.unparse(tree)]))


class _Undocumented(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> list[ast.AST]:
        is_ours = (node.module or "").partition(".")[0] in ("ledger", "node")
        return [ast.ImportFrom("ours" if is_ours else node.module, [name], node.level) for name in node.names]


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
