"""What each attack is called and takes, and what the simplest of them do to an average."""

import numpy as np
import pytest

from ledger.errors import UsageError
from node.attacks import ATTACKS, choose_attack, list_parameters
from node.attacks.attack import Attack
from node.attacks.plugged import plug_in
from node.attacks.settings import parse_attack_parameters, parse_seats
from node.cli.attack_options import ATTACK_HELP
from node.learning.training import Trainer, layout_of
from node.tasks.interface import load_task
from tests.support.sights import BASE, TRAINED, chosen, sight, sight_of, vector


def averaged_accuracy(attack: str | None, rounds: int = 8) -> float:
    """Plain averaging of eight peers on the digits, two of them attacking."""
    task = load_task("digits", skew=0.0, seed=1, samples=1000)
    layout = layout_of(task.model())
    attacks = [choose_attack(attack) if attack and seat < 2 else Attack() for seat in range(8)]
    peers = [
        Trainer(plug_in(attacks[seat]).train_on(task), layout, seat=seat, seats=8, seed=1) for seat in range(8)
    ]
    state, noise = peers[0].make_initial(), np.random.default_rng(0)
    for round in range(rounds):
        sights = [sight(state, peers[seat].train(state, round), seat=seat, rng=noise) for seat in range(8)]
        published = [one.publish(seen) for one, seen in zip(attacks, sights, strict=True)]
        assert all(update.dtype == np.float32 for update in published)
        state = np.mean(published, axis=0, dtype=np.float32)
    return peers[0].evaluate(state)["accuracy"]


def test_an_honest_peer_changes_nothing() -> None:
    honest = choose_attack("honest")
    assert honest.publish(sight()) is TRAINED
    assert honest.data("anything", 10) == "anything"
    assert honest.blob(b"update", 10, 1, np.random.default_rng(0)) == b"update"
    assert honest.verdicts(0b1110, 0b0110) == 0b0110
    assert honest.serves(bytes(32))
    assert honest.also_announces(bytes(32)) is None
    assert honest.figures(None, None, lambda x: x) == {}
    assert not any((honest.spies, honest.is_unreadable, honest.has_figures))


def test_every_attack_has_a_name_and_a_line_about_it_and_stands_in_the_help() -> None:
    assert all(choose_attack(name).name == name for name in ATTACKS)
    assert all(len(line) > 20 for line in ATTACKS.values())
    listed = [name.partition(" ")[0] for name in ATTACK_HELP.split(", ")]
    assert sorted(listed) == sorted([*ATTACKS, "or"])


@pytest.mark.parametrize("name", list(ATTACKS))
def test_every_attack_publishes_something_finite_of_the_right_shape_whatever_it_knows(name: str) -> None:
    blind = sight()
    alike = sight_of([[1, 2, 3]] * 3, [1, 2, 3], colluders=(6, 7), peers=5)
    seeing = sight_of([[1, 2, 3], [2, 2, 4], [1, 1, 1]], [0, 0, 0], colluders=(6, 7), peers=5)
    for seen in (blind, alike, seeing):
        published = choose_attack(name, accomplices=(6, 7)).publish(seen)
        assert published.shape == (3,)
        assert published.dtype == np.float32
        assert np.isfinite(published).all()


def test_an_unknown_attack_is_a_usage_error_that_lists_them() -> None:
    with pytest.raises(UsageError, match=r"no attack is called 'dos': choose .*gaussian.*withhold"):
        choose_attack("dos")


@pytest.mark.parametrize(
    ("name", "parameters", "complaint"),
    [
        ("ride", {"radius": 1.0}, "attack ride has no parameter 'radius': choose from share, victims, length"),
        ("withhold", {"share": 1.0}, "has no parameter 'share': choose from it has none"),
        ("ride", {"victims": 2.0}, "attack ride: .*victims is in 0..1"),
        ("min-max", {"perturbation": 3.0}, "perturbation is 0"),
        ("malformed", {"kind": 99.0}, "kind is in 0..9"),
        ("oversize", {"factor": 0.5}, "factor is above 1"),
        ("sleeper:label-flip", {}, "a sleeper cannot wake into label-flip"),
        ("sleeper:sleeper", {}, "a sleeper cannot wake into sleeper"),
        ("ride:alie", {}, "no attack is called 'ride:alie'"),
    ],
)
def test_what_an_attack_cannot_take_is_a_usage_error(
    name: str, parameters: dict[str, float], complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint):
        choose_attack(name, parameters)


def test_parameters_reach_the_attack_and_a_sleepers_the_one_it_wakes_into() -> None:
    assert chosen("alie", {"z": 1.5}).z == 1.5
    sleeper = chosen("sleeper:alie", {"asleep": 3, "z": 1.5}, (6, 7))
    assert (sleeper.asleep, sleeper.inner.z, sleeper.accomplices) == (3, 1.5, (6, 7))
    assert chosen("sleeper").inner.name == "ride"
    assert list_parameters("ipm") == {"epsilon": 0.5, "jitter": 0.01}


