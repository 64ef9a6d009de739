"""A question put to both chains."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scripts.chains.conformance.scene import Scene


@dataclass(frozen=True)
class Case:
    """One question."""

    method: str
    """What it is about."""
    name: str
    """Unique within the method."""
    ask: Callable[[Scene], Any]
    """Puts the question, returns the answer or answers."""

    @property
    def key(self) -> str:
        """Unique among all cases."""
        return f"{self.method}: {self.name}"


def case(method: str, name: str, *params: Any) -> Case:
    """One call. A parameter that is a function is given the scene; so is a value inside a dict or list."""
    return Case(method, name, lambda scene: scene.call(method, *(filled(item, scene) for item in params)))


def filled(value: Any, scene: Scene) -> Any:
    """A parameter, with the scene given to each function in it."""
    if callable(value):
        return value(scene)
    if isinstance(value, list):
        return [filled(item, scene) for item in value]
    if isinstance(value, dict):
        return {key: filled(item, scene) for key, item in value.items()}
    return value


def notebook(scene: Scene) -> str:
    """The contract's address."""
    return scene.notebook


def account(index: int) -> Callable[[Scene], str]:
    """A development account's address."""
    return lambda scene: scene.address(index)


def block(number: int) -> Callable[[Scene], str]:
    """A block's hash."""
    return lambda scene: scene.blocks[number]


def mined(name: str) -> Callable[[Scene], str]:
    """The hash of a transaction of the history."""
    return lambda scene: scene.mined[name]
