"""What a learner publishes of what it has trained."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ledger.arithmetic.exact import GridState, to_float
from ledger.blobs.contents.records import decode_update
from ledger.circle.manifest import Manifest
from ledger.codec import CODECS, DELTA, LARGEST, PLAIN, RESIDUAL_SHARE, SENT_SHARE, ZSTD, blocks_of, decode
from ledger.judging.frame_chains import (
    CircleTask,
    Commit,
    DecodedState,
    StateCache,
    decode_public_state,
    make_fetched_update,
)
from node.behaviour import Behaviour
from node.learning.layout import Vector
from node.learning.lean import NOTHING, Corrected, Verdicts
from node.learning.learner import Learner, PreviousCommit, TrainedUpdate, add_residual
from node.learning.training import Trainer, TrainingDiverged, layout_of
from node.operating.meter import Meter
from node.simulator.predictable_randomness import PredictableTraining
from node.tasks.interface import Task
from tests.support.histories.parts import manifest_of

AUTHOR, NETWORK = bytes(20), bytes(32)


class Points:
    """Random points of many values, so that every weight moves in training."""

    def model(self) -> nn.Module:
        return nn.Linear(200, 50)

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(seat)
        return torch.randn(64, 200, generator=generator), torch.randint(0, 50, (64,), generator=generator)


def learner_of(codec: str, peer: Behaviour | None = None, **options: Any) -> tuple[Learner, Manifest]:
    task = Task("points.py:Points", Points())
    layout = layout_of(task.model())
    manifest = manifest_of(
        3, 1, task="points.py:Points", layout=layout.tensors, codec=codec, rule="none", rule_parameters={}
    )
    trainer = Trainer(task, layout, seat=0, seats=2, seed=1)
    return Learner(trainer, manifest, peer or Behaviour(), 1, Meter(), **options), manifest


@pytest.mark.parametrize("codec", CODECS)
def test_a_base_that_training_cannot_start_from_is_published_as_it_is(
    codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner, manifest = learner_of(codec)
    genesis, poisoned = np.zeros(manifest.state_size, np.int32), np.full(manifest.state_size, 1 << 20, np.int32)

    def diverge(start: Vector, number: int, correction: Vector | None) -> Vector:
        raise TrainingDiverged("points.py:Points", number, "weight")

    monkeypatch.setattr(learner._trainer, "train", diverge)
    residual = np.zeros(manifest.state_size, np.float32)
    prepared = learner.prepare(NETWORK, 2, AUTHOR, poisoned, residual, None, genesis)
    update = decode_update(prepared.blob, manifest, NETWORK, 2, AUTHOR)
    state = decode(update.payload, codec, blocks_of(manifest.sizes), None, genesis)
    assert np.array_equal(state, poisoned)
    with pytest.raises(TrainingDiverged, match="lower the task's learning_rate"):
        learner.prepare(NETWORK, 1, AUTHOR, genesis, residual, None, genesis)


def published_by(
    learner: Learner, manifest: Manifest, base: GridState, previous: PreviousCommit | None
) -> GridState:
    """What the learner's update of round 2 decodes to, (d,), int32."""
    prepared = learner.prepare(NETWORK, 2, AUTHOR, base, np.zeros(len(base), np.float32), previous, base)
    link, states = Commit(2, bytes(32), AUTHOR), StateCache(base)
    links: tuple[Commit, ...] = (link,)
    if previous is not None:
        before = Commit(1, previous.digest, AUTHOR)
        states.put(before, DecodedState(previous.state, bytes(32)))
        links = (link, before)
    return decode_public_state(
        make_fetched_update(links, 1, {link.digest: prepared.blob}), CircleTask(manifest, NETWORK, states)
    ).state


class Publishing(Behaviour):
    """Publishes this vector, whatever training gave."""

    def __init__(self, vector: np.ndarray) -> None:
        self.vector = vector

    def update(self, trained: TrainedUpdate) -> np.ndarray:
        return self.vector


SIZE = 10_050
VECTOR = np.random.default_rng(3).normal(size=SIZE).astype(np.float32)
GENESIS = np.zeros(SIZE, np.int32)


def prepared_by(vector: np.ndarray, codec: str, residual: float) -> tuple[np.ndarray, np.ndarray]:
    """What is published, as floats, and what is left over, where this vector is wanted and so much was left."""
    learner, manifest = learner_of(codec, Publishing(vector))
    left = np.full(SIZE, residual, np.float32)
    prepared = learner.prepare(NETWORK, 2, AUTHOR, GENESIS, left, None, GENESIS)
    found = decode_public_state(
        make_fetched_update([Commit(2, bytes(32), AUTHOR)], 1, {bytes(32): prepared.blob}),
        CircleTask(manifest, NETWORK, StateCache(GENESIS)),
    )
    return to_float(found.state), prepared.residual


@pytest.mark.parametrize("codec", [PLAIN, ZSTD])
def test_what_the_last_frame_left_over_is_published_with_the_next_one(codec: str) -> None:
    for residual in (0.0, 0.3, -1.0):
        state, left = prepared_by(VECTOR, codec, residual)
        np.testing.assert_allclose(state + left, VECTOR + np.float32(residual), atol=1e-6)
        assert np.abs(left).max() < 0.1, "less than a step stays behind"


def test_under_a_chained_codec_the_residual_is_none_of_the_update() -> None:
    """It has a part in what training starts from."""
    one, other = (prepared_by(VECTOR, DELTA, residual)[0] for residual in (0.0, 0.3))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("largest", [1000.0, -1000.0])
