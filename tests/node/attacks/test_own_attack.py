"""Attacks of a user's own."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ledger.errors import SetupError, UsageError
from node.attacks import choose_attack
from node.attacks.attack import Attack
from node.attacks.solo import SignFlip
from node.attacks.view import PeerView
from node.simulator import Scenario, simulate
from tests.support.sights import sight

SMALL = Scenario(task="digits", peers=6, rounds=2, degree=3, samples=30, malicious=0.34)


class Own(Attack):
    """What a user might write: it gives what it is told to give."""

    def __init__(self, found: Any = None) -> None:
        self.found = found

    def publish(self, view: PeerView) -> Any:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def blob(self, blob: bytes, limit: int, round_number: int, rng: np.random.Generator) -> Any:
        return self.found

    def verdicts(self, judged: int, accepted: int) -> Any:
        return self.found


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, "gave a NoneType: give float32 like view.trained"),
        (np.zeros(2, np.float32), r"gave an array of shape \(2,\)"),
        (np.zeros(3), "gave float64"),
        (np.array([1, np.nan, 0], np.float32), "not finite"),
        (ValueError("no"), r"publish\(\) failed at .*test_own_attack.py:\d+ with ValueError: no"),
    ],
)
def test_poison_that_is_no_state_is_said_with_the_methods_place(found: Any, said: str) -> None:
    with pytest.raises(SetupError, match=said) as raised:
        choose_attack(Own(found)).publish(sight())
    assert "test_own_attack.py:" in str(raised.value)


def test_bytes_and_masks_are_checked_too() -> None:
    with pytest.raises(SetupError, match=r"blob\(\) at .* gave a NoneType: give bytes"):
        choose_attack(Own(None)).blob(b"", 9, 1, np.random.default_rng())
    with pytest.raises(SetupError, match=r"verdicts\(\) at .* gave 6: give a mask"):
        choose_attack(Own(6)).verdicts(2, 2)


def test_each_peer_has_an_object_of_its_own() -> None:
    given = Own(np.zeros(3, np.float32))
    one, other = choose_attack(given, accomplices=(1,)), choose_attack(given, accomplices=(2,))
    assert (one.accomplices, other.accomplices, given.accomplices) == ((1,), (2,), ())


def test_a_class_that_is_no_attack_is_told_what_to_derive_from() -> None:
    class Stranger:
        def publish(self, view: PeerView) -> Any:
            return view.trained

    with pytest.raises(SetupError, match="derive its class from that"):
        choose_attack(Stranger)


def test_an_attack_derived_from_one_that_ships_does_the_same(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mine.py"
    path.write_text("from node.attacks.solo import SignFlip\n\n\nclass Mine(SignFlip):\n    pass\n")

    class Mine(SignFlip):
        pass

    shipped = simulate(replace(SMALL, attack="sign-flip", attack_parameters={"scale": 3.0}))
    for attack, parameters in ((Mine, {"scale": 3.0}), (Mine(3.0), {}), (f"{path}:Mine", {"scale": 3.0})):
        found = simulate(replace(SMALL, attack=attack, attack_parameters=parameters))
        assert [replace(row, attack="") for row in found.rows] == [replace(row, attack="") for row in shipped.rows]
    assert choose_attack(f"sleeper:{path}:Mine", {"scale": 3.0}).name == "sleeper"


def test_an_unknown_parameter_or_name_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="attack Own has no parameter 'z': choose from found"):
        choose_attack(Own, {"z": 1})
    with pytest.raises(UsageError, match="no attack is called 'sing-flip': choose sign-flip"):
        choose_attack("sing-flip")
