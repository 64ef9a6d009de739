"""The measurement: stand-ins publish, attacks guess, and what that gives is told with how sure it is."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from ledger.arithmetic.exact import GridState, to_float
from ledger.privacy.terms import PrivacyTerms
from node.leakage.attacks import LEAKAGE_ATTACKS, Trials, score_against, score_blindly, score_by_shadows
from node.leakage.figures import (
    CONFIDENCE,
    Area,
    Curve,
    EpsilonBound,
    Frequency,
    Recognition,
    compute_area,
    find_epsilon_bound,
    measure_area,
    measure_curve,
    measure_one_area,
    measure_recognition,
)
from node.leakage.inversion import FirstLayer
from node.leakage.pool import Pool, add_canaries
from node.leakage.scoring import Scorer
from node.leakage.stand_ins import Publishing, StandIn
from node.learning.layout import Vector

_log = logging.getLogger(__name__)
ALLOWED_FALSE_ALARMS: Final = (0.01, 0.001)
"""Allowed rates at which members are counted."""
_GUESSED: Final = (0.02, 0.1, 0.3)
_LISTED: Final = 10


@dataclass(frozen=True)
class AttackFigures:
    """What one attack found out about the peer's own examples."""

    area: Area
    """Over all thresholds."""
    recognitions: tuple[Recognition | None, ...]
    """At each of ALLOWED_FALSE_ALARMS; None where there were too few non-members to tell."""
    curve: Curve
    """At every rate of false alarms."""


@dataclass(frozen=True)
class ExposedExample:
    """One of the peer's examples, by itself."""

    index: int
    """Its row in data(), from 0."""
    area: float
    """How often a stand-in that had it scores above one that had it not."""
    members: int
    """Stand-ins that had it."""
    others: int
    """Stand-ins that had it not."""
    p_value: float
    """How likely chance does as well, before any correction for the number of examples."""


@dataclass(frozen=True)
class Exposure:
    """The peer's examples one by one."""

    listed: tuple[ExposedExample, ...]
    """The most exposed, first the worst."""
    beyond_chance: int
    """How many are told apart by themselves where chance would do that to none of them all, with CONFIDENCE."""
    examples: int
    """Out of so many."""


@dataclass(frozen=True)
class ReadExamples:
    """What rows of the first layer gave back."""

    members: Frequency
    """Of the examples that a stand-in was trained on."""
    others: Frequency
    """Of those it was not: what chance and likeness do."""


@dataclass(frozen=True)
class PublishedFigures:
    """What the peer published in earnest, by the same shadows: its own examples against held-out ones."""

    area: Area
    """Of one run, so its interval is by the examples."""
    recognitions: tuple[Recognition | None, ...]
    """At each of ALLOWED_FALSE_ALARMS."""
    by_kind: Area
    """The same question put to the stand-ins, which had half of both: what the two kinds differ by anyway."""
    curve: Curve
    """At every rate of false alarms."""


@dataclass(frozen=True)
class Leakage:
    """All figures of one way to train."""

    stand_ins: int
    """How many were attacked; as many again were shadows."""
    rounds: int
    """Steps that each published."""
    examples: int
    """The peer's own."""
    filled_up: int
    """Held-out ones beside them."""
    attacks: Mapping[str, AttackFigures]
    """By name, in the order of what an attacker has to know."""
    exposure: Exposure
    """Example by example."""
    read: ReadExamples | None
    """None where there is no dense layer that the examples go into."""
    bound: EpsilonBound | None
    """What canaries prove; None where none can be made."""
    published: PublishedFigures | None = None
    """None where nothing was published, or there are no held-out examples to tell the own ones from."""

    @property
    def strongest(self) -> str:
        """The attack with the largest area."""
        return max(self.attacks, key=lambda name: self.attacks[name].area.value)


@dataclass(frozen=True)
class _Run:
    trials: Trials
    is_read: npt.NDArray[np.bool_] | None


@dataclass(frozen=True)
class PublishedStep:
    """One round of the peer, as all the world sees it."""

    round: int
    """Its number."""
    base: GridState
    """What it trained from, (d,), int32."""
    state: GridState
    """What it published, (d,), int32."""


@dataclass(frozen=True)
class Setting:
    """What is measured."""

    publishing: Publishing
    """How the steps are made."""
    pool: Pool
    """Of which examples."""
    rounds: int
    """How many steps of each stand-in."""
    seat: int
    """Whose data they are."""
    seats: int
    """Of so many seats."""
    published: tuple[PublishedStep, ...] = ()
    """What the peer published, `rounds` steps; empty where it has not."""
    terms: PrivacyTerms | None = None
    """Of privacy, where the stand-ins train with some."""
    is_published_alike: bool = True
    """Whether the peer trained as the stand-ins do."""


