"""What a network is compared with: a server that averages, one model on all data, and each peer by itself.

The data, the seeds, the initial model, who takes part in which round and the local training are the network's.

`fedavg`: McMahan et al. 2017, arXiv:1602.05629, all peers in every round, weighted by their examples. Attackers
send the server what they would send their neighbours, and nothing screens it. `central`: one model, trained for a
round on the data of all that take part (a peer's as its attack has changed them). `alone`: nobody hears of anybody.
All start from the one initial model. Models are kept on the network's grid between rounds, and travel to the server
in four bytes a value.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from math import nan
from typing import Final

import numpy as np

from ledger.arithmetic.exact import GRID_BITS, LARGEST, GridState
from ledger.circle.draw import MAX_DEGREE
from ledger.codec import PLAIN, quantise
from node.learning.layout import Vector
from node.learning.private_part import PrivatePart
from node.learning.training import make_initial_state
from node.own_code.own_objects import label_of
from node.simulator.attackers import Attackers, KnownHonest, make_attack, make_behaviours
from node.simulator.learning import GROUP, PeersTraining, TrainedModel
from node.simulator.results import Results, Row
from node.simulator.rosters import find_joined, find_present
from node.simulator.rows import compute_error
from node.simulator.scenario import Scenario
from node.simulator.stopwatch import Stopwatch

_VALUE_BYTES: Final = 4


def run_baseline(scenario: Scenario, tell: Callable[[Sequence[Row]], None] | None = None) -> Results:
    """Run a scenario that names a baseline to its end. Arguments and errors as those of `simulate`."""
    assert scenario.baseline is not None
    # An attacker that studies the rule finds none, and the server is everyone's neighbour.
    degree = min(scenario.peers - 1, MAX_DEGREE)
    plain = replace(scenario, rule="none", rule_parameters={}, degree=degree)
    plain = replace(plain, topology="random-regular", topology_parameters={})
    baseline = _KINDS[scenario.baseline](plain)
    for number in range(1, scenario.rounds + 1):
        rows = baseline.round(number)
        if tell is not None:
            tell(rows)
    return replace(baseline.results(), scenario=scenario)


class _Baseline:
    """Peers without a contract: what each goes on with, and the rows of their rounds."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario, self._stopwatch = scenario, Stopwatch()
        self._school, self._attack = PeersTraining(scenario, make_behaviours(scenario)), make_attack(scenario)
        layout = self._school.layout
        initial = make_initial_state(self._school.task, scenario.seed, layout)
        genesis = quantise(initial, layout.blocks, PLAIN).state
        self._bases: dict[int, GridState] = dict.fromkeys(range(scenario.peers), genesis)
        self._kept: dict[int, PrivatePart] = {}
        self._rows: list[Row] = []
        self._digest = sha256()

    def round(self, number: int) -> Sequence[Row]:
        """Train, put together, evaluate. Returns a row for every seat that has joined."""
        scenario, hostile = self._scenario, self._scenario.hostile
        sent_bytes = self._go_on(number, find_present(scenario, number))
        figures = self._evaluate(number)
        rows = [
            Row(
                round=number,
                seat=seat,
                attack=label_of(scenario.attack) if seat in hostile else "honest",
                committed=seat in sent_bytes,
                error=compute_error(figures.get(seat, {})),
                reputation=nan,
                quarantined=False,
                ejected=False,
                payload_bytes=sent_bytes.get(seat, 0),
                figures=figures.get(seat, {}),
            )
            for seat in find_joined(scenario, number)
        ]
        self._digest.update("".join(map(repr, rows)).encode())
        self._rows += rows
        return rows

    def results(self) -> Results:
        """What all rounds gave."""
        for _, base in sorted(self._bases.items()):
            self._digest.update(base.tobytes())
        seconds, told = dict(self._stopwatch.seconds), self._school.task.told_figures
        return Results(self._scenario, self._rows, self._digest.hexdigest(), seconds, told=told)

    def _go_on(self, number: int, present: Sequence[int]) -> Mapping[int, int]:
        """Replace the bases of those present by what comes after them. Returns seat → bytes that it sent."""
        raise NotImplementedError

    def _train(self, number: int, seats: Sequence[int]) -> dict[int, TrainedModel]:
        """Seat → what its training gave, of those that did not diverge."""
        found: list[TrainedModel] = []
        with self._stopwatch.timed("training"):
            for start in range(0, len(seats), GROUP):
                some = seats[start : start + GROUP]
                bases = np.stack([self._bases[seat] for seat in some])
                found += self._school.train(number, some, bases, [self._kept.get(seat, {}) for seat in some])
        return {seat: one for seat, one in zip(seats, found, strict=True) if np.isfinite(one.state).all()}

    def _evaluate(self, number: int) -> dict[int, dict[str, float]]:
        """Honest seat → its next base's figures; empty in rounds without an evaluation."""
        scenario = self._scenario
        if number % scenario.evaluate_every and number != scenario.rounds:
            return {}
        honest = [seat for seat in find_joined(scenario, number) if seat not in scenario.hostile]
        found: list[dict[str, float]] = []
        with self._stopwatch.timed("evaluation"):
            for start in range(0, len(honest), GROUP):
                some = honest[start : start + GROUP]
                bases = np.stack([self._bases[seat] for seat in some])
                kept = [self._kept.get(seat, {}) for seat in some]
                found += self._school.evaluate(number, some, bases, kept, self._attack)
        return dict(zip(honest, found, strict=True))


