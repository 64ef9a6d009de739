"""The scenario's attackers: one behaviour a hostile seat, and what each knows when it publishes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ledger.arithmetic.exact import GridState, to_float
from ledger.circle.manifest import Tensor
from ledger.rules.judge_memory import JudgeMemory
from node.attacks import choose_attack
from node.attacks.attack import Attack, Colluder
from node.attacks.view import Matrix, PeerView, Vector
from node.own_rules import choose_rule
from node.simulator.agreed_noise import find_noise_variance
from node.simulator.scenario import Scenario, generator

_Rows = tuple[dict[int, Vector], Matrix]


def make_behaviours(scenario: Scenario) -> dict[int, Attack]:
    """Seat → its attack, for the hostile ones."""
    hostile = tuple(sorted(scenario.hostile))
    return {seat: choose_attack(scenario.attack, scenario.attack_parameters, hostile) for seat in hostile}


def make_attack(scenario: Scenario) -> Attack:
    """The scenario's attack, for its figures."""
    return choose_attack(scenario.attack, scenario.attack_parameters)


@dataclass(frozen=True)
class KnownHonest:
    """What colluders may know of the honest peers."""

    published: Mapping[int, GridState]
    """Seat → public state, (d,), int32, of the honest ones known."""
    starting: Sequence[int]
    """The honest seats whose base is known."""
    bases: Mapping[int, GridState]
    """Of all seats, (d,), int32."""
    memories: Mapping[int, JudgeMemory]
    """Of all seats."""


class Attackers:
    """All attackers of a circle."""

    def __init__(self, scenario: Scenario, layout: tuple[Tensor, ...], degree: int) -> None:
        """layout: the tensors that states are made of. degree: how many neighbours a judge has."""
        self._scenario, self._layout, self._degree = scenario, layout, degree
        self._rule = choose_rule(scenario.rule, scenario.rule_parameters)
        self._noise_variance = find_noise_variance(scenario)
        self.behaviours = make_behaviours(scenario)

    def publish(self, number: int, known: KnownHonest, seats: Sequence[int], trained: Matrix) -> Matrix:
        """What the attackers at `seats` want to publish. trained: after honest training. Returns (seats, d)."""
        wanted = np.empty_like(trained)
        (honest, states), (bases, starts) = self._find_seen(known, seats)
        reckoned: dict[str, Any] = {"states": states}
        if honest.keys() == bases.keys():
            reckoned["starts"] = starts
        accomplices = dict(zip(seats, trained, strict=True))
        plan: Vector | None = None
        for place, seat in enumerate(seats):
            attacker = self.behaviours[seat]
            view = PeerView(
                round=number,
                rounds=self._scenario.rounds,
                seat=seat,
                base=to_float(known.bases[seat]),
                trained=trained[place],
                rng=generator(self._scenario.seed, "attack", seat, number),
                honest=honest,
                bases=bases,
                accomplices=accomplices,
                colluders=tuple(seats),
                peers=self._scenario.peers,
                rule=self._rule,
                degree=self._degree,
                memories=known.memories,
                layout=self._layout,
                seed=self._scenario.seed,
                noise_variance=self._noise_variance,
            )
            if honest:
                _lend(view, reckoned)
            if isinstance(attacker, Colluder) and not attacker.is_personal:
                # The accomplices would all come to the same plan: one reckons for all of them.
                plan = attacker.plan(view) if plan is None else plan
                wanted[place] = attacker.disguise(view, plan)
            else:
                wanted[place] = attacker.publish(view)
        return wanted

    def _find_seen(self, known: KnownHonest, seats: Sequence[int]) -> tuple[_Rows, _Rows]:
        """The honest seats' public states, and their bases; empty where no attacker looks."""
        if not any(self.behaviours[seat].spies for seat in seats):
            return _rows({}, ()), _rows({}, ())
        return _rows(known.published, sorted(known.published)), _rows(known.bases, sorted(known.starting))


def _rows(states: Mapping[int, GridState], seats: Sequence[int]) -> _Rows:
    """Seat → state as float, and the matrix whose rows these are."""
    matrix = np.empty((len(seats), len(states[seats[0]]) if seats else 0), np.float32)
    for row, seat in zip(matrix, seats, strict=True):
        row[:] = to_float(states[seat])
    return dict(zip(seats, matrix, strict=True)), matrix


def _lend(view: PeerView, reckoned: dict[str, Any]) -> None:
    """Reckon once for all attackers what a sight reckons when first asked: hundreds of copies fill the memory."""
    for name in ("states", "starts", "centre", "step"):
        if name not in reckoned:
            reckoned[name] = getattr(view, name)
        view.__dict__[name] = reckoned[name]
