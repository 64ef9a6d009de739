"""The rounds of a simulated circle, one after the other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from ledger.arithmetic.compiled import expect
from ledger.arithmetic.exact import GridState
from ledger.blobs.unixfs import build_dag
from ledger.circle.draw import seats_of
from ledger.circle.round import NO_RECORD, Round
from ledger.codec import PLAIN, quantise
from ledger.rules.judge_memory import CarriedState, JudgeMemory
from node.learning.grid_ranges import MisfitReporter, find_misfits
from node.learning.layout import Layout, Vector
from node.learning.private_part import PrivatePart
from node.simulator.agreed_noise import AgreedNoise
from node.simulator.attackers import Attackers, KnownHonest
from node.simulator.baselines import run_baseline
from node.simulator.blobs import BlobMaker
from node.simulator.contract import SimulatedContract
from node.simulator.engine import Engine, LocalEngine
from node.simulator.judging import JudgeTurn, SharedRound, TurnVerdicts
from node.simulator.leans import Leans
from node.simulator.learning import GridStates, TrainedModel
from node.simulator.neighbours import Neighbours
from node.simulator.publishing import PublishedFrame, Reference, add_residuals, make_reference, publish
from node.simulator.results import Results, Row
from node.simulator.rosters import find_joined, find_present
from node.simulator.rows import make_rows
from node.simulator.scenario import Scenario, generator
from node.simulator.stopwatch import Stopwatch

_Number = TypeVar("_Number", np.int32, np.float32)


@dataclass(frozen=True)
class SimulatedRound:
    """A round just simulated, for whoever watches."""

    round: Round
    """What the chain would say of it."""
    exchange: SharedRound
    """What all judges shared."""
    turns: Mapping[int, JudgeTurn]
    """Seat → what it judged from."""
    judged: Mapping[int, TurnVerdicts]
    """Seat → its verdicts."""
    rows: Sequence[Row]
    """One a peer."""


def simulate(
    scenario: Scenario,
    *,
    engine: Engine | None = None,
    watch: Callable[[SimulatedRound], None] | None = None,
    tell: Callable[[Sequence[Row]], None] | None = None,
) -> Results:
    """Run a scenario to its end. engine: where the peers' work is done, here by default.

    watch: called after each round of a network. tell: called with each round's rows, of a baseline's too (which is
    always computed here). Raises SetupError or UsageError where the task or a field is at fault. Keeps torch to one
    thread, so that sums keep one order.
    """
    torch.set_num_threads(1)
    if scenario.baseline is not None:
        return run_baseline(scenario, tell)
    engine = engine or LocalEngine(scenario)
    judged = min(scenario.degree, scenario.peers - 1) + 1
    expect(scenario.peers * scenario.rounds * judged * engine.manifest.state_size)
    circle = _Circle(scenario, engine)
    for number in range(1, scenario.rounds + 1):
        lap = circle.round(number)
        if watch is not None:
            watch(lap)
        if tell is not None:
            tell(lap.rows)
        # It holds a round's models, and the next round's are as many again.
        del lap
    return circle.results()


class _Circle:
    """A circle's peers and their twin of the contract."""

    def __init__(self, scenario: Scenario, engine: Engine) -> None:
        self._scenario, self._engine = scenario, engine
        self._twin, self._neighbours = SimulatedContract(scenario), Neighbours(scenario)
        self._gang = Attackers(scenario, engine.manifest.layout, self._neighbours.degree)
        self._hostile = scenario.hostile
        self._notary = BlobMaker(scenario, engine.manifest, self._gang.behaviours) if scenario.records else None
        self._layout = Layout.from_tensors(engine.manifest.layout)
        self._noise = AgreedNoise(scenario, engine.manifest.layout)
        initial, self._teller = engine.initial(scenario.seed), MisfitReporter()
        self._genesis = quantise(initial, self._layout.blocks, PLAIN).state
        self._teller.report(find_misfits(initial, self._layout), 0)
        self._bases = self._make_initial()
        # By seat. Arrays are replaced, never written to, so whoever holds one keeps what it saw.
        nothing = np.zeros(self._bases[0].shape, np.float32)
        self._residuals = dict.fromkeys(range(scenario.peers), nothing) if scenario.error_feedback else None
        self._leans = Leans(engine.corrected)
        # Each peer's own part of its model, which it never publishes; none before its first training.
        self._kept: dict[int, PrivatePart] = {}
        self._published: dict[int, PublishedFrame] = {}
        self._memories: dict[int, JudgeMemory] = {}
        # Seat → the last round it attested.
        self._attested: dict[int, int] = {}
        self._rows: list[Row] = []
        self._digest = sha256()
        self._stopwatch = Stopwatch()

    def round(self, number: int) -> SimulatedRound:
        """Train, publish, judge, settle, evaluate."""
        roster = self._find_roster(number)
        frames = self._publish(number, roster)
        present = sorted(frames)
        blobs = self._make_blobs(number, frames)
        named = {seat: build_dag(blob).root for seat, blob in blobs.items()}
        round_ = self._twin.open(named or {seat: sha256(frames[seat].payload).digest() for seat in present})
        exchange, turns = self._share_round(round_, blobs), self._make_turns(round_)
        with self._stopwatch.timed("screening"):
            judged = dict(zip(turns, self._engine.screen(exchange, list(turns.values())), strict=True))
        self._attest(present, judged)
        with self._stopwatch.timed("settling"):
            self._twin.settle()
        rows = make_rows(self._scenario, self._twin, frames, turns, judged, self._evaluate(number))
        self._digest.update("".join(map(repr, rows)).encode())
        self._rows += rows
        return SimulatedRound(round_, exchange, turns, judged, rows)

    def results(self) -> Results:
        """What all rounds gave."""
        for _, base in sorted(self._bases.items()):
            self._digest.update(base.tobytes())
        misfits = tuple(self._teller.told.values())
        return Results(
            self._scenario,
            self._rows,
            self._digest.hexdigest(),
            dict(self._stopwatch.seconds),
            misfits,
            self._engine.told_figures,
        )

    def _make_initial(self) -> dict[int, GridState]:
        """Seat → (d,), int32: the genesis as its frame decodes, for each peer the same unless it has its own."""
        scenario = self._scenario
        if not scenario.own_initialisations:
            return dict.fromkeys(range(scenario.peers), self._genesis)
        seeds = generator(scenario.seed, "initialisations").integers(1 << 31, size=scenario.peers)
        vectors = [self._engine.initial(int(seed)) for seed in seeds]
        return {s: quantise(one, self._layout.blocks, PLAIN).state for s, one in enumerate(vectors)}

    def _find_roster(self, number: int) -> list[int]:
        """The peers that take part in a round: joined, not ejected, not missing."""
        twin = self._twin
        twin.join(find_joined(self._scenario, number))
        return [seat for seat in find_present(self._scenario, number) if seat not in twin.ejected]

    def _publish(self, number: int, roster: Sequence[int]) -> dict[int, PublishedFrame]:
        """Seat → its update, of those that have one."""
        before = dict(self._published) if self._scenario.sight == "network" else None
        honest = [seat for seat in roster if seat not in self._hostile]
        hostile = [seat for seat in roster if seat in self._hostile]
        frames: dict[int, PublishedFrame] = {}
        for start in range(0, len(honest), self._engine.batch):
            some = honest[start : start + self._engine.batch]
            residuals = None if self._residuals is None else _rows(self._residuals, some)
            with self._stopwatch.timed("training"):
                references = [self._make_reference(number, seat) for seat in some]
                starts = add_residuals(_rows(self._bases, some), residuals, self._scenario.codec)
                corrections = self._leans.find(some, self._bases, self._twin.rounds)
                prepared = self._engine.prepare(
                    number, some, starts, self._parts(some), residuals, references, corrections
                )
            self._keep_trained(some, starts, [one.trained for one in prepared], corrections)
            updates = [one.frame for one in prepared]
            self._take(frames, some, updates)
            # What a poisoner's states lose is its own affair.
            self._teller.report((misfit for one in updates if one is not None for misfit in one.misfits), number)
        if hostile:
            with self._stopwatch.timed("training"):
                residuals = None if self._residuals is None else _rows(self._residuals, hostile)
                starts = add_residuals(_rows(self._bases, hostile), residuals, self._scenario.codec)
                corrections = self._leans.find(hostile, self._bases, self._twin.rounds)
                trained = self._engine.train(number, hostile, starts, self._parts(hostile), corrections)
            self._keep_trained(hostile, starts, trained, corrections)
            with self._stopwatch.timed("attack"):
                known = self._find_known([seat for seat in honest if seat in frames], before)
                states = np.stack([one.state for one in trained])
                wanted = self._gang.publish(number, known, hostile, states)
            left, codec, share = self._residuals, self._scenario.codec, self._scenario.frame_share
            poison = [
                publish(
                    one,
                    None if left is None else left[seat],
                    codec,
                    self._layout,
                    self._make_reference(number, seat),
                    share,
                    is_private=bool(self._scenario.privacy),
                )
                for seat, one in zip(hostile, wanted, strict=True)
            ]
            self._take(frames, hostile, poison)
        return frames

    def _keep_trained(
        self,
        seats: Sequence[int],
        starts: GridStates,
        trained: Sequence[TrainedModel],
        corrections: Sequence[Vector | None],
    ) -> None:
        self._kept |= {seat: one.private_part for seat, one in zip(seats, trained, strict=True)}
        self._leans.note(seats, self._bases, starts, trained, corrections)

    def _take(
        self, frames: dict[int, PublishedFrame], seats: Sequence[int], found: Sequence[PublishedFrame | None]
    ) -> None:
        for seat, one in zip(seats, found, strict=True):
            if one is None:
                continue
            frames[seat] = self._published[seat] = one
            if self._residuals is not None and one.residual is not None:
                self._residuals[seat] = one.residual

    def _parts(self, seats: Sequence[int]) -> list[PrivatePart]:
        return [self._kept.get(seat, {}) for seat in seats]

    def _find_known(self, honest: Sequence[int], before: Mapping[int, PublishedFrame] | None) -> KnownHonest:
        """honest: the honest seats that publish now. before: what was public then, None for now."""
        seen = {seat: self._published[seat] for seat in honest} if before is None else before
        states = {seat: one.state for seat, one in seen.items() if seat not in self._hostile}
        return KnownHonest(states, honest, self._bases, self._memories)

    def _make_reference(self, number: int, seat: int) -> Reference | None:
        last, base = self._published.get(seat), self._bases[seat]
        return make_reference(self._scenario.codec, number, seat, last, self._genesis, base)

    def _make_blobs(self, number: int, frames: Mapping[int, PublishedFrame]) -> dict[int, bytes]:
        """Seat → its update's blob; empty where none are made."""
        if self._notary is None:
            return {}
        return {
            seat: self._notary.make_blob(number, seat, self._bases[seat], frame)
            for seat, frame in sorted(frames.items())
        }

    def _share_round(self, round_: Round, blobs: Mapping[int, bytes]) -> SharedRound:
        states = {seat: self._published[seat].state for seat in seats_of(round_.committed)}
        withheld = {
            seat
            for seat, behaviour in self._gang.behaviours.items()
            if seat in states and not behaviour.serves(round_.commits[seat])
        }
        unreadable = {seat for seat in states if self._is_unreadable(seat)}
        assert round_.seed is not None
        return SharedRound(
            round_.number,
            self._scenario.rounds,
            round_.seed,
            round_.find_eligible(self._twin.floor),
            {seat: state for seat, state in states.items() if seat not in unreadable},
            unreadable=frozenset(unreadable),
            withheld=frozenset(withheld),
            noise_floors=self._noise.find_floors(round_.number, states),
            fetched={
                seat: self._notary.hand_out(round_.number, seat, round_.commits[seat], blob)
                for seat, blob in blobs.items()
                if self._notary is not None
            },
        )

    def _make_turns(self, round_: Round) -> dict[int, JudgeTurn]:
        """Seat → its part as a judge; one whose own update cannot be read has no state to judge from."""
        if len(round_.commits) < 2:
            return {}
        linked = self._neighbours.find(round_)
        return {
            seat: JudgeTurn(
                seat,
                CarriedState(self._bases[seat], self._memories.get(seat, JudgeMemory())),
                linked[seat],
                self._kept.get(seat, {}),
                self._attested.get(seat, round_.number - 1),
            )
            for seat in sorted(linked)
            if not self._is_unreadable(seat)
        }

    def _is_unreadable(self, seat: int) -> bool:
        return seat in self._hostile and self._gang.behaviours[seat].is_unreadable

    def _attest(self, present: Sequence[int], judged: Mapping[int, TurnVerdicts]) -> None:
        for seat in present:
            self._attested[seat] = len(self._twin.rounds)
            if seat not in judged:
                # It could judge nobody, and says so.
                self._twin.attest(seat, 0, 0, NO_RECORD)
                continue
            one, behaviour = judged[seat], self._gang.behaviours.get(seat)
            accepted = behaviour.verdicts(one.judged, one.accepted) if behaviour else one.accepted
            self._twin.attest(seat, one.judged, accepted, build_dag(one.record).root if one.record else NO_RECORD)
            self._bases[seat] = one.carried.base
            self._memories[seat] = one.carried.memory

    def _evaluate(self, number: int) -> dict[int, dict[str, float]]:
        """Honest seat → its next base's figures; empty in rounds without an evaluation."""
        if number % self._scenario.evaluate_every and number != self._scenario.rounds:
            return {}
        honest = sorted(self._twin.reputations.keys() - self._hostile)
        found: list[dict[str, float]] = []
        with self._stopwatch.timed("evaluation"):
            for start in range(0, len(honest), self._engine.batch):
                some = honest[start : start + self._engine.batch]
                found += self._engine.evaluate(number, some, _rows(self._bases, some), self._parts(some))
        return dict(zip(honest, found, strict=True))


def _rows(vectors: Mapping[int, NDArray[_Number]], seats: Sequence[int]) -> NDArray[_Number]:
    """One matrix of these seats' vectors, (seats, d)."""
    return np.stack([vectors[seat] for seat in seats])