class _Alone(_Baseline):
    """Nobody hears of anybody."""

    def _go_on(self, number: int, present: Sequence[int]) -> Mapping[int, int]:
        for seat, one in self._train(number, present).items():
            self._bases[seat], self._kept[seat] = _to_grid(one.state), one.private_part
        return {}


class _Central(_Baseline):
    """One model on all data."""

    def _go_on(self, number: int, present: Sequence[int]) -> Mapping[int, int]:
        if not present:
            return {}
        with self._stopwatch.timed("training"):
            one = self._school.train_on_all(number, present, self._bases[0], self._kept.get(0, {}))
        if np.isfinite(one.state).all():
            seats = range(self._scenario.peers)
            self._bases = dict.fromkeys(seats, _to_grid(one.state))
            self._kept = dict.fromkeys(seats, one.private_part)
        return {}


class _FedAvg(_Baseline):
    """A server sends one model to all, and averages what comes back."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self._gang = Attackers(scenario, self._school.layout.tensors, scenario.degree)
        self._published: dict[int, GridState] = {}

    def _go_on(self, number: int, present: Sequence[int]) -> Mapping[int, int]:
        hostile, before = self._scenario.hostile, dict(self._published)
        trained = self._train(number, present)
        sent = {seat: _to_grid(one.state) for seat, one in trained.items() if seat not in hostile}
        self._kept |= {seat: one.private_part for seat, one in trained.items()}
        seen = before if self._scenario.sight == "network" else self._published | sent
        sent |= self._poison(number, {s: one.state for s, one in trained.items() if s in hostile}, seen, list(sent))
        self._published |= {seat: state for seat, state in sent.items() if seat not in hostile}
        read = {seat: state for seat, state in sent.items() if self._is_read(seat)}
        if read:
            weights = np.array([self._school.count_examples(seat, number) for seat in read], np.float64)
            with self._stopwatch.timed("averaging"):
                average = sum(w * state for w, state in zip(weights / weights.sum(), read.values(), strict=True))
            self._bases = dict.fromkeys(self._bases, np.rint(average).astype(np.int32))
        return {seat: _VALUE_BYTES * state.size for seat, state in sent.items()}

    def _poison(
        self, number: int, trained: Mapping[int, Vector], seen: Mapping[int, GridState], honest: Sequence[int]
    ) -> dict[int, GridState]:
        """What the attackers send. honest: the seats that send with them."""
        if not trained:
            return {}
        known = KnownHonest(seen, honest, self._bases, {})
        with self._stopwatch.timed("attacks"):
            wanted = self._gang.publish(number, known, list(trained), np.stack(list(trained.values())))
        pairs = zip(trained, wanted, strict=True)
        return {seat: _to_grid(state) for seat, state in pairs if np.isfinite(state).all()}

    def _is_read(self, seat: int) -> bool:
        behaviour = self._gang.behaviours.get(seat)
        return behaviour is None or (not behaviour.is_unreadable and behaviour.serves(bytes(32)))


_KINDS: Final[Mapping[str, type[_Baseline]]] = {"alone": _Alone, "central": _Central, "fedavg": _FedAvg}


def _to_grid(state: Vector) -> GridState:
    """The nearest state on the grid, (d,), int32. state: (d,), float32, finite."""
    counts = np.rint(state.astype(np.float64) * (1 << GRID_BITS))
    found: GridState = np.clip(counts, -LARGEST, LARGEST).astype(np.int32)
    return found
