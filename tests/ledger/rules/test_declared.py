"""What each rule says of itself is so, and what a manifest leaves out means what the protocol says."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ledger.errors import UsageError
from ledger.rules import RULES, ScreeningInput, looks_back, rule_of
from ledger.rules.interface import ScreeningResult
from ledger.rules.judge_memory import JudgeMemory
from ledger.rules.tether import Tether

pytestmark = pytest.mark.rule("R12")

# What a manifest that names no parameters is judged by: every circle deployed so depends on these numbers.
DEFAULTS = {
    "balance": {"gamma_milli": 300, "kappa_milli": 500, "alpha_q15": 16384},
    "cs-plus": {"hostile_milli": 200},
    "krum": {"hostile_milli": 200},
    "median": {},
    "multi-krum": {"hostile_milli": 200},
    "nnm-trimmed-mean": {"hostile_milli": 200},
    "none": {},
    "scclip": {"hostile_milli": 200},
    "tether": {
        "gate_milli": 3000,
        "least_milli": 500,
        "reach_milli": 4000,
        "hidden_milli": 80,
        "unseen_milli": 250,
        "memory_milli": 950,
        "drop_milli": 450,
        "spectral_milli": 3500,
        "share_milli": 190,
        "far_milli": 500,
        "still_milli": 500,
        "settling": 2,
        "few": 6,
        "most": 64,
        "own_votes": 3,
        "sketch_width": 4096,
        "offset_milli": 500,
        "noise_milli": 1200,
        "young_milli": 750,
        "outer_milli": 700,
    },
    "trimmed-mean": {"hostile_milli": 200},
    "ubar": {"hostile_milli": 200, "alpha_q15": 16384},
}
TETHER_RANGES = {
    **dict.fromkeys(["least_milli", "hidden_milli", "unseen_milli", "spectral_milli", "young_milli"], (0, 10**6)),
    **dict.fromkeys(
        ["drop_milli", "share_milli", "far_milli", "still_milli", "offset_milli", "outer_milli"], (0, 1000)
    ),
    "noise_milli": (1000, 10**6),
    **dict.fromkeys(["settling", "few", "most", "own_votes"], (0, 255)),
    "gate_milli": (1000, 10**6),
    "reach_milli": (1, 10**6),
    "memory_milli": (0, 999),
}
SEATS, LENGTH = 9, 64


def states(seed: int) -> tuple[NDArray[np.int32], dict[int, NDArray[np.int32]]]:
    """The judge's own state and those of nine neighbours, of which two are far off."""
    random = np.random.default_rng(seed)
    found = random.integers(-1000, 1000, (SEATS + 1, LENGTH)).astype(np.int32)
    found[1:3] = found[1:3] * 9
    return found[0], dict(enumerate(found[1:]))


def judged(
    name: str, *, base: int = 0, without: Sequence[Any] = (), memory: None = None, seed: int = 1
) -> tuple[ScreeningResult, dict[int, bool]]:
    """Verdicts, mixed and next base in one of some situations."""
    own, neighbours = states(seed)
    neighbours = {seat: state for seat, state in neighbours.items() if seat not in without}
    parameters = {"few": 0, "spectral_milli": 0, "share_milli": 0, "hidden_milli": 10**6, "unseen_milli": 10**6}
    outcome = rule_of(name, {**parameters, "sketch_width": 64} if name == "tether" else {}).screen(
        ScreeningInput(
            np.full(LENGTH, base, np.int32),
            own,
            neighbours,
            frozenset(range(SEATS)),
            2,
            4,
            100,
            bytes(32),
            {},
            memory or JudgeMemory(),
            lambda state: float(np.abs(state.astype(np.int64)).sum()),
        )
    )
    return outcome, {seat: judgement.accepted for seat, judgement in outcome.judgements.items()}


def is_same(one: tuple[ScreeningResult, dict[int, bool]], other: tuple[ScreeningResult, dict[int, bool]]) -> bool:
    (outcome, verdicts), (again, others) = one, other
    return (
        verdicts == others and outcome.mixed == again.mixed and np.array_equal(outcome.next_base, again.next_base)
    )


def test_the_defaults_are_the_protocols() -> None:
    rules: dict[str, Any] = {name: rule_of(name, {}) for name in RULES}
    assert {name: asdict(rule) for name, rule in rules.items()} == DEFAULTS


@pytest.mark.parametrize("name", RULES)
def test_a_rule_needs_the_base_that_it_says_it_needs(name: str) -> None:
    same = [is_same(judged(name, seed=seed), judged(name, base=500, seed=seed)) for seed in range(5)]
    assert rule_of(name, {}).needs_base is not all(same)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_remembers_where_it_says_so(name: str) -> None:
    has_memory = [bool(judged(name, seed=seed)[0].memory.traces) for seed in range(5)]
    assert set(has_memory) == {rule_of(name, {}).needs_memory}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_judges_each_neighbour_alone_where_it_says_so(name: str) -> None:
    """Then a verdict can be recomputed although another neighbour's blob was lost."""
    same = [
        verdicts == {seat: judged(name, seed=seed)[1][seat] for seat in verdicts}
        for seed in range(5)
        for lost in range(SEATS)
        for verdicts in [judged(name, without=[lost], seed=seed)[1]]
    ]
    rule = rule_of(name, {})
    assert all(same) or not rule.judges_each_alone
    # One that draws lots among private losses may agree by chance, and says it cannot be recomputed at all.
    assert rule.judges_each_alone or not all(same) or not rule.is_replayable


def test_only_a_rule_that_asks_for_the_private_loss_cannot_be_replayed() -> None:
    assert [name for name in RULES if not rule_of(name, {}).is_replayable] == ["ubar"]
    assert [name for name in RULES if looks_back(rule_of(name, {}))] == ["tether"]


@pytest.mark.parametrize(("name", "least", "most"), [(name, *ends) for name, ends in TETHER_RANGES.items()])
def test_a_parameter_may_have_every_value_of_its_range_and_none_beyond(name: str, least: int, most: int) -> None:
    for value in (least, most):
        assert getattr(rule_of("tether", {name: value}), name) == value
    for value in (least - 1, most + 1):
        with pytest.raises(UsageError, match=rf"{name} {value} is not in {least}\.\.{most}"):
            rule_of("tether", {name: value})


@pytest.mark.parametrize("width", [8, 4096, 1 << 16])
def test_a_sketch_may_have_these_widths(width: int) -> None:
    rule = rule_of("tether", {"sketch_width": width})
    assert isinstance(rule, Tether)
    assert rule.sketch_width == width


@pytest.mark.parametrize("width", [4, 7, 12, 4095, 1 << 17])
def test_a_sketch_may_have_no_others(width: int) -> None:
    with pytest.raises(UsageError, match="sketch_width"):
        rule_of("tether", {"sketch_width": width})
