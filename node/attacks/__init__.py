"""Peers that break the protocol's spirit on purpose, through the very path that honest peers take.

An attack is asked at few places: what to train on, what to publish, as which bytes, what to attest, what to serve.
None is ever chosen by default; they exist so that tests, simulations and demonstrations show what the network does
about them. `plugged` has one take the place of a peer's behaviour.
"""

import copy
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
from node.attacks.own_attack import find_own_attack
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
    asked: object, parameters: Mapping[str, float] | None = None, accomplices: tuple[int, ...] = ()
) -> Attack:
    """The attack asked for: by name, as FILE.py:CLASS, as a class, or an object, of which each peer gets a copy.

    `honest` does nothing wrong; `sleeper:NAME` wakes into NAME. parameters: of the attack's constructor; a sleeper
    hands on those of the attack it wakes into. accomplices: the seats of all who collude. Raises UsageError for an
    unknown name, parameter or value, listing the known ones, and SetupError for a class of one's own that does not
    do.
    """
    given = dict(parameters or {})
    if (kind := _find_kind(asked)) is None:
        mine = asked if isinstance(asked, str | type) else copy.deepcopy(asked)
        made = find_own_attack(mine, given, ", ".join(ATTACKS))
    elif kind is Sleeper:
        own = {key: given.pop(key) for key in list_parameters(Sleeper.name) if key in given}
        name = asked.partition(":")[2] if isinstance(asked, str) else ""
        inner = choose_attack(name or _DEFAULT_INNER, given, accomplices)
        made = _make(kind, {"inner": inner, **own})
    else:
        made = _make(kind, given)
    made.accomplices = accomplices
    return made


def list_parameters(asked: object) -> dict[str, float]:
    """The parameters of an attack that ships, and their defaults; of a sleeper only its own, of others none."""
    kind = _find_kind(asked)
    return {} if kind is None else _list(kind)


def _list(kind: type[Attack]) -> dict[str, float]:
    signature = inspect.signature(kind.__init__)
    return {p.name: p.default for p in signature.parameters.values() if p.default is not p.empty}


def _find_kind(asked: object) -> type[Attack] | None:
    """The class of an attack that ships; None for one of somebody's own."""
    kinds: tuple[type[Attack], ...] = (Attack, *_KINDS)
    outer, colon, _ = asked.partition(":") if isinstance(asked, str) else ("", "", "")
    for kind in kinds:
        if asked is kind or (kind.name == outer and (not colon or kind is Sleeper)):
            return kind
    return None


def _make(kind: type[Attack], arguments: Mapping[str, Any]) -> Attack:
    known = _list(kind)
    for name in arguments:
        if name not in known and name != "inner":
            names = ", ".join(known) or "it has none"
            raise UsageError(f"attack {kind.name} has no parameter {name!r}: choose from {names}")
    try:
        return kind(**arguments)
    except ValueError as error:
        raise UsageError(f"attack {kind.name}: {error}") from error
