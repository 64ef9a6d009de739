"""What a node looks at of what others said, and what it claims."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from ledger.circle.events import ASKING, Answer, Appealed, Left, Outcome, Released, Stage
from node.duties.watching import (
    BUDGET_BONDS,
    AttestationOf,
    choose_target,
    compute_staked_wei,
    count_dissents,
    draw_attestation,
    is_disputable,
    is_heard,
    is_withdrawal_due,
    make_outcome_notice,
    may_claim,
)
from tests.support.histories.disputes import BOND, CHALLENGER, DISPUTE_BOND, NOW, SEATS, WINDOW_S, Court
from tests.support.histories.parts import address

pytestmark = pytest.mark.rule("R21.1")

OWN = 8


def drawn(
    court: Court, *, seen: set[AttestationOf] | None = None, own: int = OWN, times: int = 400
) -> Counter[AttestationOf | None]:
    rng = random.Random(1)
    return Counter(draw_attestation(court.history, own, seen or set(), NOW, rng) for _ in range(times))


def make_liar(court: Court, judge: int, number: int = 1) -> None:
    """Seat 1's accepting of seat 2 becomes the opposite."""
    round_ = court.history.rounds[number - 1]
    said = round_.attestations[judge]
    target = next(seat for seat in range(SEATS) if said.judged >> seat & 1)
    changed = replace(said, accepted=said.accepted & ~(1 << target))
    round_.attestations = {**round_.attestations, judge: changed}


def test_every_other_judge_of_a_settled_round_is_looked_at_and_never_the_node_itself() -> None:
    court = Court()
    assert {said.judge for said in drawn(court) if said} == set(range(SEATS)) - {OWN}


def test_what_was_looked_at_is_not_looked_at_again() -> None:
    court = Court()
    seen = {AttestationOf(1, judge) for judge in range(SEATS) if judge not in (3, OWN)}
    assert set(drawn(court, seen=seen)) == {AttestationOf(1, 3)}
    assert set(drawn(court, seen=seen | {AttestationOf(1, 3)})) == {None}


def test_recent_rounds_are_looked_at_oftener_and_older_ones_too() -> None:
    court = Court()
    court.play(2)
    numbers = Counter(said.round for said in drawn(court).elements() if said)
    assert numbers[2] > 1.5 * numbers[1] > 0


def test_a_judge_that_stood_alone_is_looked_at_oftener() -> None:
    court = Court()
    make_liar(court, 1)
    assert count_dissents(court.history.rounds[0]) == {judge: int(judge == 1) for judge in range(SEATS)}
    times = drawn(court)
    assert times[AttestationOf(1, 1)] > 2 * max(times[AttestationOf(1, judge)] for judge in range(2, OWN))


def test_where_judges_are_divided_nobody_stands_alone() -> None:
    court = Court()
    round_ = court.history.rounds[0]
    divided = {}
    for judge, said in round_.attestations.items():
        accepted = 0 if judge % 2 == 0 else said.accepted
        divided[judge] = replace(said, judged=said.judged & 1 << 8, accepted=accepted & 1 << 8)
    round_.attestations = divided
    assert set(count_dissents(round_).values()) == {0}


def test_who_was_not_looked_at_before_is_looked_at_first() -> None:
    court = Court()
    court.play(2)
    seen = {AttestationOf(1, judge) for judge in range(4)}
    times = drawn(court, seen=seen)
    known, others = (
        sum(times[AttestationOf(2, j)] for j in range(4)),
        sum(times[AttestationOf(2, j)] for j in range(4, 8)),
    )
    assert others > 2 * known > 0


def test_where_nothing_is_left_to_answer_with_nobody_looks() -> None:
    court = Court()
    held = court.history.seats
    court.apply(Left(1, 0, NOW + 60 + 4 * WINDOW_S - 1), Left(2, 0, NOW + 60 + 4 * WINDOW_S), Left(3, 0, NOW))
    court.apply(Released(3, BOND))
    held[4].tenure = 2
    held[0].bond = held[5].bond = 0
    court.apply(Left(0, 0, NOW + 60 + 4 * WINDOW_S))
    assert {said.judge for said in drawn(court) if said} == {2, 5, 6, 7}
    assert [is_disputable(court.history, AttestationOf(1, judge), NOW) for judge in range(6)] == [
        False,
        False,
        True,
        False,
        False,
        True,
    ]


def test_who_was_given_up_and_has_no_bond_left_is_not_disputed() -> None:
    court = Court()
    court.apply(Left(2, 0, NOW + 60 + 4 * WINDOW_S))
    assert is_disputable(court.history, AttestationOf(1, 2), NOW)
    court.history.seats[2].bond = 0
    assert not is_disputable(court.history, AttestationOf(1, 2), NOW)


def test_what_is_not_settled_or_too_long_ago_cannot_be_disputed(monkeypatch: pytest.MonkeyPatch) -> None:
    court = Court()
    court.history.rounds[0].settled = False
    assert set(drawn(court)) == {None}
    court.history.rounds[0].settled = True
    monkeypatch.setattr("node.duties.watching.DISPUTE_ROUNDS", 0)
    assert not is_disputable(court.history, AttestationOf(1, 0), NOW)