def measure_leakage(setting: Setting, *, stand_ins: int, rng: np.random.Generator, delta: float) -> Leakage:
    """Let stand-ins publish from public bases, and attack them.

    As many again are the attacker's shadows. All go on from the bases that the peer had, else from the mean of what
    all of them published, as in a circle where everybody takes in everybody: so the base tells nothing of who has
    which example. stand_ins: those that are attacked. rng: draws who has what. delta: δ of the bound on ε. Raises
    SetupError where the task is at fault.
    """
    pool = setting.pool
    layer = FirstLayer.find(setting.publishing.task, setting.publishing.template, pool)
    run = _publish_all(setting, pool, 2 * stand_ins, rng, layer)
    own = run.trials.select(slice(pool.own))
    attacked, shadows = own.split(stand_ins)
    with_canaries, canaries = add_canaries(pool, rng)
    bound = None
    if canaries:
        planted = _publish_all(setting, with_canaries, stand_ins, rng).trials.select(slice(len(pool), None))
        bound = find_epsilon_bound(score_blindly(planted), planted.is_in, delta, _GUESSED)
    return Leakage(
        stand_ins,
        setting.rounds,
        pool.own,
        len(pool) - pool.own,
        {name: _measure_attack(score(attacked, shadows), attacked) for name, score in LEAKAGE_ATTACKS.items()},
        _measure_exposure(own),
        None if run.is_read is None else _measure_read(run.is_read[:, : pool.own], own.is_in),
        bound,
        _measure_published(setting, *run.trials.split(stand_ins)),
    )


def _measure_published(setting: Setting, attacked: Trials, shadows: Trials) -> PublishedFigures | None:
    pool = setting.pool
    if not setting.published or not setting.is_published_alike or len(pool) == pool.own:
        return None
    scorer = Scorer(setting.publishing.task, setting.publishing.template, pool)
    signs = np.stack([_measure_signs(scorer, to_float(one.base), to_float(one.state)) for one in setting.published])
    is_own = np.arange(len(pool)) < pool.own
    scores = score_against(signs, shadows)
    return PublishedFigures(
        measure_one_area(scores, is_own),
        tuple(measure_recognition(scores, is_own, allowed) for allowed in ALLOWED_FALSE_ALARMS),
        measure_area(score_by_shadows(attacked, shadows), np.tile(is_own, (attacked.runs, 1))),
        measure_curve(scores, is_own),
    )


def _measure_signs(scorer: Scorer, base: Vector, state: Vector) -> npt.NDArray[np.float64]:
    """(n, 2)."""
    found = scorer.measure(base, state)
    return np.stack([found.alignment, found.confidence], 1)


def _publish_all(
    setting: Setting,
    pool: Pool,
    stand_ins: int,
    rng: np.random.Generator,
    layer: FirstLayer | None = None,
) -> _Run:
    publishing, rounds = setting.publishing, setting.rounds
    is_in = rng.random((stand_ins, len(pool))) < 0.5
    # Nobody trains on nothing.
    is_in[~is_in.any(1), 0] = True
    peers = [StandIn(publishing, number, pool.choose(row)) for number, row in enumerate(is_in)]
    scorer = Scorer(publishing.task, publishing.template, pool)
    signs = np.zeros((stand_ins, rounds, len(pool), 2))
    is_read = np.zeros((stand_ins, len(pool)), np.bool_)
    base = publishing.origin
    for place_of_round in range(rounds):
        number = place_of_round + 1
        if setting.published:
            number, base = setting.published[place_of_round].round, setting.published[place_of_round].base
        start, total = to_float(base), np.zeros(base.shape, np.int64)
        for place, peer in enumerate(peers):
            state = peer.publish(base, number)
            total += state
            signs[place, place_of_round] = _measure_signs(scorer, start, to_float(state))
            if layer is not None:
                is_read[place] |= layer.find_read(start, to_float(state))
        base = np.rint(total / stand_ins).astype(np.int32)
        _log.info("stand-ins published rounds=%d of=%d", place_of_round + 1, rounds)
    return _Run(Trials(signs, is_in), None if layer is None else is_read)


def _measure_attack(scores: npt.NDArray[np.float64], trials: Trials) -> AttackFigures:
    return AttackFigures(
        measure_area(scores, trials.is_in),
        tuple(measure_recognition(scores, trials.is_in, allowed) for allowed in ALLOWED_FALSE_ALARMS),
        measure_curve(scores, trials.is_in),
    )


def _measure_exposure(trials: Trials) -> Exposure:
    scores = score_blindly(trials)
    found = [_examine(index, scores[:, index], trials.is_in[:, index]) for index in range(scores.shape[1])]
    found = sorted((one for one in found if one.members and one.others), key=lambda one: one.p_value)
    limit = (1 - CONFIDENCE) / max(1, len(found))
    return Exposure(tuple(found[:_LISTED]), sum(one.p_value < limit for one in found), len(trials.is_in[0]))


def _examine(index: int, scores: npt.NDArray[np.float64], is_in: npt.NDArray[np.bool_]) -> ExposedExample:
    """Mann and Whitney's test, in the normal approximation, which is on the safe side this far out."""
    members, others = int(is_in.sum()), int((~is_in).sum())
    area = compute_area(scores, is_in)
    deviation = ((members + others + 1) / (12 * max(1, members) * max(1, others))) ** 0.5
    return ExposedExample(index, area, members, others, float(ndtr(-(area - 0.5) / deviation)))


def _measure_read(is_read: npt.NDArray[np.bool_], is_in: npt.NDArray[np.bool_]) -> ReadExamples:
    return ReadExamples(
        Frequency.of(int((is_read & is_in).sum()), int(is_in.sum())),
        Frequency.of(int((is_read & ~is_in).sum()), int((~is_in).sum())),
    )
