"""The whole measurement: what learns by heart leaks, what trains privately does not, and an outlier is found."""

import socket
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ledger.errors import SetupError
from ledger.privacy.planning import parse_privacy_terms
from node.leakage.experiment import Leakage, PublishedStep, Setting, measure_leakage
from node.leakage.pool import Pool
from node.leakage.setting import count_stated, make_setting, with_privacy
from node.leakage.stand_ins import StandIn
from node.tasks.interface import Task

COLUMNS = 40


class ByHeart:
    """Labels at random, so that all there is to learn is which record has which."""

    learning_rate, batch_size = 0.2, 4

    def __init__(self, samples: int = 40) -> None:
        self.samples = samples

    def model(self) -> nn.Module:
        return nn.Sequential(nn.Linear(COLUMNS, 32), nn.ReLU(), nn.Linear(32, 4))

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(seat)
        x = torch.randn(self.samples, COLUMNS, generator=generator)
        return x, torch.randint(4, (self.samples,), generator=generator)


class Alike(ByHeart):
    """Two kinds of record, all but equal within each, and one that is far off and has the wrong label."""

    learning_rate = 0.02
    odd = 17

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(seat)
        y = torch.arange(self.samples) % 2
        x = torch.eye(2, COLUMNS)[y] + 0.02 * torch.randn(self.samples, COLUMNS, generator=generator)
        x[self.odd] = 3 * torch.randn(COLUMNS, generator=generator)
        y[self.odd] = 3
        return x, y