def test_parameters_are_numbers_by_name() -> None:
    assert parse_attack_parameters(["z=1.5", "kind=2"]) == {"z": 1.5, "kind": 2.0}
    for text in ("z", "z=", "z=nan", "z=inf", "z=many"):
        with pytest.raises(UsageError, match="is not NAME=NUMBER"):
            parse_attack_parameters([text])


def test_accomplices_are_seats() -> None:
    assert parse_seats("") == ()
    assert parse_seats("7, 6,7") == (6, 7)
    for text in ("six", "6,,7", "256", "-1", "9" * 5000):
        with pytest.raises(UsageError, match="is no list of seats"):
            parse_seats(text)


def test_sign_flip_publishes_the_step_reversed_and_lengthened() -> None:
    published = choose_attack("sign-flip").publish(sight())
    assert np.allclose(published, BASE - 5 * (TRAINED - BASE))


def test_gaussian_adds_noise_from_the_given_generator() -> None:
    first, second = (chosen("gaussian").publish(sight()) for _ in range(2))
    assert np.array_equal(first, second)
    noise = chosen("gaussian").publish(sight(np.zeros(10**5, np.float32), np.zeros(10**5, np.float32)))
    assert float(noise.std()) == pytest.approx(chosen("gaussian").deviation, rel=0.02)


@pytest.mark.parametrize("name", ["sign-flip", "gaussian", "ipm", "backdoor"])
def test_a_poisoner_left_to_itself_stays_finite(name: str) -> None:
    poisoner, state = choose_attack(name), BASE
    for _ in range(200):
        state = poisoner.publish(sight(state, state * np.float32(-20)))
    assert np.linalg.norm(state) <= 1000.1 * np.linalg.norm(BASE)


def test_a_lazy_peer_publishes_its_base() -> None:
    assert choose_attack("lazy").publish(sight()) is BASE


def test_each_copier_publishes_another_honest_peers_state() -> None:
    states = [[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]
    copied = [
        choose_attack("copier").publish(sight_of(states, [0, 0], seat=seat, colluders=(6, 7))).tolist()
        for seat in (6, 7)
    ]
    assert copied == states[:2]
    assert choose_attack("copier").publish(sight()) is BASE


def test_a_sleeper_is_honest_until_it_wakes() -> None:
    sleeper = choose_attack("sleeper:sign-flip", {"asleep": 2})
    assert sleeper.publish(sight(round=2)) is TRAINED
    assert np.allclose(sleeper.publish(sight(round=3)), BASE - 5 * (TRAINED - BASE))


def test_a_sleeper_lies_only_when_awake() -> None:
    liar = choose_attack("sleeper:false-verdict", {"asleep": 2})
    liar.publish(sight(round=2))
    assert liar.verdicts(0b1110, 0b0110) == 0b0110
    liar.publish(sight(round=3))
    assert liar.verdicts(0b1110, 0b0110) == 0b1000
    blocker = choose_attack("sleeper:oversize", {"asleep": 2})
    blocker.publish(sight(round=2))
    assert blocker.blob(b"FM", 10, 2, np.random.default_rng(0)) == b"FM"
    assert not blocker.is_unreadable
    blocker.publish(sight(round=3))
    assert len(blocker.blob(b"FM", 10, 3, np.random.default_rng(0))) > 10
    assert blocker.is_unreadable


def test_a_slow_drift_pushes_the_same_way_however_the_others_turn() -> None:
    drift = choose_attack("slow-drift", {"size": 0.5})
    assert drift.publish(sight()) is TRAINED
    first = sight_of([[2.0, 0.0]], [0.0, 0.0], round=2)
    assert drift.publish(first).tolist() == [-1.0, 0.0]
    turned = sight_of([[0.0, 4.0]], [0.0, 0.0], round=3)
    assert drift.publish(turned).tolist() == [-2.0, 0.0]


def test_a_false_verdict_is_the_opposite_within_the_judged() -> None:
    assert choose_attack("false-verdict").verdicts(0b1110, 0b0110) == 0b1000


def test_a_withholder_serves_nothing() -> None:
    assert not choose_attack("withhold").serves(bytes(32))


def test_the_accomplices_agree_on_what_is_random_and_on_nothing_else() -> None:
    first, second = (
        sight(vector(0), vector(0), seat=seat, rng=np.random.default_rng(seat), seed=5) for seat in (6, 7)
    )
    assert first.make_agreed_generator(1).random() == second.make_agreed_generator(1).random()
    assert first.make_agreed_generator(1).random() != first.make_agreed_generator(2).random()
    assert first.rng.random() != second.rng.random()


def test_two_poisoners_in_eight_ruin_a_plain_average() -> None:
    honest = averaged_accuracy(None)
    assert honest > 0.9
    assert averaged_accuracy("sign-flip") < 0.3
    assert averaged_accuracy("gaussian") < honest - 0.1
    assert averaged_accuracy("label-flip") < honest - 0.015
