"""Rules of a user's own."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ledger.errors import SetupError, UsageError
from ledger.rules import RULES, Judgement, ScreeningInput, ScreeningResult, Weights
from ledger.rules.judge_memory import AuthorTrace, JudgeMemory
from ledger.rules.tether import Tether
from ledger.rules.undefended import Undefended
from node.own_rules import choose_rule
from node.simulator import Scenario, simulate

STATE = np.arange(3, dtype=np.int32)
INPUTS = ScreeningInput(STATE, STATE, {1: STATE + 1, 4: STATE + 2}, frozenset({1, 4}), 1, 5)
RIGHT = ScreeningResult({1: Judgement(True, {}), 4: Judgement(False, {"far": 9})}, frozenset({1}), STATE)
SMALL = Scenario(task="digits", peers=6, rounds=2, degree=3, samples=30, malicious=0.2, attack="sign-flip")


class Own:
    """What a user might write: it gives what it is told to give."""

    is_replayable = True

    def __init__(self, *found: Any) -> None:
        self.found = list(found)

    def screen(self, inputs: ScreeningInput) -> Any:
        found = self.found[0] if len(self.found) == 1 else self.found.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


def test_a_right_outcome_passes_as_it_is() -> None:
    found = choose_rule(Own(RIGHT)).screen(INPUTS)
    assert (found.judgements, found.mixed, found.weights) == (RIGHT.judgements, RIGHT.mixed, None)
    assert np.array_equal(found.next_base, STATE)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, "gave a NoneType: give a ScreeningResult"),
        (replace(RIGHT, judgements={1: Judgement(True, {})}), r"judged seats \[1\], and met \[1, 4\]"),
        (replace(RIGHT, judgements={1: True, 4: True}), "judged seat 1 with True"),  # type: ignore[dict-item]
        (
            replace(RIGHT, judgements={1: Judgement(True, {"d": 0.5}), 4: Judgement(True, {})}),  # type: ignore[dict-item]
            "no whole numbers",
        ),
        (replace(RIGHT, judgements=dict.fromkeys((1, 4), Judgement(True, {"d": 1 << 127}))), "beyond 2.127"),
        (replace(RIGHT, mixed=frozenset({2})), r"mixed seats \[2\]"),
        (replace(RIGHT, next_base=STATE.astype(np.float32)), "a next_base of float32"),
        (replace(RIGHT, next_base=STATE[:2]), r"a next_base of shape \(2,\): give an array of shape \(3,\)"),
        (replace(RIGHT, next_base=STATE + (1 << 24)), "beyond ±16777216"),
        (replace(RIGHT, weights=Weights(0, {})), "negative, or all 0"),
        (replace(RIGHT, weights=Weights(1, {4: 1})), "seats that it did not mix"),
        (replace(RIGHT, memory=JudgeMemory(bytes(32), {1: AuthorTrace(1, 1, STATE)})), "no checkpoint holds"),
        (KeyError("x"), r"screen\(\) failed at .*test_checked_rule.py:\d+ with KeyError"),
    ],
)
def test_an_outcome_that_is_none_is_said_with_the_methods_place(found: Any, said: str) -> None:
    with pytest.raises(SetupError, match=said) as raised:
        choose_rule(Own(found)).screen(INPUTS)
    assert "rule Own: screen() " in str(raised.value)
    assert "test_checked_rule.py:" in str(raised.value)


def test_a_rule_that_calls_itself_replayable_gives_one_outcome_for_one_situation() -> None:
    other = replace(RIGHT, next_base=STATE + 1)
    with pytest.raises(SetupError, match="gave two outcomes for one situation"):
        choose_rule(Own(RIGHT, other)).screen(INPUTS)

    class Private(Own):
        is_replayable = False

    assert choose_rule(Private(RIGHT, other)).screen(INPUTS) is not None


def test_a_rule_has_to_say_whether_anyone_can_recompute_it() -> None:
    class Silent:
        def screen(self, inputs: ScreeningInput) -> ScreeningResult:
            return RIGHT

    with pytest.raises(SetupError, match="rule Silent has no attribute is_replayable"):
        choose_rule(Silent)


def test_a_rule_cannot_write_to_what_other_judges_see() -> None:
    class Writer:
        is_replayable = True

        def screen(self, inputs: ScreeningInput) -> ScreeningResult:
            inputs.own[:] = 0
            return RIGHT

    with pytest.raises(SetupError, match="read-only"):
        choose_rule(Writer).screen(INPUTS)


def test_a_rule_sees_no_more_than_it_says_it_needs() -> None:
    seen: list[ScreeningInput] = []

    class Modest:
        is_replayable, needs_base = True, False

        def screen(self, inputs: ScreeningInput) -> ScreeningResult:
            seen.append(inputs)
            return RIGHT

    rule = choose_rule(Modest)
    rule.screen(replace(INPUTS, base=STATE * 7, loss=lambda _: 1.0, memory=JudgeMemory(bytes(32))))
    assert np.array_equal(seen[0].base, STATE)
    assert (seen[0].loss, seen[0].memory) == (None, JudgeMemory())


@pytest.mark.parametrize("base", [Undefended, Tether])
def test_a_rule_derived_from_one_that_ships_does_the_same(base: type) -> None:
    derived = type("Derived", (base,), {})
    name = next(name for name, kind in RULES.items() if kind is base)
    own, shipped = (simulate(replace(SMALL, rule=rule, records=True)) for rule in (derived, name))
    assert [replace(row, attack="") for row in own.rows] == [replace(row, attack="") for row in shipped.rows]
    assert own.scenario.to_fields()["rule"] == "Derived"


def test_the_rule_is_named_where_it_cannot_be_found(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        choose_rule(f"{tmp_path}/none.py:Mine")
    (tmp_path / "mine.py").write_text("x = 1\n")
    with pytest.raises(UsageError, match="has no class 'Mine'"):
        choose_rule(f"{tmp_path}/mine.py:Mine")
    with pytest.raises(UsageError, match="rule 'tehter' is unknown"):
        choose_rule("tehter")
