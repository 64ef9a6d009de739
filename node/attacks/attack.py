"""What an attack does at the places where a peer may be told otherwise; `Attack` itself does nothing wrong."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from ledger.circle.events import Answer
from node.attacks.view import PeerView, Vector

if TYPE_CHECKING:
    from node.learning.private.mechanism import Mechanism

_LONGEST: Final = 1000.0
# Gives each example of a batch a class number.
Guess = Callable[[Any], Any]


class Attack:
    """What every attack is made of: hooks that hand back what they were given, for it to put its own over them.

    Pure: it is told what it looks at. `node.attacks.plugged` plugs it into a peer, the simulator asks it directly.
    """

    name: ClassVar[str] = "honest"
    summary: ClassVar[str] = "follows the protocol"
    poisons_data: bool = False
    """Whether `data` changes anything; an honest peer's data need not be understood by anyone but its own task."""
    wants_classes: ClassVar[bool] = True
    """Whether `data` needs to know how many classes there are, where there are any."""
    spies: bool = False
    """Whether `publish` looks at what others have published, which costs the fetching of it."""
    is_unreadable: bool = False
    """Whether its update of this round cannot be read, so that it cannot judge anybody either."""
    has_figures: bool = False
    """Whether `figures` measures anything, so that a task's held-out examples are worth loading."""
    accomplices: tuple[int, ...] = ()
    """All seats that collude, one's own included; empty for a poisoner that is alone."""

    def data(self, data: Any, classes: int | None) -> Any:  # noqa: ARG002
        """What to train on. data: as the task gave it. classes: number of labels; None in a regression."""
        return data

    def mechanism(self, mechanism: "Mechanism", round_number: int) -> "Mechanism":  # noqa: ARG002
        """What to train a round by where the circle has privacy terms. mechanism: the one agreed on."""
        return mechanism

    def publish(self, view: PeerView) -> Vector:
        """What to encode and publish, (d,), float32."""
        return view.trained

    def blob(self, blob: bytes, limit: int, round_number: int, rng: np.random.Generator) -> bytes:  # noqa: ARG002
        """What to store and commit instead of the update blob. limit: the most bytes one may have."""
        return blob

    def verdicts(self, judged: int, accepted: int) -> int:  # noqa: ARG002
        """The mask of accepted seats to attest, a part of `judged`. Bit i stands for seat i."""
        return accepted

    def answers(self, answer: Answer, *, is_own: bool) -> Answer:  # noqa: ARG002
        """What to vote in a dispute. answer: what recomputing gives. is_own: it is about what this peer said."""
        return answer

    def serves(self, digest: bytes) -> bool:  # noqa: ARG002
        """Whether to hand out the blob with this digest."""
        return True

    def also_announces(self, digest: bytes) -> bytes | None:  # noqa: ARG002
        """Another digest to announce for the same round, None for none. digest: the one committed."""
        return None

    def figures(self, x: Any, y: Any, guess: Guess) -> dict[str, float]:  # noqa: ARG002
        """What to report of a model beside the task's own figures. x, y: held-out examples and their labels."""
        return {}


class BoundedPoisoner(Attack):
    """A poisoner whose states stay finite over any number of rounds.

    Shut out by the others it would start each round from its own last poison, and grow it twentyfold a round until
    its numbers overflow and it stops by itself, which would prove nothing. So no state it publishes is longer than
    `_LONGEST` times the base of its first round.
    """

    _limit: float | None = None

    def _bound_length(self, base: Vector, poison: Vector) -> Vector:
        if self._limit is None:
            self._limit = _LONGEST * max(1.0, float(np.linalg.norm(base)))
        length = float(np.linalg.norm(poison))
        return poison if length <= self._limit else poison * np.float32(self._limit / length)


class Colluder(BoundedPoisoner):
    """A poisoner that makes its poison of what the honest peers have published, together with its accomplices.

    All accomplices plan the same from the same knowledge; none needs to hear of another. jitter: each then adds
    noise of its own, as long as so much of the way from the honest mean to the plan (at least of an honest step),
    since updates that are equal to the bit give the colluders away (audit check A9).
    """

    spies = True
    # Whether `plan` depends on one's rank or own noise; otherwise it is the same for all accomplices of a round.
    is_personal: ClassVar[bool] = False

    def __init__(self, jitter: float = 0.01) -> None:
        self.jitter = jitter

    def plan(self, view: PeerView) -> Vector:
        """The poison before the jitter, (d,), float32."""
        raise NotImplementedError

    def publish(self, view: PeerView) -> Vector:
        return self.disguise(view, self.plan(view))

    def disguise(self, view: PeerView, plan: Vector) -> Vector:
        """The plan with one's own jitter, on the leash."""
        noise = view.rng.standard_normal(plan.size, dtype=np.float32)
        way = max(float(np.linalg.norm(plan - view.centre)), float(np.linalg.norm(view.step)))
        length = self.jitter * way / max(1.0, float(np.linalg.norm(noise)))
        return self._bound_length(view.base, plan + np.float32(length) * noise)
