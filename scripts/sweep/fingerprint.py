"""A digest of what some definitions compute, whatever they are called and wherever they lie.

It is that of the syntax of all top-level definitions of our own packages that the given ones name, themselves or through
others, each numbered when it is first met. What is promised:

- Equal digests mean equal programs, but for what is named last here. Where that is in doubt, the digests differ.
- It stays when definitions move to other modules and packages, when modules are renamed, split or imported otherwise,
  when what nothing reached names changes, and when comments, docstrings, layout or the annotations of functions and
  variables do. The annotations of a class's fields count, since libraries read them.
- It stays when functions, classes, constants and local variables at any place are renamed, and parameters that nobody
  gives by name. Fields, methods and keywords keep theirs: they become data, and outside code knows some of them.
- What is reached is named by an import, a variable or a string `module:name`. Where `globals`, `eval` or the like is, the
  bytes of all modules that are reached count too; all names do where code asks for classes' names, or hands on a module.
- A module that does more on loading than to bind names counts whole and in its order, wherever it is imported.
- Not counted: files that are read, the libraries' releases, the order in which modules are loaded, loggers' names, and
  what sentences say: the names of classes in f-strings, and what `repr` makes of objects.
"""

import hashlib

from scripts.sweep.own_modules import Place
from scripts.sweep.syntax import Parameter, Syntax


class Fingerprint:
    """What is reached so far. places: in the order in which they were, and their numbers."""

    def __init__(self, syntax: Syntax) -> None:
        self.places: dict[Place, int] = {}
        self.syntax = syntax
        self._hash = hashlib.sha256()
        self._parameters: list[str] = []

    def copy(self) -> "Fingerprint":
        """One that goes on from here by itself."""
        made = Fingerprint(self.syntax)
        made.places, made._hash, made._parameters = dict(self.places), self._hash.copy(), list(self._parameters)
        return made

    def reach(self, start: Place) -> None:
        """Add a definition and all that it names."""
        waiting: list[Place] = []
        self._put("start", self._number(start, waiting))
        while waiting:
            place = waiting.pop()
            self._put("definition", self.places[place])
            for token in (*self.syntax.of(place).tokens, *self.syntax.sources.acting(place.module)):
                if isinstance(token, Parameter):
                    self._parameters.append(token.name)
                else:
                    self._put(self._number(token, waiting) if isinstance(token, Place) else token)

    def digest(self) -> str:
        """The first 16 hex digits of the SHA-256."""
        ended, written = self.copy(), [self.syntax.of(place) for place in self.places]
        given = set[str]().union(*(one.given for one in written))
        flags = set[str]().union(*(one.flags for one in written))
        ended._put("parameters", *(name if name in given else "" for name in self._parameters))
        if "named" in flags:
            ended._put("names", *(place.name for place in self.places))
        if "searched" in flags:
            for name in sorted({place.module for place in self.places}):
                ended._put("module", name, self.syntax.sources.of(Place(name)).source)
        return ended._hash.hexdigest()[:16]

    def _number(self, place: Place, waiting: list[Place]) -> int:
        if place not in self.places:
            self.places[place] = len(self.places)
            waiting.append(place)
        return self.places[place]

    def _put(self, *parts: object) -> None:
        self._hash.update(repr(parts).encode())
