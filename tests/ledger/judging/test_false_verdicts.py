"""What a juror recomputes: true and false verdicts, lost blobs, and the base behind a verdict."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ledger.blobs.contents.records import Update, encode_update
from ledger.circle.history import History
from ledger.circle.round import Round
from ledger.judging.false_verdicts import digests_behind_verdict, examine, is_false_verdict
from ledger.judging.frame_chains import CircleTask, HeldBlobs, StateCache
from ledger.judging.replay import find_replay_starts, replay
from ledger.rules import RULES, ScreeningResult
from ledger.rules.balance import Balance
from ledger.rules.interface import ScreeningInput
from ledger.rules.judge_memory import CarriedState
from tests.support.histories.circles import (
    NETWORK,
    Away,
    Circle,
    FalseCheckpoint,
    Honest,
    Said,
    flipped,
    genesis_state,
    hand_over,
)

pytestmark = pytest.mark.rule("R26.3")

DOMAIN = NETWORK.domain_separator


class Liar(Honest):
    """Says the opposite about one seat in one round."""

    def __init__(self, seat: int, about: int, number: int = 2) -> None:
        super().__init__(seat)
        self.about, self.number = about, number

    def attestation(self, number: int, said: Said) -> Said:
        return flipped(said, self.about) if number == self.number else said


class Unreadable(Honest):
    """Publishes what nobody can read, and judges all the same."""

    def blob(self, number: int, update: Update) -> bytes | None:
        return encode_update(update)[:-1]

    def attestation(self, number: int, said: Said) -> Said:
        return flipped(said, 1)


def asked(
    circle: Circle,
    number: int,
    judge: int,
    target: int,
    *,
    without: Collection[Any] = (),
    carried: CarriedState | None = None,
) -> bool | None:
    """What a juror answers who lacks the updates of these seats."""
    history = circle.history()
    round_ = history.rounds[number - 1]
    blobs = {digest: circle.blobs[digest] for s, digest in round_.commits.items() if s not in without}
    states = StateCache(genesis_state())
    return is_false_verdict(
        history, CircleTask(history.manifest, DOMAIN, states), round_, judge, target, carried, HeldBlobs(blobs)
    )


@settings(max_examples=20)
@given(st.integers(0, 4), st.integers(0, 4), st.sampled_from([1, 2, 3]))
def test_the_flipped_verdict_alone_is_false(liar: int, about: int, number: int) -> None:
    circle = Circle(cheats={liar: Liar(liar, about, number)} if liar != about else None)
    for round_number in (1, 2, 3):
        for judge in range(5):
            for target in set(range(5)) - {judge}:
                lied = liar != about and (judge, target, round_number) == (liar, about, number)
                assert asked(circle, round_number, judge, target) is lied


def test_about_whom_a_judge_said_nothing_it_said_nothing_false() -> None:
    circle = Circle(seats=7, degree=2)
    stranger = next(s for s in range(1, 7) if s not in circle.known.rounds[1].find_neighbours(2)[0])
    assert asked(circle, 2, 0, stranger) is False
    assert asked(circle, 2, 99, 0) is False


def test_a_lost_update_of_another_neighbour_shields_no_liar_where_each_is_judged_alone() -> None:
    circle = Circle(cheats={2: Liar(2, 4)})
    assert asked(circle, 2, 2, 4, without={0, 1, 3}) is True
    assert asked(circle, 2, 2, 3, without={0, 1, 4}) is False
    history = circle.history()
    assert set(digests_behind_verdict(history, history.rounds[1], 2, 4)) == {2, 4}


@pytest.mark.parametrize("lost", [2, 4])
def test_without_the_judges_or_the_targets_update_nobody_can_tell(lost: int) -> None:
    assert asked(Circle(cheats={2: Liar(2, 4)}), 2, 2, 4, without={lost}) is None


class Vanishing(dict[bytes, bytes | None]):
    """Blobs of which one was here a moment ago."""

    gone = b""

    def __getitem__(self, digest: bytes) -> bytes | None:
        if digest == self.gone:
            raise KeyError(digest)
        return super().__getitem__(digest)


@pytest.mark.parametrize("gone", [2, 4, 3])
def test_a_blob_that_vanishes_meanwhile_makes_no_verdict_false(gone: int) -> None:
    circle = Circle()
    round_ = circle.history().rounds[1]
    blobs = Vanishing(circle.blobs)
    blobs.gone = round_.commits[gone]
    said = is_false_verdict(
        circle.history(),
        CircleTask(circle.history().manifest, DOMAIN, StateCache(genesis_state())),
        round_,
        2,
        4,
        None,
        HeldBlobs(blobs),
    )
    assert said is (False if gone == 3 else None)


def test_a_judge_whose_own_update_cannot_be_read_has_no_verdict_that_holds() -> None:
    circle = Circle(cheats={0: Unreadable(0)})
    assert asked(circle, 2, 0, 1) is True
    assert asked(circle, 2, 1, 0) is False, "who rejects it is right"


def test_a_target_that_cannot_be_read_is_rejected_rightly_and_accepted_falsely() -> None:
    circle = Circle(cheats={0: Unreadable(0), 3: Liar(3, 0)})
    assert not circle.known.rounds[1].attestations[2].accepted & 1
    assert asked(circle, 2, 2, 0) is False
    assert asked(circle, 2, 3, 0) is True


# ------------------------------------------------------------------------------------------------------ bases


@dataclass(frozen=True)
class FromTheBase:
    """A rule that judges and goes on from the judge's base."""

    needs_base: ClassVar[bool] = True
    needs_memory: ClassVar[bool] = False
    is_replayable: ClassVar[bool] = True
    judges_each_alone: ClassVar[bool] = False

    def screen(self, situation: ScreeningInput) -> ScreeningResult:
        judged = Balance().screen(replace(situation, own=situation.base))
        return ScreeningResult(judged.judgements, judged.mixed, (situation.base + situation.own) // 2)


@pytest.fixture
def base_rule(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setitem(RULES, "from-the-base", FromTheBase)
    return {"rule": "from-the-base", "rule_parameters": {}}


class Absent(Honest):
    def blob(self, number: int, update: Update) -> bytes | None:
        return None if number == 2 else super().blob(number, update)


def brought_into(circle: Circle, round_: Round, judge: int) -> CarriedState:
    """What a judge brought into a round, computed from the genesis on."""
    history, carried, states = circle.history(), CarriedState(genesis_state()), StateCache(genesis_state())
    for before in list(find_replay_starts(history, round_, judge, looks_back=True))[-1].rounds:
        carried = replay(
            history, CircleTask(history.manifest, DOMAIN, states), before, judge, carried, HeldBlobs(circle.blobs)
        ).carried
    return carried


def started(
    history: History, number: int, judge: int, *, looks_back: bool = True
) -> list[tuple[int | None, list[int]]]:
    """(checkpoint's round, rounds after it) of each place to start from."""
    found = find_replay_starts(history, history.rounds[number - 1], judge, looks_back=looks_back)
    return [(one.checkpoint.number if one.checkpoint else None, [r.number for r in one.rounds]) for one in found]


def test_a_base_follows_from_the_last_round_alone_under_a_rule_that_ignores_it() -> None:
    history = Circle(rounds=4, checkpoint_every=4).history()
    assert started(history, 1, 0, looks_back=False) == [(None, [])]
    assert started(history, 3, 0, looks_back=False) == [(None, [2])]
    assert started(history, 3, 2, looks_back=False) == [(2, []), (None, [2])]


@pytest.mark.rule("R29.1")
def test_the_nearest_checkpoint_comes_first_and_the_beginning_last() -> None:
    history = Circle(rounds=7, checkpoint_every=3, cheats={1: Away(1, (2, 3))}).history()
    assert started(history, 7, 0) == [(6, []), (3, [4, 5, 6]), (None, [1, 2, 3, 4, 5, 6])]
    assert started(history, 6, 0) == [(3, [4, 5]), (None, [1, 2, 3, 4, 5])]
    # Its turn came while it was away: it shows its checkpoint when it is back.
    assert started(history, 7, 1) == [(5, [6]), (4, [5, 6]), (None, [1, 4, 5, 6])]


def test_a_rule_that_judges_from_the_base_needs_every_round_since_the_genesis(
    base_rule: dict[str, Any],
) -> None:
    circle = Circle(rounds=4, cheats={1: Absent(1), 2: Liar(2, 4, 3)}, **base_rule)
    history = circle.history()
    rounds = history.rounds
    assert started(history, 1, 0) == [(None, [])]
    assert started(history, 4, 0)[-1] == (None, [1, 2, 3])
    assert started(history, 3, 1)[-1] == (None, [1])
    carried = brought_into(circle, rounds[2], 2)
    assert asked(circle, 3, 2, 4, carried=carried) is True
    assert asked(circle, 3, 2, 3, carried=carried) is False
    assert asked(circle, 3, 2, 4, carried=None) is None
    assert asked(circle, 3, 2, 4, carried=carried, without={1}) is None, "all its neighbours count under this rule"


@pytest.mark.rule("R15")
def test_bases_end_where_peers_have_theirs(base_rule: dict[str, Any]) -> None:
    circle = Circle(rounds=3, **base_rule)
    after = replace(circle.history().rounds[2], number=4)
    for seat in range(5):
        assert np.array_equal(brought_into(circle, after, seat).base, circle.carried[seat].base)


@pytest.mark.rule("R15")
def test_another_tenure_starts_from_the_genesis(monkeypatch: pytest.MonkeyPatch, base_rule: dict[str, Any]) -> None:
    monkeypatch.setattr("ledger.circle.fold.state.MAX_SEATS", 5)
    circle = Circle(rounds=4, between={2: lambda circle: hand_over(circle, 3)}, **base_rule)
    history = circle.history()
    assert history.rounds[3].tenures[3] == 2
    assert started(history, 3, 3) == [(None, [])]
    assert started(history, 4, 3)[-1] == (None, [3])


# ------------------------------------------------------------------------------------- the record and the base


def claimed_of_itself(
    circle: Circle, number: int, judge: int, carried: CarriedState | None, without: Collection[Any] = ()
) -> bool | None:
    return asked(circle, number, judge, judge, without=without, carried=carried)


@pytest.mark.parametrize("rule", [{}, {"rule": "tether", "rule_parameters": {}}], ids=["balance", "tether"])
def test_a_record_of_another_next_base_is_false_and_its_verdicts_are_not(
    rule: dict[str, Any],
) -> None:
    circle = Circle(cheats={2: FalseCheckpoint(2, (2,))}, **rule)
    for judge in range(5):
        carried = brought_into(circle, circle.history().rounds[1], judge)
        assert claimed_of_itself(circle, 2, judge, carried) is (judge == 2)
        assert asked(circle, 2, judge, (judge + 1) % 5, carried=carried) is False


class Elsewhere(Honest):
    """Says in one round that it began from another base than it had."""

    def claimed_base(self, number: int, base: NDArray[np.int32]) -> bytes:
        return bytes(32) if number == 2 else super().claimed_base(number, base)


def test_an_update_that_names_another_base_is_false() -> None:
    circle = Circle(cheats={2: Elsewhere(2)})
    carried = brought_into(circle, circle.history().rounds[1], 2)
    assert claimed_of_itself(circle, 2, 2, carried) is True
    assert claimed_of_itself(circle, 2, 2, None) is None, "who does not know the base cannot tell"
    assert claimed_of_itself(circle, 1, 2, CarriedState(genesis_state())) is False


def test_a_record_rests_on_all_that_was_judged() -> None:
    circle = Circle()
    carried = brought_into(circle, circle.history().rounds[1], 2)
    assert claimed_of_itself(circle, 2, 2, carried, without={4}) is None
    history = circle.history()
    assert set(digests_behind_verdict(history, history.rounds[1], 2, 2)) == set(range(5))


def test_who_did_not_attest_said_nothing_false_of_itself() -> None:
    circle = Circle(cheats={1: Absent(1)})
    assert claimed_of_itself(circle, 2, 1, CarriedState(genesis_state())) is False


def test_what_is_false_of_a_round_is_named_at_once() -> None:
    circle = Circle(cheats={2: Liar(2, 4), 0: Unreadable(0)})
    history, states = circle.history(), StateCache(genesis_state())
    round_, found = history.rounds[1], {}
    for judge in range(5):
        carried = None if judge == 0 else brought_into(circle, round_, judge)
        found[judge] = examine(
            history, CircleTask(history.manifest, DOMAIN, states), round_, judge, carried, HeldBlobs(circle.blobs)
        )
    assert {judge: one.false for judge, one in found.items()} == {0: (1, 0), 1: (), 2: (4,), 3: (), 4: ()}
    assert found[0].record is None
    assert all(found[judge].record == round_.attestations[judge].record for judge in range(1, 5))