def test_who_trained_itself_far_off_goes_on_with_what_a_frame_can_hold(codec: str, largest: float) -> None:
    vector = VECTOR.copy()
    vector[0] = largest
    state, left = prepared_by(vector, codec, 0.0)
    assert state[0] == pytest.approx(np.copysign(LARGEST, largest), rel=0.01)
    assert abs(left[0]) < 3, "what no frame can hold is not asked for again"
    assert np.isfinite(state).all()


def test_training_starts_with_part_of_what_the_last_frame_left_out() -> None:
    residual = np.full(SIZE, 0.25, np.float32)
    np.testing.assert_allclose(add_residual(VECTOR, residual, DELTA), VECTOR + RESIDUAL_SHARE * residual)
    for codec in (PLAIN, ZSTD):
        np.testing.assert_array_equal(add_residual(VECTOR, residual, codec), VECTOR)


@pytest.mark.parametrize(("codec", "leans"), [(DELTA, True), (ZSTD, False)])
def test_a_learner_trains_from_where_it_leans_to(codec: str, leans: bool) -> None:
    learner, _ = learner_of(codec)
    started: list[np.ndarray] = []
    learner._trainer.train = lambda base, round, correction=None: started.append(base) or base
    residual = np.full(SIZE, 0.25, np.float32)
    learner.prepare(NETWORK, 2, AUTHOR, GENESIS, residual, None, GENESIS)
    np.testing.assert_allclose(started[0], (RESIDUAL_SHARE * residual) if leans else 0 * residual)


@pytest.mark.parametrize("share", [None, 0.1, 0.5])
def test_a_learner_sends_the_share_of_values_that_it_is_told(share: float | None) -> None:
    learner, manifest = learner_of(DELTA) if share is None else learner_of(DELTA, share=share)
    base = np.zeros(manifest.state_size, np.int32)
    state = published_by(learner, manifest, base, PreviousCommit(b"\1" * 32, base.copy()))
    wanted = SENT_SHARE if share is None else share
    assert 0.8 * wanted < (state != base).mean() < 1.2 * wanted


def test_under_other_codecs_the_share_changes_nothing() -> None:
    base = np.zeros(10_050, np.int32)
    few, many = (published_by(*learner_of(ZSTD, share=share), base, None) for share in (0.01, 1.0))
    np.testing.assert_array_equal(few, many)
    assert (few != base).mean() > 0.5


class CountedTraining:
    """Stands in for a trainer: each training gives another vector."""

    def __init__(self, learner: Learner) -> None:
        self.rounds: list[int] = []
        self._train = learner._trainer.train
        learner._trainer.train = self.__call__

    def __call__(self, base: Vector, round: int, correction: Vector | None = None) -> Vector:
        self.rounds.append(round)
        return self._train(base, round, correction)


@pytest.mark.parametrize("codec", CODECS)
def test_what_was_trained_is_kept_until_the_base_is_another(codec: str) -> None:
    """A peer that missed a round commits in the next one as soon as that opens."""
    learner, manifest = learner_of(codec)
    training = CountedTraining(learner)
    genesis, residual = np.zeros(manifest.state_size, np.int32), np.zeros(manifest.state_size, np.float32)
    learner.train_ahead(2, genesis, residual, genesis)
    made = [learner.prepare(NETWORK, number, AUTHOR, genesis, residual, None, genesis) for number in (2, 3)]
    assert training.rounds == [2]
    states = [
        decode_update(one.blob, manifest, NETWORK, number, AUTHOR) for one, number in zip(made, (2, 3), strict=True)
    ]
    assert states[0].payload == states[1].payload
    learner.prepare(NETWORK, 4, AUTHOR, genesis + 1, residual, None, genesis)
    assert training.rounds == [2, 4]
    learner.prepare(NETWORK, 5, AUTHOR, genesis, residual, None, genesis)
    assert training.rounds == [2, 4, 5], "the vector of one base is kept, not of all"


@pytest.mark.parametrize(("options", "is_corrected"), [({}, False), ({"correction": 0.9}, True)])
def test_from_its_second_base_on_a_peer_trains_against_what_it_adds_apart_from_the_circle(
    options: dict[str, float], is_corrected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in options.items():
        monkeypatch.setattr(Points, name, value, raising=False)
    learner, manifest = learner_of(ZSTD)
    found: list[Vector | None] = []
    train = learner._trainer.train

    def watch(base: Vector, round: int, correction: Vector | None = None) -> Vector:
        found.append(correction)
        return train(base, round, correction)

    monkeypatch.setattr(learner._trainer, "train", watch)
    base, residual = np.zeros(manifest.state_size, np.int32), np.zeros(manifest.state_size, np.float32)
    learner.prepare(NETWORK, 1, AUTHOR, base, residual, None, base, verdicts=Verdicts())
    # The circle takes up hardly any of it.
    learner.train_ahead(2, base + 1, residual, base, Verdicts())
    learner.prepare(NETWORK, 2, AUTHOR, base + 1, residual, None, base, verdicts=Verdicts())
    learner.prepare(NETWORK, 3, AUTHOR, base + 2, residual, None, base)
    assert [one is not None for one in found] == [False, is_corrected, False], "without verdicts nothing is"
    if found[1] is not None:
        step = train(to_float(base), 1) - to_float(base)
        assert float(np.vdot(found[1], step)) < 0


def test_with_differential_privacy_a_peer_corrects_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Points, "correction", 0.9, raising=False)
    task = Task("points.py:Points", Points())
    layout = layout_of(task.model())
    private = PredictableTraining({"steps": 1, "batch": 8, "clip": 1.0, "sigma": 1.0, "lr": 0.1}, 0, 0)
    assert Trainer(task, layout, seat=0, seats=2, seed=1).corrected == Corrected(0.9)
    assert Trainer(task, layout, seat=0, seats=2, seed=1, private=private).corrected == NOTHING
