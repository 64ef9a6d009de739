"""What a juror recomputes: true and false verdicts, lost blobs, and the base behind a verdict."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from circles import NETWORK, Circle, Honest, flipped, genesis_state, hand_over
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.audit.jury import blobs_behind, is_false_verdict, rounds_behind
from ledger.lineage import Held
from ledger.memory import Carried
from ledger.replay import replay
from ledger.rules import RULES, Outcome
from ledger.rules.balance import Balance

DOMAIN = NETWORK.domain_separator


class Liar(Honest):
    """Says the opposite about one seat in one round."""

    def __init__(self, seat, about, number=2):
        super().__init__(seat)
        self.about, self.number = about, number

    def attestation(self, number, said):
        return flipped(said, self.about) if number == self.number else said


class Unreadable(Honest):
    """Publishes what nobody can read, and judges all the same."""

    def blob(self, number, update):
        return super().blob(number, update)[:-1]

    def attestation(self, number, said):
        return flipped(said, 1)


def asked(circle, number, judge, target, *, without=(), carried=None):
    """What a juror answers who lacks the updates of these seats."""
    history = circle.history()
    round_ = history.rounds[number - 1]
    blobs = {digest: circle.blobs[digest] for s, digest in round_.commits.items() if s not in without}
    return is_false_verdict(history, DOMAIN, round_, judge, target, carried, Held(blobs))


@settings(max_examples=20)
@given(st.integers(0, 4), st.integers(0, 4), st.sampled_from([1, 2, 3]))
def test_the_flipped_verdict_alone_is_false(liar, about, number):
    circle = Circle(cheats={liar: Liar(liar, about, number)} if liar != about else None)
    for round_number in (1, 2, 3):
        for judge in range(5):
            for target in set(range(5)) - {judge}:
                lied = liar != about and (judge, target, round_number) == (liar, about, number)
                assert asked(circle, round_number, judge, target) is lied


def test_about_whom_a_judge_said_nothing_it_said_nothing_false():
    circle = Circle(seats=7, degree=2)
    stranger = next(s for s in range(1, 7) if s not in circle.known.rounds[1].neighbours(2)[0])
    assert asked(circle, 2, 0, stranger) is False
    assert asked(circle, 2, 0, 0) is False
    assert asked(circle, 2, 99, 0) is False


def test_a_lost_update_of_another_neighbour_shields_no_liar_where_each_is_judged_alone():
    circle = Circle(cheats={2: Liar(2, 4)})
    assert asked(circle, 2, 2, 4, without={0, 1, 3}) is True
    assert asked(circle, 2, 2, 3, without={0, 1, 4}) is False
    history = circle.history()
    assert set(blobs_behind(history, history.rounds[1], 2, 4)) == {2, 4}


@pytest.mark.parametrize("lost", [2, 4])
def test_without_the_judges_or_the_targets_update_nobody_can_tell(lost):
    assert asked(Circle(cheats={2: Liar(2, 4)}), 2, 2, 4, without={lost}) is None


class Vanishing(dict):
    """Blobs of which one was here a moment ago."""

    gone = b""

    def __getitem__(self, digest):
        if digest == self.gone:
            raise KeyError(digest)
        return super().__getitem__(digest)


@pytest.mark.parametrize("gone", [2, 4, 3])
def test_a_blob_that_vanishes_meanwhile_makes_no_verdict_false(gone):
    circle = Circle()
    round_ = circle.history().rounds[1]
    blobs = Vanishing(circle.blobs)
    blobs.gone = round_.commits[gone]
    said = is_false_verdict(circle.history(), DOMAIN, round_, 2, 4, None, Held(blobs))
    assert said is (False if gone == 3 else None)


def test_a_judge_whose_own_update_cannot_be_read_has_no_verdict_that_holds():
    circle = Circle(cheats={0: Unreadable(0)})
    assert asked(circle, 2, 0, 1) is True
    assert asked(circle, 2, 1, 0) is False, "who rejects it is right"


def test_a_target_that_cannot_be_read_is_rejected_rightly_and_accepted_falsely():
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

    def screen(self, situation):
        judged = Balance().screen(replace(situation, own=situation.base))
        return Outcome(judged.judgements, judged.mixed, (situation.base + situation.own) // 2)


@pytest.fixture
def base_rule(monkeypatch):
    monkeypatch.setitem(RULES, "from-the-base", FromTheBase)
    return {"rule": "from-the-base", "rule_parameters": {}}


class Absent(Honest):
    def blob(self, number, update):
        return None if number == 2 else super().blob(number, update)


def brought_into(circle, round_, judge):
    """What a judge brought into a round, computed from the genesis on."""
    history, carried = circle.history(), Carried(genesis_state())
    for before in rounds_behind(history, round_, judge):
        carried = replay(history, DOMAIN, before, judge, carried, Held(circle.blobs)).carried
    return carried


def test_a_rule_that_ignores_the_base_needs_no_earlier_round():
    history = Circle().history()
    assert [rounds_behind(history, round_, 0) for round_ in history.rounds] == [[], [], []]


def test_a_rule_that_judges_from_the_base_needs_every_round_since_the_genesis(base_rule):
    circle = Circle(rounds=4, cheats={1: Absent(1), 2: Liar(2, 4, 3)}, **base_rule)
    history = circle.history()
    rounds = history.rounds
    assert rounds_behind(history, rounds[0], 0) == []
    assert [r.number for r in rounds_behind(history, rounds[3], 0)] == [1, 2, 3]
    assert [r.number for r in rounds_behind(history, rounds[2], 1)] == [1]
    carried = brought_into(circle, rounds[2], 2)
    assert asked(circle, 3, 2, 4, carried=carried) is True
    assert asked(circle, 3, 2, 3, carried=carried) is False
    assert asked(circle, 3, 2, 4, carried=None) is None
    assert asked(circle, 3, 2, 4, carried=carried, without={1}) is None, "all its neighbours count under this rule"


def test_bases_end_where_peers_have_theirs(base_rule):
    circle = Circle(rounds=3, **base_rule)
    after = replace(circle.history().rounds[2], number=4)
    for seat in range(5):
        assert np.array_equal(brought_into(circle, after, seat).base, circle.carried[seat].base)


def test_another_tenure_starts_from_the_genesis(monkeypatch, base_rule):
    monkeypatch.setattr("ledger.fold.state.MAX_SEATS", 5)
    circle = Circle(rounds=4, between={2: lambda circle: hand_over(circle, 3)}, **base_rule)
    history = circle.history()
    assert history.rounds[3].tenures[3] == 2
    assert rounds_behind(history, history.rounds[2], 3) == []
    assert [r.number for r in rounds_behind(history, history.rounds[3], 3)] == [3]
