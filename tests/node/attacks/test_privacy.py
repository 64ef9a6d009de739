"""False claims of differential privacy: what is trained with, and what is said of it."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from ledger.blobs.contents.records import Update, decode_update, encode_update, update_max_bytes
from ledger.codec import ZSTD, blocks_of, quantise
from ledger.errors import UsageError
from ledger.privacy.statement import PrivacyStatement, check_statement, make_statement
from node.attacks import choose_attack
from node.attacks.attack import Attack
from node.attacks.plugged import plug_in
from node.learning.private.mechanism import Mechanism, Privacy
from node.learning.private.randomness import SystemRandomness
from tests.support.histories.parts import manifest_of
from tests.support.privacy import TERMS
from tests.support.sights import sight

NETWORK, AUTHOR = bytes(range(32)), bytes(range(20))
MANIFEST = manifest_of(20, 3, codec=ZSTD, rule="none", rule_parameters={}, privacy=TERMS)
AGREED = Mechanism(steps=4, batch=250, rate=Fraction(1, 4), clip=1.0, sigma=1.958, learning_rate=1.6, examples=1000)


class Charging:
    """Private training with a budget of two rounds."""

    def __init__(self) -> None:
        self.charged: list[int] = []

    def begin(self, round_number: int, examples: int) -> Privacy | None:
        if len(self.charged) == 2:
            return None
        self.charged.append(round_number)
        return Privacy(AGREED, SystemRandomness())


def trained_with(attack: Attack) -> tuple[list[int], Iterator[float | None]]:
    """The rounds charged, and with what noise each of three was trained; None for none."""
    charging = Charging()
    training = plug_in(attack).train_privately(charging)
    means = [training.begin(number, 1000) for number in (1, 2, 3)]
    return charging.charged, (None if one is None else one.mechanism.sigma for one in means)


def said_by(attack: Attack, said: PrivacyStatement, number: int = 2) -> PrivacyStatement:
    """What an update says in which its author should say `said`; judges take it as valid."""
    payload = quantise(np.ones(MANIFEST.state_size, np.float32), blocks_of(MANIFEST.sizes)).payload
    blob = encode_update(Update(NETWORK, number, AUTHOR, bytes(32), ZSTD, payload, b"", said))
    attack.publish(sight(privacy=TERMS, round=number))
    changed = attack.blob(blob, update_max_bytes(MANIFEST), number, np.random.default_rng(0))
    found = decode_update(changed, MANIFEST, NETWORK, number, AUTHOR).privacy
    check_statement(found, TERMS)
    assert found is not None
    return found


def test_less_noise_is_charged_for_all_of_it() -> None:
    charged, sigmas = trained_with(choose_attack("less-noise", {"share": 0.5}))
    assert (charged, list(sigmas)) == ([1, 2], [1.958 / 2, 1.958 / 2, None])
    assert choose_attack("less-noise").mechanism(AGREED, 1).sigma < 1e-5


def test_everybody_else_trains_as_agreed() -> None:
    assert list(trained_with(choose_attack("sign-flip"))[1]) == [1.958, 1.958, None]
    training = Charging()
    assert plug_in(Attack()).train_privately(training) is training


def test_who_is_asleep_trains_as_agreed() -> None:
    sleeper = choose_attack("sleeper:less-noise", {"asleep": 1, "share": 0.5})
    assert [sleeper.mechanism(AGREED, number) for number in (1, 2)] == [AGREED, replace(AGREED, sigma=1.958 / 2)]


def test_the_uncharged_say_what_they_said_before() -> None:
    true = make_statement(TERMS, 3, 1, examples=1000)
    assert said_by(choose_attack("uncharged"), true) == make_statement(TERMS, 2, 0, examples=1000)


@pytest.mark.parametrize("examples", [0, 1000])
def test_more_examples_make_what_is_spent_seem_less(examples: int) -> None:
    true = make_statement(TERMS, 3, 1, examples=examples, rate=None if examples else 250_000_000)
    said = said_by(choose_attack("more-examples", {"factor": 4}), true)
    assert (said.rounds, said.charged, said.examples) == (3, 1, 4 * examples)
    assert said.rate == 62_500_000
    assert said.epsilon_milli < true.epsilon_milli


@pytest.mark.parametrize("name", ["uncharged", "more-examples"])
def test_without_privacy_terms_nothing_is_said(name: str) -> None:
    attack = choose_attack(name)
    attack.publish(sight())
    assert attack.blob(b"an update", 100, 1, np.random.default_rng(0)) == b"an update"


@pytest.mark.parametrize(("name", "parameter"), [("less-noise", "share"), ("more-examples", "factor")])
def test_an_attack_that_is_none_is_refused(name: str, parameter: str) -> None:
    with pytest.raises(UsageError, match=parameter):
        choose_attack(name, {parameter: 1.0})