class HeldOut(ByHeart):
    def test_set(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self.data(99, 100)


def make(definition: Any, rounds: int = 1, codec: str = "int8-zstd") -> Setting:
    task = Task(type(definition).__name__, definition)
    rng = np.random.default_rng(1)
    return make_setting(task, seat=0, seats=2, seed=1, codec=codec, rounds=rounds, rng=rng)


def measure(setting: Setting, stand_ins: int = 16) -> Leakage:
    return measure_leakage(setting, stand_ins=stand_ins, rng=np.random.default_rng(2), delta=1e-5)


@pytest.fixture(scope="module")
def learnt_by_heart() -> Leakage:
    return measure(make(ByHeart()))


def test_what_is_learnt_by_heart_is_found(learnt_by_heart: Leakage) -> None:
    shadows = learnt_by_heart.attacks["shadows"]
    assert shadows.area.low > 0.75
    assert learnt_by_heart.strongest == "shadows"
    assert shadows.recognitions[0] is not None
    assert shadows.recognitions[0].recognised.low > 0.05
    assert learnt_by_heart.bound is not None
    assert learnt_by_heart.bound.epsilon > 0.5


def test_every_figure_has_its_count(learnt_by_heart: Leakage) -> None:
    found = learnt_by_heart
    for attack in found.attacks.values():
        assert (attack.area.runs, attack.area.members + attack.area.others) == (16, 16 * 40)
        # With some 320 non-members a rate of .001 cannot be told.
        assert attack.recognitions[1] is None
    assert found.exposure.examples == 40
    assert all(one.members + one.others == 32 for one in found.exposure.listed)
    assert found.read is not None
    assert found.read.members.trials + found.read.others.trials == 32 * 40
    assert found.bound is not None
    assert found.bound.canaries == 16 * 8


def test_under_privacy_terms_the_same_is_hidden_and_the_bound_is_below_the_claim(learnt_by_heart: Leakage) -> None:
    setting = make(ByHeart())
    terms = parse_privacy_terms("epsilon=2", setting.rounds, count_stated(setting))
    found = measure(with_privacy(setting, terms))
    # Its noise is the system's: twenty runs gave .548 to .619.
    assert found.attacks["shadows"].area.value < 0.68
    assert found.exposure.beyond_chance < learnt_by_heart.exposure.beyond_chance / 4
    assert found.bound is not None
    assert found.bound.epsilon <= 2.0


def test_without_noise_to_speak_of_clipping_alone_hides_little() -> None:
    setting = make(ByHeart())
    quiet = parse_privacy_terms("epsilon=2,sigma=0.1,lr=2", setting.rounds, count_stated(setting))
    assert measure(with_privacy(setting, quiet)).attacks["shadows"].area.low > 0.6


def test_a_planted_outlier_is_the_most_exposed() -> None:
    found = measure(make(Alike()))
    assert found.exposure.listed[0].index == Alike.odd
    assert found.exposure.listed[0].area > 0.95
    assert 1 <= found.exposure.beyond_chance <= 3


def test_held_out_records_fill_up_and_are_not_counted() -> None:
    setting = make(HeldOut(20))
    own, held = (HeldOut(20).data(seat, 100)[1].bincount(minlength=4) for seat in (0, 99))
    filled_up = int(torch.minimum(own, held).sum())
    assert (len(setting.pool), setting.pool.own) == (20 + filled_up, 20)
    assert torch.equal(setting.pool.y[20:].bincount(minlength=4), torch.minimum(own, held))
    found = measure(setting, 8)
    assert (found.examples, found.filled_up, found.exposure.examples) == (20, filled_up, 20)
    assert found.attacks["loss"].area.members + found.attacks["loss"].area.others == 8 * 20


def publish(setting: Setting, rows: slice) -> tuple[PublishedStep, ...]:
    """What a peer with these records of the pool publishes, going on from its own states."""
    peer = StandIn(setting.publishing, 999, (setting.pool.x[rows], setting.pool.y[rows]))
    base, steps = setting.publishing.origin, list[PublishedStep]()
    for number in range(1, setting.rounds + 1):
        state = peer.publish(base, number)
        steps.append(PublishedStep(number, base, state))
        base = state
    return tuple(steps)


def test_what_was_published_in_earnest_tells_own_records_from_held_out_ones() -> None:
    setting = make(HeldOut())
    found = measure(replace(setting, published=publish(setting, slice(setting.pool.own)))).published
    assert found is not None
    assert found.area.low > found.by_kind.high
    assert (found.area.members, found.area.members + found.area.others) == (40, len(setting.pool))
    assert found.by_kind.runs == 16


def test_what_was_published_without_ones_records_does_not() -> None:
    setting = make(HeldOut())
    x, y = HeldOut().data(7, 8)
    foreign = replace(setting, pool=Pool(x, y, len(x)))
    found = measure(replace(setting, published=publish(foreign, slice(len(x))))).published
    assert found is not None
    assert found.area.low < 0.5 < found.area.high


def test_without_held_out_records_or_with_other_terms_there_is_nothing_to_compare() -> None:
    alone = make(ByHeart(12))
    assert measure(replace(alone, published=publish(alone, slice(12))), 8).published is None
    setting = make(HeldOut(20))
    published = replace(setting, published=publish(setting, slice(20)))
    terms = parse_privacy_terms("epsilon=2", 1, count_stated(setting))
    assert measure(with_privacy(published, terms), 8).published is None


@pytest.mark.parametrize("codec", ["int8", "delta"])
def test_any_codec_can_be_measured(codec: str) -> None:
    assert measure(make(ByHeart(12), 2, codec), 8).attacks["shadows"].area.value > 0.4


def test_nothing_leaves_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert measure(make(ByHeart(12)), 8).examples == 12


class Few(ByHeart):
    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(3, COLUMNS), torch.zeros(3, dtype=torch.int64)


class Objects(ByHeart):
    def data(self, seat: int, seats: int) -> Any:
        return ["a record"] * 30

    def train(self, model: nn.Module, data: Any, *, round: int, seed: int) -> None:
        pass


class Measurements(Objects):
    def data(self, seat: int, seats: int) -> Any:
        return torch.zeros(30, COLUMNS), torch.zeros(30)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (Few, "has 3 examples, and below 10 nothing can be measured"),
        (Objects, "gives no tensors"),
        (Measurements, "gives x of shape"),
    ],
)
def test_what_cannot_be_measured_is_a_sentence_with_what_to_do(kind: type[ByHeart], says: str) -> None:
    with pytest.raises(SetupError, match=says):
        make(kind())


def test_where_all_labels_are_alike_no_canary_is_planted() -> None:
    class OneLabel(ByHeart):
        def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
            return super().data(seat, seats)[0], torch.zeros(self.samples, dtype=torch.int64)

    assert measure(make(OneLabel(12)), 8).bound is None
