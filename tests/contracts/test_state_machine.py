"""Some thousand random calls; `python -m scripts.contracts.soak` makes as many as one likes."""

from random import Random

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ledger.circle.events import Outcome, Stage
from tests.support.contract.walk import STEPS, Walk, random_terms

pytestmark = pytest.mark.rule("R3", "R4")

CHANCE = st.randoms(use_true_random=False)


class RandomCircle(RuleBasedStateMachine):
    """One circle under random calls; after each, contract and twin agree."""

    @initialize(chance=CHANCE)
    def deploy(self, chance: Random) -> None:
        """With random terms."""
        self.walk = Walk(random_terms(chance))

    @rule(chance=CHANCE)
    def lead_on(self, chance: Random) -> None:
        """A step that most often leads on."""
        self.walk.take(chance)

    @rule(step=st.sampled_from(STEPS), chance=CHANCE)
    def any_step(self, step: str, chance: Random) -> None:
        """Any step, whether it leads on or not."""
        getattr(self.walk, step)(chance)

    @invariant()
    def agree(self) -> None:
        """All that the views tell is what the twin holds."""
        if hasattr(self, "walk") and self.walk.steps % 16 == 0:
            self.walk.circle.check()


RandomCircle.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    # To shorten a failing run would take minutes.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
TestCircleUnderRandomCalls = RandomCircle.TestCase


def test_walks_of_thousands_of_calls_end_with_contract_and_twin_alike() -> None:
    accepted: set[str] = set()
    stages, outcomes = set[int](), set[int | None]()
    for seed in range(10):
        chance = Random(seed)
        walk = Walk(random_terms(chance), check_every=8)
        while walk.steps < 250:
            walk.take(chance)
        walk.circle.check()
        accepted |= set(walk.accepted)
        stages |= {case.stage for case in walk.twin.disputes}
        outcomes |= {case.outcome for case in walk.twin.disputes}
    # The walks are worth something: they lead through every function, and disputes to every end.
    assert accepted == set(walk.calls)
    assert stages >= {Stage.DRAWING, Stage.APPEAL, Stage.CIRCLE}
    assert outcomes >= set(Outcome)


def test_a_walk_where_seats_are_taken_again() -> None:
    chance = Random(1)
    walk = Walk(random_terms(chance).but(start_seats=3, quorum=2), check_every=64)
    walk.crowd()
    while walk.steps < 1100:
        walk.take(chance)
    walk.circle.check()
    assert max(held.tenure for held in walk.twin.seats.values()) > 1
