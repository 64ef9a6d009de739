"""The syntax of definitions as tokens: local variables are numbers, what is named elsewhere is a reference."""

import ast
import builtins
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from scripts.sweep.own_modules import (
    Comprehension,
    Function,
    Module,
    Place,
    Sources,
    attribute_of,
    bound,
    imported,
    imports_among,
)

_NAMING: Final = ("__name__", "__qualname__", "__module__")
_SEARCHING: Final = (
    *("globals", "locals", "eval", "exec", "inspect.getsource", "inspect.get_annotations", "typing.get_type_hints"),
    *("functools.singledispatch", "functools.singledispatchmethod", "__code__", "__annotations__", "__doc__"),
    *("__subclasses__", "__init_subclass__"),
)


@dataclass(frozen=True)
class Parameter:
    """A parameter's name, which counts only where somebody may give it."""

    name: str
    """As it is written."""


@dataclass
class Written:
    """Some statements."""

    tokens: list[str | Place | Parameter] = field(default_factory=list)
    """Words, and what references and parameters stand for, in their order."""
    given: set[str] = field(default_factory=set)
    """The names that parameters may be given by: keywords, strings, and names of members."""
    flags: set[str] = field(default_factory=set)
    """`named`, `searched`: something may be found by its name among our definitions, or among all there is."""


class Syntax:
    """That of our packages.

    choices: definitions of which a computation takes one, like the rules in a list, and what each is called. lists: the
    modules in which naming one, also by a string `module:name`, stands for what it is called and is no reference; a
    constant there that names some is a list, whose content does not count.
    """

    def __init__(self, sources: Sources, choices: Mapping[Place, str], lists: Iterable[str]) -> None:
        self.sources = sources
        self.written: dict[Place, Written] = {}
        self._choices, self._lists = choices, frozenset(lists)

    def of(self, place: Place) -> Written:
        """All statements that bind a name, or those of a module."""
        if place not in self.written:
            module = self.sources.of(place)
            statements = module.statements[place.name] if place.name else module.body
            writer = _Writer(self.sources, module, self._choices if module.name in self._lists else {})
            writer.write(*statements)
            is_list = writer.names_choices and all(
                isinstance(one, ast.Assign | ast.AnnAssign) for one in statements
            )
            self.written[place] = Written(["list"]) if is_list else writer.joined()
        return self.written[place]


