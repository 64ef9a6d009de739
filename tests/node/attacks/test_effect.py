"""Whose harm a run without a rule would show."""

from node.attacks import ATTACKS, choose_attack
from node.attacks.effect import spoils_models

AROUND_THE_MODEL = {
    "copier", "lazy", "withhold", "equivocate", "false-verdict", "less-noise", "uncharged", "more-examples",
    "repeated-noise", "sparse-noise", "sign-noise", "borrowed-noise", "hidden-step", "oversize", "malformed",
}  # fmt: skip


def test_those_that_break_the_protocol_around_honest_training_spoil_no_model() -> None:
    assert {name for name in ATTACKS if not spoils_models(choose_attack(name))} == AROUND_THE_MODEL
    assert not spoils_models(choose_attack("honest"))


def test_a_sleeper_does_what_it_wakes_into() -> None:
    assert spoils_models(choose_attack("sleeper:ride"))
    assert not spoils_models(choose_attack("sleeper:false-verdict"))