def test_a_claim_that_is_open_leaves_none_where_it_is_ones_own_or_known_to_be_right() -> None:
    court = Court()
    false = {AttestationOf(1, 0): (5,)}
    court.dispute(judge=0, target=6, challenger=address(7))
    assert not is_heard(court.history, 0, CHALLENGER, false), "a wrong one would be a shield"
    assert is_heard(court.history, 0, address(7), false), "its own"
    assert not is_heard(court.history, 1, address(7), false), "another judge's"
    court.dispute(judge=0, target=5, challenger=address(7))
    assert is_heard(court.history, 0, CHALLENGER, false)
    court.leave_undecided(1)
    assert not is_heard(court.history, 0, CHALLENGER, false)


def test_a_claim_leaves_room_for_its_appeal_unless_it_is_the_first() -> None:
    court = Court()
    room = [n for n in range(12) if may_claim(court.history, CHALLENGER, n * DISPUTE_BOND)]
    assert room[0] == 1
    court.dispute()
    room = [n for n in range(12) if may_claim(court.history, CHALLENGER, n * DISPUTE_BOND)]
    assert room[0] == BUDGET_BONDS
    court.history.disputes[0].appellant = address(3)
    room = [n for n in range(12) if may_claim(court.history, CHALLENGER, n * DISPUTE_BOND)]
    assert room[0] == 6


def test_a_verdict_is_claimed_before_a_record_and_nothing_twice() -> None:
    court = Court()
    said = AttestationOf(1, 0)
    assert choose_target(court.history, said, (7, 5, 0)) == 5
    court.dispute(judge=0, target=5)
    assert choose_target(court.history, said, (7, 5, 0)) == 7
    assert choose_target(court.history, said, (5, 0)) == 0
    assert choose_target(court.history, said, (5,)) is None


def test_what_is_at_stake_are_the_claims_and_appeals_that_are_not_over() -> None:
    court = Court()
    assert compute_staked_wei(court.history, CHALLENGER) == 0
    court.dispute()
    assert compute_staked_wei(court.history, CHALLENGER) == DISPUTE_BOND
    court.summon()
    court.refer(Stage.APPEAL)
    court.apply(Appealed(0, CHALLENGER, NOW + 4 * WINDOW_S))
    assert compute_staked_wei(court.history, CHALLENGER) == 5 * DISPUTE_BOND
    court.resolve(Outcome.VOID)
    assert compute_staked_wei(court.history, CHALLENGER) == 0


def test_a_claim_upheld_is_told_with_its_amounts_and_what_is_owed_is_to_be_taken() -> None:
    court = Court()
    court.uphold()
    notice = make_outcome_notice(court.history, court.history.disputes[0], CHALLENGER)
    assert (notice.kind, notice.is_bad) == ("claim_over", False)
    assert notice.says == (
        "dispute 0 about what seat 0 said in round 1 was upheld: it lost 0.5 ETH, and this node gets back 0.1 ETH "
        "and 0.125 ETH of it"
    )
    assert notice.fields == {
        "dispute": 0,
        "judge": 0,
        "round": 1,
        "outcome": "upheld",
        "fine_wei": BOND // 2,
        "back_wei": DISPUTE_BOND,
        "reward_wei": BOND // 8,
        "burned_wei": 0,
    }
    assert court.history.owed[CHALLENGER] == DISPUTE_BOND + BOND // 8
    assert is_withdrawal_due(court.history, CHALLENGER)
    assert not is_withdrawal_due(court.history, court.history.seats[3].peer)


def test_an_appellant_gets_its_pledge_back_and_no_reward() -> None:
    court = Court()
    court.uphold()
    dispute = court.history.disputes[0]
    dispute.appellant = court.history.seats[2].peer
    fields = make_outcome_notice(court.history, dispute, court.history.seats[2].peer).fields
    assert (fields["back_wei"], fields["reward_wei"]) == (4 * DISPUTE_BOND, 0)


def test_a_claim_rejected_is_told_with_what_was_burned() -> None:
    court = Court()
    court.dispute()
    court.vote(Answer.REJECTS, *court.summon())
    court.refer(Stage.APPEAL)
    court.resolve(Outcome.REJECTED)
    notice = make_outcome_notice(court.history, court.history.disputes[0], CHALLENGER)
    assert notice.is_bad
    assert notice.says.endswith("was rejected: 0.1 ETH that this node pledged are burned")
    assert (notice.fields["back_wei"], notice.fields["burned_wei"]) == (0, DISPUTE_BOND)
    assert not is_withdrawal_due(court.history, CHALLENGER)


def test_a_question_that_was_answered_gives_the_bond_back_and_says_so() -> None:
    court = Court()
    court.dispute(target=0, evidence=ASKING)
    court.vote(Answer.REJECTS, *court.summon())
    court.refer(Stage.APPEAL)
    court.resolve(Outcome.REJECTED)
    notice = make_outcome_notice(court.history, court.history.disputes[0], CHALLENGER)
    assert not notice.is_bad
    assert notice.says.endswith("it shows what it judged from by now, and this node gets back the 0.1 ETH")
    assert (notice.fields["back_wei"], notice.fields["burned_wei"]) == (DISPUTE_BOND, 0)
    assert is_withdrawal_due(court.history, CHALLENGER)


def test_a_claim_without_a_majority_gives_the_pledge_back() -> None:
    court = Court()
    court.dispute()
    court.summon()
    court.refer(Stage.APPEAL)
    court.resolve(Outcome.VOID)
    notice = make_outcome_notice(court.history, court.history.disputes[0], CHALLENGER)
    assert notice.says.endswith("ended without a majority: this node gets back the 0.1 ETH that it pledged")
    assert is_withdrawal_due(court.history, CHALLENGER)
