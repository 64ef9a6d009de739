"""Peers that break the protocol's spirit on purpose, through the very path that honest peers take.

A behaviour is asked at four places of the production path: what to train on, what to publish, what to attest, what
to serve. The base class is the honest peer; the others are never chosen by default, and exist so that tests and
demonstrations show what the network does about them.
"""

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ledger.errors import UsageError

Vector = npt.NDArray[np.float32]
_LEASH = 1000.0


class Behaviour:
    """An honest peer: every hook hands back what it was given."""

    name: ClassVar[str] = "honest"
    summary: ClassVar[str] = "follows the protocol"
    # Whether `data` changes anything; an honest peer's data need not be understood by anyone but its own task.
    poisons_data: ClassVar[bool] = False

    def data(self, data: Any, classes: int) -> Any:  # noqa: ARG002
        """What to train on. data: as the task gave it. classes: number of labels."""
        return data

    def publish(self, base: Vector, trained: Vector, rng: np.random.Generator) -> Vector:  # noqa: ARG002
        """What to encode and publish.

        base: the state the round began with, trained: the state after training; (d,), float32, as is the result.
        """
        return trained

    def verdicts(self, judged: int, accepted: int) -> int:  # noqa: ARG002
        """The mask of accepted seats to attest, a part of `judged`. Bit i stands for seat i."""
        return accepted

    def serves(self, digest: bytes) -> bool:  # noqa: ARG002
        """Whether to hand out the blob with this digest."""
        return True

    def also_announces(self, digest: bytes) -> bytes | None:  # noqa: ARG002
        """Another digest to announce for the same round, None for none. digest: the one committed."""
        return None


class Leashed(Behaviour):
    """A poisoner whose states stay finite over any number of rounds.

    Shut out by the others it would start each round from its own last poison, and grow it twentyfold a round until
    its numbers overflow and it stops by itself, which would prove nothing. So no state it publishes is longer than
    `_LEASH` times the base of its first round.
    """

    _limit: float | None = None

    def _leashed(self, base: Vector, poison: Vector) -> Vector:
        if self._limit is None:
            self._limit = _LEASH * max(1.0, float(np.linalg.norm(base)))
        length = float(np.linalg.norm(poison))
        return poison if length <= self._limit else poison * np.float32(self._limit / length)


class SignFlip(Leashed):
    """Publish the way back: base − scale · (trained − base).

    With a fraction f of such peers a plain average moves by 1 − f·(1 + scale) of an honest step: at the default
    scale of 5, two peers in eight make that half a step uphill, and the model is lost (.10 after ten rounds of
    Fashion-MNIST, .82 without them). A larger scale harms an average more, and stands out more.
    Source: Li et al. 2019 (RSA), arXiv:1811.03761; Karimireddy et al. 2022, arXiv:2006.09365 (bit flipping).
    """

    name = "sign-flip"
    summary = "publishes its training step reversed, five times as long"

    def __init__(self, scale: float = 5.0) -> None:
        self.scale = scale

    def publish(self, base: Vector, trained: Vector, rng: np.random.Generator) -> Vector:  # noqa: ARG002
        return self._leashed(base, base - np.float32(self.scale) * (trained - base))


class LabelFlip(Behaviour):
    """Train honestly on wrong labels: l becomes classes − 1 − l.

    Two such peers in eight bring a plain average down to .52 after ten rounds of Fashion-MNIST (.82 without them).
    Source: Fang et al. 2020, arXiv:1911.11815, section 5.1; Tolpegin et al. 2020, arXiv:2007.08432.
    """

    name = "label-flip"
    summary = "trains on labels turned round (0 becomes 9, 1 becomes 8, …)"
    poisons_data = True

    def data(self, data: Any, classes: int) -> Any:
        if not isinstance(data, tuple | list) or len(data) != 2:
            raise UsageError(f"{self.name} needs a task whose data() returns (x, y): choose another attack")
        x, y = data
        return x, classes - 1 - y


class Gaussian(Leashed):
    """Publish noise on top of the trained state: trained + N(0, deviation²) in every value.

    The default deviation is some fifty times that of the weights of a fresh layer with 784 inputs. Two such
    peers in eight bring a plain average down to .60 after ten rounds of Fashion-MNIST (.82 without them).
    Source: Blanchard et al. 2017, arXiv:1703.02757, section 5 (there a deviation of 200, for a gradient).
    """

    name = "gaussian"
    summary = "adds normal noise far larger than the weights"

    def __init__(self, deviation: float = 1.0) -> None:
        self.deviation = deviation

    def publish(self, base: Vector, trained: Vector, rng: np.random.Generator) -> Vector:
        noise = np.float32(self.deviation) * rng.standard_normal(len(trained), dtype=np.float32)
        return self._leashed(base, trained + noise)


class FalseVerdict(Behaviour):
    """Attest the opposite: accuse whoever passed, praise whoever failed.

    Source: Dellarocas 2000, doi:10.1145/352871.352889 (bad-mouthing and ballot stuffing).
    """

    name = "false-verdict"
    summary = "attests every verdict inverted"

    def verdicts(self, judged: int, accepted: int) -> int:
        return judged & ~accepted


class Withhold(Behaviour):
    """Commit, and then serve the blob to nobody (a data-availability attack)."""

    name = "withhold"
    summary = "commits a digest but serves no blob"

    def serves(self, digest: bytes) -> bool:  # noqa: ARG002
        return False


class Equivocate(Behaviour):
    """Announce two updates for one round, and so be able to show different ones to different peers.

    Source: Lamport et al. 1982, doi:10.1145/357172.357176.
    """

    name = "equivocate"
    summary = "announces two updates for every round"

    def also_announces(self, digest: bytes) -> bytes | None:
        return bytes(byte ^ 0xFF for byte in digest)


_ATTACKS: tuple[type[Behaviour], ...] = (SignFlip, LabelFlip, Gaussian, FalseVerdict, Withhold, Equivocate)
ATTACKS: dict[str, str] = {kind.name: kind.summary for kind in _ATTACKS}


def behaviour(name: str) -> Behaviour:
    """The behaviour with this name, `honest` among them. Raises UsageError listing the names for any other."""
    kinds: tuple[type[Behaviour], ...] = (Behaviour, *_ATTACKS)
    for kind in kinds:
        if kind.name == name:
            return kind()
    raise UsageError(f"no attack is called {name!r}: choose {', '.join(ATTACKS)}")
