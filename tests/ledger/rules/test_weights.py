"""What a rule says that its next base is made of gives that base to the bit, by another way of summing."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.arithmetic.exact import mix_weighted
from ledger.rules import RULES, ScreeningInput, rule_of

pytestmark = pytest.mark.rule("R33.2")
LENGTH = 48
LINEAR = sorted(RULES.keys() - {"median", "trimmed-mean", "nnm-trimmed-mean", "ubar"})


def situation(seed: int, spread: int, seats: int, barred: int) -> ScreeningInput:
    """A judge and its neighbours at very different distances, one of them not eligible."""
    random = np.random.default_rng(seed)
    base = random.integers(-(1 << 20), 1 << 20, LENGTH)
    steps = random.integers(-spread, spread + 1, (seats + 1, LENGTH)) * random.integers(1, 6, (seats + 1, 1))
    states = np.clip(base + steps, -(1 << 24), 1 << 24).astype(np.int32)
    return ScreeningInput(
        base=base.astype(np.int32),
        own=states[0],
        neighbours=dict(enumerate(states[1:], 1)),
        eligible=frozenset(range(1, seats + 1)) - {barred},
        round=3,
        rounds=9,
        tenures=dict.fromkeys(range(seats + 1), 1),
    )


@pytest.mark.parametrize("name", LINEAR)
@given(st.integers(0, 1 << 30), st.sampled_from([0, 3, 4000, 1 << 22]), st.integers(0, 9), st.integers(0, 9))
def test_a_next_base_is_what_its_weights_give(name: str, seed: int, spread: int, seats: int, barred: int) -> None:
    inputs = situation(seed, spread, seats, barred)
    parameters: Mapping[str, int] = {"sketch_width": 64} if name == "tether" else {}
    outcome = rule_of(name, parameters).screen(inputs)
    weights = outcome.weights
    assert weights is not None
    assert weights.others.keys() <= outcome.mixed
    others = [inputs.neighbours[seat] for seat in weights.others]
    again = mix_weighted([inputs.base, inputs.own, *others], [weights.base, weights.own, *weights.others.values()])
    assert np.array_equal(again, outcome.next_base)


@pytest.mark.parametrize("name", ["median", "trimmed-mean", "nnm-trimmed-mean"])
def test_a_rule_that_weighs_each_value_by_itself_names_no_weights(name: str) -> None:
    assert rule_of(name, {}).screen(situation(1, 4000, 5, 9)).weights is None


def test_weights_that_would_overflow_are_refused() -> None:
    one = np.ones(3, np.int32)
    with pytest.raises(ValueError, match="cannot be summed exactly"):
        mix_weighted([one, one], [1 << 37, 1])
    with pytest.raises(ValueError, match="cannot be summed exactly"):
        mix_weighted([one, one], [2, -1])
    with pytest.raises(ValueError, match="cannot be summed exactly"):
        mix_weighted([one], [0])
