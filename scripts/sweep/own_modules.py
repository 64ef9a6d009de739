"""Our own modules as syntax: what each binds and imports, what a name in it stands for, and whether loading it acts.

What a name stands for is written `package.module:name`, with more dots for attributes; a builtin's is its name.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

Import = ast.Import | ast.ImportFrom
Function = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
# What may be called on our constants without changing them, and the builtins that change what they are given.
_LOOKING: Final = ("items", "keys", "values")
_CHANGING: Final = ("next", "setattr", "delattr")


@dataclass(frozen=True)
class Place:
    """A top-level name of one of our modules."""

    module: str
    """Its dotted name."""
    name: str = ""
    """Empty for the whole module, in its order."""


@dataclass(frozen=True)
class Module:
    """One of our modules."""

    name: str
    """Dotted."""
    source: bytes
    """The file's bytes."""
    packages: tuple[str, ...]
    """All of ours."""

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @cached_property
    def body(self) -> list[ast.stmt]:
        """Its statements but for imports, docstrings, `__all__`, and what only type checkers read."""
        return [one for one in self.tree.body if not _says_nothing(one)]

    @cached_property
    def statements(self) -> dict[str, list[ast.stmt]]:
        """Name → the statements that bind it, in their order."""
        found: dict[str, list[ast.stmt]] = {}
        for statement in self.body:
            for name in dict.fromkeys(bound(statement)):
                found.setdefault(name, []).append(statement)
        return found

    @cached_property
    def imports(self) -> dict[str, str]:
        """Name → what it stands for, of the imports outside functions."""
        return imports_among(one for statement in self.tree.body for one in loaded(statement))

    @cached_property
    def needs(self) -> list[str]:
        """What it imports anywhere, and the packages in which that lies."""
        names: list[str] = []
        for one in ast.walk(self.tree):
            if isinstance(one, ast.Import):
                names += [alias.name for alias in one.names]
            elif isinstance(one, ast.ImportFrom):
                names += [f"{one.module}.{alias.name}" for alias in one.names]
        parts = [name.split(".") for name in names]
        return sorted({".".join(part[:length]) for part in parts for length in range(1, len(part) + 1)})

    @cached_property
    def acts(self) -> bool:
        """Whether loading it may do more than bind names, each to a value that hangs on no other's history."""
        return any(not _binds_names(one) or any(map(self._may_act, loaded(one))) for one in self.body)

    def meaning(self, node: ast.expr) -> str | None:
        """What a name with its attributes stands for outside functions; None for other expressions."""
        match node:
            case ast.Name(id=name):
                return f"{self.name}:{name}" if name in self.statements else self.imports.get(name, name)
            case ast.Attribute(value=value, attr=attribute):
                inner = self.meaning(value)
                return None if inner is None else attribute_of(inner, attribute)
        return None

    def _may_act(self, node: ast.AST) -> bool:
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Constant())):
                return False
            case ast.Call(func=called):
                return self._may_change(called)
            case ast.ClassDef(keywords=keywords) if any(one.arg == "metaclass" for one in keywords):
                return True
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                return any(self._may_change(one) for one in node.decorator_list if not isinstance(one, ast.Call))
        return isinstance(node, ast.NamedExpr)

    def _may_change(self, called: ast.expr) -> bool:
        """Whether a call may leave traces or follow them: of what is ours but for plain records, and of chance."""
        if isinstance(called, ast.Name):
            match self.statements.get(called.id):
                case [ast.ClassDef(bases=[], body=body)] if not any(isinstance(one, Function) for one in body):
                    return False
        meaning = self.meaning(called)
        if meaning is None or meaning.partition(":")[0].partition(".")[0] in self.packages:
            return meaning is None or meaning.rpartition(".")[2] not in _LOOKING
        return meaning in _CHANGING or "random" in meaning