class _Writer:
    """Writes statements of a module."""

    def __init__(self, sources: Sources, module: Module, choices: Mapping[Place, str]) -> None:
        self.written = Written()
        self.names_choices = False
        self._sources, self._module, self._choices = sources, module, choices
        # The names of the function that the writer is in, with their numbers, and those of the class body.
        self._locals: dict[str, int | None] = {}
        self._local_imports: dict[str, str] = {}
        self._is_in_function = self._is_in_text = False
        self._members: frozenset[str] | None = None

    def write(self, *nodes: ast.AST | None) -> None:
        """Append the tokens of some nodes."""
        for node in nodes:
            match node:
                case None | ast.Expr(ast.Constant()) | ast.Pass():
                    pass
                case ast.Import() | ast.ImportFrom():
                    targets = [self._sources.refer(target) for _, target in imported(node)]
                    self._put(*(f"import {target}" for target in targets if isinstance(target, str)))
                case ast.Constant(value=value):
                    self._write_constant(value)
                case ast.Name(id=name):
                    self._write_variable(name)
                case ast.Attribute(value=value, attr=attribute):
                    if (meaning := self._meaning(node)) is not None:
                        self._put("variable")
                        self._write_reference(meaning)
                    else:
                        self._put(f"attribute {attribute}")
                        if attribute.startswith("__"):
                            self._note(attribute)
                        self.write(value)
                case ast.Call(func=ast.Name("vars" | "dir"), args=[]):
                    self._put("locals")
                    self.written.flags.add("searched")
                case ast.arg(arg=name):
                    self._write_variable(name)
                    self._put(Parameter(name))
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    self._write_function(node)
                case ast.ClassDef():
                    self._write_class(node)
                case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                    with self._inside(node, None if isinstance(node, ast.Lambda) else self._members):
                        self._write_fields(node)
                case ast.AnnAssign(target=target, annotation=annotation, value=value):
                    if self._members is not None:
                        self._put("(field")
                        self.write(target, annotation, *_quoted(annotation), value)
                        self._put(")")
                    elif value is not None:
                        self.write(ast.Assign([target], value))
                case ast.JoinedStr():
                    was, self._is_in_text = self._is_in_text, True
                    self._write_fields(node)
                    self._is_in_text = was
                case _:
                    self._write_fields(node)

    def joined(self) -> Written:
        """What was written, with one string in place of several in a row."""
        made = Written([], self.written.given, self.written.flags)
        for token in self.written.tokens:
            if made.tokens and isinstance(token, str) and isinstance(made.tokens[-1], str):
                made.tokens[-1] += f"\n{token}"
            else:
                made.tokens.append(token)
        return made

    def _put(self, *tokens: str | Place | Parameter) -> None:
        self.written.tokens += tokens

    def _write_fields(self, node: ast.AST) -> None:
        """A node's type and its fields, but for those that are empty or say nothing."""
        self._put(f"({type(node).__name__}")
        for name, value in ast.iter_fields(node):
            if value is None or value == [] or name in ("ctx", "type_comment"):
                continue
            self._put(f".{name}")
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, ast.AST):
                    self.write(one)
                elif isinstance(one, str) and not isinstance(node, ast.keyword | ast.MatchClass):
                    self._write_variable(one)
                else:
                    self._put(repr(one))
                    self.written.given.add(str(one))
        self._put(")")

    def _write_constant(self, value: object) -> None:
        module, _, name = value.partition(":") if isinstance(value, str) else ("", "", "")
        if (place := Place(module, name)) in self._choices:
            self._write_choice(place)
        else:
            self._put(f"constant {value!r}")
            self.written.given.add(str(value))
            if self._sources.module(module) is not None:
                self._put("which names")
                self._write_reference(f"{module}:{name}")

    def _write_variable(self, name: str) -> None:
        """All that it may be: the scopes inside one function are taken for one, so it may be several things."""
        meaning = self._module.meaning(ast.Name(name))
        assert meaning is not None
        self._put("variable")
        before = len(self.written.tokens)
        if name in (self._members or ()):
            self._put(f"member {name}")
        if name in self._locals:
            if self._locals[name] is None:
                self._locals[name] = sum(number is not None for number in self._locals.values())
            self._put(f"local {self._locals[name]}")
        if name in self._local_imports:
            self._write_reference(self._local_imports[name])
        if len(self.written.tokens) == before or meaning != name or hasattr(builtins, name):
            self._write_reference(meaning)

    def _write_reference(self, meaning: str) -> None:
        found = self._sources.refer(meaning)
        if isinstance(found, Place):
            self._write_choice(found)
            if not found.name:  # whatever is looked for in it
                self.written.flags.add("named")
        else:
            self._put(f"outside {found}")
            if found != "__name__":  # of the module, for its logger
                self._note(found)

    def _write_choice(self, place: Place) -> None:
        if place in self._choices:
            self.names_choices = True
            self._put(f"choice {self._choices[place]}")
        else:
            self._put(place)

    def _meaning(self, node: ast.expr) -> str | None:
        """What an expression stands for that is an import, a name of the module, or an attribute of a module."""
        match node:
            case ast.Name(id=name) if name in self._locals or name in (self._members or ()):
                return None
            case ast.Name(id=name):
                return self._local_imports.get(name) or self._module.meaning(node)
            case ast.Attribute(value=value, attr=attribute):
                inner = self._meaning(value)
                found = None if inner is None else self._sources.refer(inner)
                is_value = found is None or (isinstance(found, Place) and found.name)
                return None if is_value else attribute_of(inner or "", attribute)
        return None

    def _write_function(self, node: Function) -> None:
        self._begin(node)
        if node.name == "__init__":  # whose parameters are found where somebody looks for what a class takes
            self.written.given.update(one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg))
        with self._inside(node, None):
            self.write(node.args, *node.body)
        self._put(")")

    def _write_class(self, node: ast.ClassDef) -> None:
        self._begin(node)
        self.write(*node.bases, *node.keywords)
        outer, self._members = self._members, frozenset(name for one in node.body for name in bound(one))
        self.written.given |= self._members
        self._put(".body")
        self.write(*node.body)
        self._members = outer
        self._put(")")

    def _begin(self, node: Function | ast.ClassDef) -> None:
        self._put(f"({type(node).__name__}")
        self._write_variable(node.name)
        self.write(*node.decorator_list)
        self._put(".decorated")

    @contextmanager
    def _inside(
        self, node: Function | ast.Lambda | Comprehension, members: frozenset[str] | None
    ) -> Iterator[None]:
        """Take all names that a function binds anywhere in it for its variables; functions inside it share them."""
        outer = self._members, self._locals, self._local_imports, self._is_in_function
        self._members = members
        if not self._is_in_function:
            parts, children = list(ast.walk(node)), ast.iter_child_nodes(node)
            others = {name for one in parts if isinstance(one, ast.Global) for name in one.names}
            self._locals = {name: None for child in children for name in bound(child, True) if name not in others}
            self._local_imports = imports_among(parts)
            self._is_in_function = True
        yield
        self._members, self._locals, self._local_imports, self._is_in_function = outer

    def _note(self, name: str) -> None:
        if name.removeprefix("builtins.") in _SEARCHING:
            self.written.flags.add("searched")
        if name in _NAMING and not self._is_in_text:
            self.written.flags.add("named")


def _quoted(annotation: ast.expr) -> Iterator[ast.expr]:
    """What the strings in an annotation may mean, which libraries look up."""
    for part in ast.walk(annotation):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            with suppress(SyntaxError):
                yield ast.parse(part.value, mode="eval").body
