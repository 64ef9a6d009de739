"""An attack of a user's own, whose faults become a sentence."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ledger.circle.events import Answer
from ledger.errors import SetupError
from node.attacks.attack import Attack, Guess
from node.attacks.view import PeerView, Vector
from node.own_code.own_objects import OwnObject, find_own

if TYPE_CHECKING:
    from node.learning.private.mechanism import Mechanism

_WHAT = "attack"


class OwnAttack(Attack):
    """Does what the user's object does, once that is what an attack may do."""

    def __init__(self, own: OwnObject) -> None:
        """Raises SetupError for an object of a class that is no Attack."""
        if not isinstance(own.value, Attack):
            raise SetupError(
                f"attack {own.spec} is no {Attack.__module__}.Attack: derive its class from that, which leaves an"
                " honest peer's conduct wherever yours says nothing else"
            )
        self._own, self._inner = own, own.value
        self.poisons_data = bool(own.read("poisons_data", False))
        self.spies = bool(own.read("spies", False))
        self.has_figures = bool(own.read("has_figures", False))

    @property
    def is_unreadable(self) -> bool:  # type: ignore[override]
        return bool(self._own.read("is_unreadable", False))

    @property
    def accomplices(self) -> tuple[int, ...]:
        return self._inner.accomplices

    @accomplices.setter
    def accomplices(self, seats: tuple[int, ...]) -> None:
        self._inner.accomplices = seats

    def data(self, data: Any, classes: int | None) -> Any:
        return self._own.call("data", data, classes)

    def mechanism(self, mechanism: "Mechanism", round_number: int) -> "Mechanism":
        return self._own.call("mechanism", mechanism, round_number)  # type: ignore[no-any-return]

    def publish(self, view: PeerView) -> Vector:
        found = self._own.call("publish", view)
        if not isinstance(found, np.ndarray) or found.shape != view.trained.shape:
            raise self._own.complain("publish", f"gave {_describe(found)}: give float32 like view.trained")
        if found.dtype != np.float32:
            raise self._own.complain("publish", f"gave {found.dtype}: give float32, with .astype(np.float32)")
        if not np.isfinite(found).all():
            raise self._own.complain("publish", "gave values that are not finite: a peer stops at those")
        return found

    def blob(self, blob: bytes, limit: int, round_number: int, rng: np.random.Generator) -> bytes:
        found = self._own.call("blob", blob, limit, round_number, rng)
        if not isinstance(found, bytes):
            raise self._own.complain("blob", f"gave {_describe(found)}: give bytes")
        return found

    def verdicts(self, judged: int, accepted: int) -> int:
        found = self._own.call("verdicts", judged, accepted)
        if not isinstance(found, int) or found & ~judged:
            raise self._own.complain("verdicts", f"gave {found!r:.60}: give a mask that is a part of `judged`")
        return found

    def answers(self, answer: Answer, *, is_own: bool) -> Answer:
        return self._own.call("answers", answer, is_own=is_own)  # type: ignore[no-any-return]

    def serves(self, digest: bytes) -> bool:
        return bool(self._own.call("serves", digest))

    def also_announces(self, digest: bytes) -> bytes | None:
        return self._own.call("also_announces", digest)  # type: ignore[no-any-return]

    def figures(self, x: Any, y: Any, guess: Guess) -> dict[str, float]:
        found = self._own.call("figures", x, y, guess)
        with self._own.run("what figures() gave"):
            return {str(name): float(value) for name, value in found.items()}


def find_own_attack(asked: object, parameters: Mapping[str, float], known: str) -> Attack:
    """The attack of FILE.py:CLASS, of a class, or of an object. Raises UsageError, SetupError."""
    return OwnAttack(find_own(asked, _WHAT, parameters, methods=("publish",), known=known))


def _describe(value: object) -> str:
    return f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