class Sources:
    """Our packages below a folder."""

    def __init__(self, root: Path, packages: tuple[str, ...]) -> None:
        self.modules: dict[str, Module | None] = {}
        self._root, self._packages = root, packages
        self._acting: dict[str, list[Place]] = {}

    def module(self, name: str) -> Module | None:
        """One of our modules; None for others' and for names that are of none."""
        if name not in self.modules:
            parts = name.split(".")
            is_ours = parts[0] in self._packages and all(part.isidentifier() for part in parts)
            paths = [Path(*parts).with_suffix(".py"), Path(*parts, "__init__.py")] if is_ours else []
            path = next((self._root / one for one in paths if (self._root / one).is_file()), None)
            self.modules[name] = None if path is None else Module(name, path.read_bytes(), self._packages)
        return self.modules[name]

    def of(self, place: Place) -> Module:
        """The module of a place."""
        module = self.module(place.module)
        assert module is not None
        return module

    def refer(self, meaning: str) -> Place | str:
        """A place of ours, or what it is called outside. A package's own names go before those of modules in it."""
        path, _, rest = meaning.partition(":")
        module = self.module(path)
        if module is None:
            return meaning.replace(":", ".").removesuffix(".")
        name, _, further = rest.partition(".")
        if not name or name in module.statements:
            return Place(path, name)
        if name in module.imports:
            return self.refer(attribute_of(module.imports[name], further) if further else module.imports[name])
        inner = f"{path}.{name}"
        return Place(path) if self.module(inner) is None else self.refer(f"{inner}:{further}")

    def acting(self, name: str) -> list[Place]:
        """The modules of ours that act among those that loading one loads, itself included."""
        if name not in self._acting:
            found: dict[str, Module] = {}
            waiting = [name]
            while waiting:
                module = self.module(waiting.pop())
                if module is not None and module.name not in found:
                    found[module.name] = module
                    waiting += module.needs
            self._acting[name] = [Place(module.name) for _, module in sorted(found.items()) if module.acts]
        return self._acting[name]


def bound(node: ast.AST, is_deep: bool = False) -> Iterator[str]:
    """The names that a statement binds but for imports; is_deep: also those in functions and comprehensions in it."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name) | ast.MatchMapping(rest=str(name)):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
    if is_deep or not isinstance(node, Function | ast.Lambda | ast.ClassDef | Comprehension):
        for child in ast.iter_child_nodes(node):
            yield from bound(child, is_deep)


def loaded(node: ast.AST) -> Iterator[ast.AST]:
    """A statement and all in it that is evaluated when its module is loaded."""
    yield node
    for name, value in ast.iter_fields(node):
        if name != "body" or not isinstance(node, Function | ast.Lambda):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from loaded(child)


def attribute_of(meaning: str, name: str) -> str:
    """What an attribute of something stands for."""
    return f"{meaning}{name}" if meaning.endswith(":") else f"{meaning}.{name}"


def imports_among(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """The names that imports among some nodes bind, and what they stand for; a name must not stand for two things."""
    found: dict[str, str] = {}
    for node in nodes:
        for name, meaning in imported(node) if isinstance(node, Import) else ():
            assert found.setdefault(name, meaning) == meaning, (
                f"{name} is {found[name]} and {meaning}: name them apart"
            )
    return found


def imported(statement: Import) -> Iterator[tuple[str, str]]:
    """The names that an import binds, and what they stand for."""
    for alias in statement.names:
        if isinstance(statement, ast.ImportFrom):
            assert alias.name != "*", f"from {statement.module} import *: name what is imported"
            assert statement.level == 0, f"from .{statement.module or ''} import …: name the package"
            yield alias.asname or alias.name, f"{statement.module}:{alias.name}"
        else:
            first = alias.name.partition(".")[0]
            yield alias.asname or first, f"{alias.name if alias.asname else first}:"


def _says_nothing(statement: ast.stmt) -> bool:
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.Expr(ast.Constant()) | ast.Pass():
            return True
        case ast.If(test=ast.Name("TYPE_CHECKING"), orelse=[]) | ast.Assign(targets=[ast.Name("__all__")]):
            return True
    return False


def _binds_names(statement: ast.stmt) -> bool:
    """Whether it is a definition, or an assignment to names alone."""
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        parts = [part for one in targets for part in (one.elts if isinstance(one, ast.Tuple) else [one])]
        return all(isinstance(part, ast.Name) for part in parts)
    return isinstance(statement, Function | ast.ClassDef)
