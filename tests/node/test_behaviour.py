"""The port of a peer: the honest one changes nothing and knows no attack, and an attack plugs in from outside."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from ledger.circle.events import Answer
from ledger.identity.network import Network
from node.attacks import choose_attack
from node.attacks.attack import Attack
from node.attacks.plugged import Plugged, plug_in
from node.attacks.view import NOTHING_KNOWN
from node.behaviour import Behaviour, SeatedPeer
from node.gossip.messages import Announcement
from node.learning.learner import TrainedUpdate
from node.tasks.interface import Task
from tests.support.histories.parts import manifest_of

ABOVE_THE_PEER = ("node.attacks", "node.simulator", "node.leakage", "node.demo", "node.cli")
TASK = Task("points.py:Points", object())
DIGEST = b"\1" * 32
TRAINED = TrainedUpdate(
    1, 0, bytes(32), manifest_of(1), np.zeros(3, np.float32), np.ones(3, np.float32), np.random.default_rng(0)
)


def test_a_peer_is_imported_without_what_stands_above_it() -> None:
    told = f"import sys, node.peer; print(*[name for name in sys.modules if name.startswith({ABOVE_THE_PEER})])"
    found = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True)
    assert found.stdout.split() == []


def test_an_honest_peer_trains_publishes_attests_and_serves_as_it_is_told() -> None:
    honest = Behaviour()
    assert honest.train_on(TASK) is TASK
    assert honest.update(TRAINED) is TRAINED.state
    assert honest.blob(b"update", 10, 1, TRAINED.rng) == b"update"
    assert honest.serves(DIGEST)
    assert honest.verdicts(0b1110, 0b0110) == 0b0110
    assert honest.answers(Answer.UPHOLDS, is_own=True) == Answer.UPHOLDS
    assert not honest.is_unreadable


def test_what_does_nothing_wrong_is_the_honest_peer() -> None:
    assert type(plug_in(choose_attack("honest"))) is Behaviour
    assert type(plug_in(Attack(), watched=choose_attack("backdoor"))) is Plugged


class Flood:
    """The gossip of a peer, and what it is made to spread."""

    def __init__(self) -> None:
        self.address = "0x" + "11" * 20
        self.said: list[Announcement] = []

    def spread(self, announcement: Announcement) -> None:
        self.said.append(announcement)


def seated(flood: Any) -> SeatedPeer:
    def history() -> Any:
        raise AssertionError("nobody looks")

    async def fetch(wanted: Mapping[bytes, int], max_bytes: int) -> Mapping[bytes, bytes | None]:
        raise AssertionError("nobody asks")

    network = Network.of(31337, "0x5FbDB2315678afecb367f032d93F642f64180aa3")
    return SeatedPeer(history, network, b"\1" * 32, 0, np.zeros(3, np.int32), flood, fetch)


async def test_who_does_not_spy_looks_at_nothing() -> None:
    poisoner = plug_in(choose_attack("sign-flip"))
    assert isinstance(poisoner, Plugged)
    poisoner.enter(seated(Flood()))
    await poisoner.before_update(5)
    assert poisoner._known is NOTHING_KNOWN


@pytest.mark.parametrize(("attack", "others"), [("equivocate", 1), ("withhold", 0)])
def test_who_says_two_things_at_once_says_the_second_after_the_first(attack: str, others: int) -> None:
    flood, liar = Flood(), plug_in(choose_attack(attack))
    liar.enter(seated(flood))
    liar.after_announcing(3, DIGEST)
    assert [one.round for one in flood.said] == [3] * others
    assert all(one.digest != DIGEST for one in flood.said)
