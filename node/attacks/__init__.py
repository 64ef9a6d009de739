"""Peers that break the protocol's spirit on purpose, through the very path that honest peers take.

An attack is asked at few places: what to train on, what to publish, as which bytes, what to attest, what to serve.
None is ever chosen by default; they exist so that tests, simulations and demonstrations show what the network does
about them. `plugged` has one take the place of a peer's behaviour.
"""

import inspect
from collections.abc import Mapping
from typing import Any, Final

from ledger.errors import UsageError
from node.attacks.attack import Attack
from node.attacks.buffer import Buffer
from node.attacks.camouflage import Camouflage
from node.attacks.collusive import Alie, Dissensus, InnerProduct, MinMax, MinSum, Stall
from node.attacks.data import Backdoor, FeatureNoise, LabelFlip
from node.attacks.false_noise import BorrowedNoise, HiddenStep, RepeatedNoise, SignNoise, SparseNoise
from node.attacks.fang import FangKrum, FangTrim
from node.attacks.privacy import LessNoise, MoreExamples, Uncharged
from node.attacks.protocol import Equivocate, FalseVerdict, Withhold
from node.attacks.riding import HalfRide, Ride, SlowDrift
from node.attacks.sleeper import Sleeper
from node.attacks.solo import Copier, Gaussian, Lazy, SignFlip
from node.attacks.tuned import Tuned
from node.attacks.unreadable import Malformed, Oversize

__all__ = ["ATTACKS", "choose_attack", "list_parameters"]

_KINDS: Final[tuple[type[Attack], ...]] = (
    SignFlip,
    LabelFlip,
    FeatureNoise,
    Gaussian,
    Alie,
    InnerProduct,
    Stall,
    FangTrim,
    FangKrum,
    MinMax,
    MinSum,
    Dissensus,
    Ride,
    HalfRide,
    SlowDrift,
    Tuned,
    Camouflage,
    Sleeper,
    Backdoor,
    Buffer,
    Copier,
    Lazy,
    Withhold,
    Equivocate,
    FalseVerdict,
    LessNoise,
    Uncharged,
    MoreExamples,
    RepeatedNoise,
    SparseNoise,
    SignNoise,
    BorrowedNoise,
    HiddenStep,
    Oversize,
    Malformed,
)
ATTACKS: Final[dict[str, str]] = {kind.name: kind.summary for kind in _KINDS}
_DEFAULT_INNER: Final = Ride.name


def choose_attack(
    name: str, parameters: Mapping[str, float] | None = None, accomplices: tuple[int, ...] = ()
) -> Attack:
    """The attack with this name, or `honest`, which does nothing wrong; `sleeper:NAME` wakes into NAME.

    parameters: of the attack's constructor; a sleeper hands on those of the attack it wakes into. accomplices: the
    seats of all who collude. Raises UsageError for an unknown name, parameter or value, listing the known ones.
    """
    given = dict(parameters or {})
    kind = _find_kind(name)
    if kind is Sleeper:
        own = {key: given.pop(key) for key in list_parameters(name) if key in given}
        inner = choose_attack(name.partition(":")[2] or _DEFAULT_INNER, given, accomplices)
        made = _make(kind, {"inner": inner, **own})
    else:
        made = _make(kind, given)
    made.accomplices = accomplices
    return made


def list_parameters(name: str) -> dict[str, float]:
    """The parameters of an attack and their defaults; of a sleeper only its own. Raises UsageError."""
    signature = inspect.signature(_find_kind(name).__init__)
    return {p.name: p.default for p in signature.parameters.values() if p.default is not p.empty}


def _find_kind(name: str) -> type[Attack]:
    outer, colon, _ = name.partition(":")
    kinds: tuple[type[Attack], ...] = (Attack, *_KINDS)
    for kind in kinds:
        if kind.name == outer and (not colon or kind is Sleeper):
            return kind
    raise UsageError(f"no attack is called {name!r}: choose {', '.join(ATTACKS)}")


def _make(kind: type[Attack], arguments: Mapping[str, Any]) -> Attack:
    known = list_parameters(kind.name)
    for name in arguments:
        if name not in known and name != "inner":
            names = ", ".join(known) or "it has none"
            raise UsageError(f"attack {kind.name} has no parameter {name!r}: choose from {names}")
    try:
        return kind(**arguments)
    except ValueError as error:
        raise UsageError(f"attack {kind.name}: {error}") from error
