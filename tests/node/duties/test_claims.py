"""What is told of a dispute, stage by stage, and why one cannot be raised or voted on."""

from typing import Any

import pytest

from ledger.circle.events import Answer, Appealed, Joined, Left, Outcome, Released, Stage
from ledger.errors import UsageError
from node.cli import disputes
from node.duties.claim_checks import check_claim, check_in_time, check_said, check_vote
from node.duties.claim_lines import describe_money, make_lines
from node.duties.claims import describe_claim, make_row
from node.operating.wording import format_duration, format_seats, format_time
from tests.support.histories.disputes import BOND, DISPUTE_BOND, NOW, PARAMETERS, SEATS, WINDOW_S, Court
from tests.support.histories.parts import NOBODY, address

UNBONDING_S = 8 * WINDOW_S


@pytest.fixture
def court() -> Court:
    return Court()


def row(court: Court, number: int = 0, now_s: float = NOW) -> dict[str, Any]:
    return make_row(court.history, court.history.disputes[number], now_s)


def money(shown: dict[str, Any]) -> dict[str, int]:
    return {name.removesuffix("_wei"): wei for name, wei in shown.items() if name.endswith("_wei") and wei}


# ------------------------------------------------------------------------------------------------ what is told


def forget_attestation(court: Court, seat: int) -> None:
    """What the seat attested in round 1 is gone."""
    round_ = court.history.rounds[0]
    round_.attestations = {judge: said for judge, said in round_.attestations.items() if judge != seat}


def test_a_claim_is_told_in_words(court: Court) -> None:
    assert describe_claim(court.history, 1, 0, 5) == "seat 0 falsely accepted seat 5 in round 1"
    assert (
        describe_claim(court.history, 1, 0, 0) == "the record, the base or a verdict of seat 0 in round 1 is false"
    )
    forget_attestation(court, 0)
    assert describe_claim(court.history, 1, 0, 5) == "seat 0 spoke falsely of seat 5 in round 1"


def test_a_dispute_just_raised_waits_for_its_jury(court: Court) -> None:
    court.dispute()
    shown = row(court)
    assert shown["stands"] == f"open: its jury can be drawn until {format_time(NOW + WINDOW_S)}"
    assert (shown["stage"], shown["outcome"], shown["challenger_seat"]) == ("drawing", None, 8)
    assert (shown["pool"], shown["electorate"]) == ([1, 2, 3, 4, 6, 7], list(range(SEATS)))
    assert money(shown) == {"bond": DISPUTE_BOND, "at_stake": BOND // 2}
    assert "`folkmoot disputes summon 0`" in shown["next"]
    late = row(court, now_s=NOW + WINDOW_S)
    assert late["is_over"]
    assert "then it is rejected" in late["next"]


def test_a_stage_that_is_over_says_whether_votes_or_time_ended_it(court: Court) -> None:
    court.dispute()
    first, second, _ = court.summon()
    assert row(court, now_s=NOW + 2 * WINDOW_S)["stands"].startswith("open: its jury's time was over at ")
    court.vote(Answer.UPHOLDS, first, second)
    # The deadline is still to come, and says nothing any more.
    assert row(court)["stands"] == "open: its jury has decided, and anyone can resolve it"


def test_a_jury_is_told_with_its_votes_and_who_is_missing(court: Court) -> None:
    court.dispute()
    first, second, third = court.summon()
    court.vote(Answer.WITHHELD, second)
    shown = row(court)
    assert shown["jury"] == [first, second, third]
    assert shown["jury_votes"] == {
        "upholding": [],
        "rejecting": [],
        "withholding": [second],
        "of": 3,
        "decide": 2,
    }
    assert shown["next"].startswith(f"seats {first}, {third} have not voted")
    assert f"0 for, 0 against, 1 withheld (seat {second}); 2 of 3 decide" in dict(make_lines(shown))["jury"]
    court.vote(Answer.UPHOLDS, first)
    assert "then the whole circle votes" in row(court)["next"]


def test_what_an_appeal_leads_to_is_told(court: Court) -> None:
    court.dispute()
    court.vote(Answer.REJECTS, *court.summon())
    court.refer(Stage.APPEAL)
    assert row(court)["next"].endswith("without an appeal it ends rejected")
    court.apply(Appealed(0, address(7), NOW + 4 * WINDOW_S))
    shown = row(court)
    assert shown["stands"] == f"open: the whole circle votes until {format_time(NOW + 4 * WINDOW_S)}"
    assert money(shown) == {"bond": DISPUTE_BOND, "appeal_bond": 4 * DISPUTE_BOND, "at_stake": BOND // 2}
    assert dict(make_lines(shown))["appeal by"] == address(7)


def test_a_conviction_is_told_with_where_the_money_went(court: Court) -> None:
    court.uphold()
    shown = row(court)
    assert (shown["outcome"], shown["next"], shown["deadline"]) == ("upheld", None, None)
    assert money(shown) == {
        "bond": DISPUTE_BOND,
        "fine": BOND // 2,
        "paid": BOND // 8,
        "burned": 3 * BOND // 8,
        "given_back": DISPUTE_BOND,
    }
    assert describe_money(shown) == (
        "seat 0 lost 0.5 ETH, 0.125 ETH paid to who raised it, 0.375 ETH burned, 0.1 ETH of bonds given back"
    )


def test_what_a_second_conviction_costs_is_all_that_is_left(court: Court) -> None:
    court.uphold()
    court.dispute(0, 6)
    assert row(court, 1)["at_stake_wei"] == BOND // 2 == court.history.seats[0].bond
    for left in (BOND // 3, 3 * BOND // 4):
        court.history.seats[0].bond = left
        assert row(court, 1)["at_stake_wei"] == left


def test_what_mistaken_jurors_lose_is_counted(court: Court) -> None:
    court.dispute()
    jury = court.summon()
    court.vote(Answer.REJECTS, *jury[:2])
    court.refer(Stage.APPEAL)
    court.apply(Appealed(0, address(7), NOW + 4 * WINDOW_S))
    court.vote(Answer.UPHOLDS, *range(4, 9))
    court.resolve(Outcome.UPHELD, BOND // 2)
    shown = row(court)
    assert shown["jurors_fined_wei"] == 2 * BOND // 8
    # Every wei that was pledged for the claim went somewhere.
    assert shown["burned_wei"] + shown["paid_wei"] == shown["fine_wei"] + shown["jurors_fined_wei"]
    assert shown["given_back_wei"] == 5 * DISPUTE_BOND


def test_an_appeal_that_the_circle_rejects_costs_both_bonds(court: Court) -> None:
    court.dispute()
    court.summon()
    court.refer(Stage.APPEAL)
    court.apply(Appealed(0, address(7), NOW + 4 * WINDOW_S))
    court.vote(Answer.REJECTS, *range(4, 9))
    court.resolve(Outcome.REJECTED)
    shown = row(court)
    assert money(shown) == {
        "bond": DISPUTE_BOND,
        "appeal_bond": 4 * DISPUTE_BOND,
        "burned": 5 * DISPUTE_BOND,
    }
    assert shown["stands"] == "rejected: the claim was found wrong"


def test_a_rejected_claim_costs_its_bond_and_a_void_one_nothing(court: Court) -> None:
    court.dispute()
    court.resolve(Outcome.REJECTED)
    assert money(row(court)) == {"bond": DISPUTE_BOND, "burned": DISPUTE_BOND}
    assert row(court)["stands"] == "rejected: nobody had its jury drawn in time"
    court.dispute()
    court.summon(1)
    court.refer(Stage.APPEAL, 1)
    court.resolve(Outcome.VOID, number=1)
    assert money(row(court, 1)) == {"bond": DISPUTE_BOND, "given_back": DISPUTE_BOND}
    assert row(court, 1)["stands"] == "void: undecided, so it may be raised again"


def test_who_had_nothing_left_to_lose_lost_nothing(court: Court) -> None:
    court.history.seats[0].bond = 0
    court.uphold(fine=0)
    assert (
        describe_money(row(court)) == "seat 0 had nothing left to lose, 0 ETH burned, 0.1 ETH of bonds given back"
    )


@pytest.mark.parametrize("width", [50, 80, 200])
def test_the_list_breaks_between_words_at_any_width(
    court: Court, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    court.uphold()
    court.dispute(3, 3)
    shown = [row(court, number) for number in (0, 1)]
    monkeypatch.setenv("COLUMNS", str(width))
    disputes.print_disputes(shown)
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= width
    words = {word for one in shown for _, text in make_lines(one) for word in text.split() if len(word) < 30}
    assert words <= set(said.split())
    assert "…" not in said


# ------------------------------------------------------------------------------------------- what is not taken


def refusal(court: Court, number: int, judge: int, target: int) -> str:
    def check() -> None:
        check_claim(court.history, number, judge, target)
        check_said(court.history, number, judge, target)

    with pytest.raises(UsageError) as refused:
        check()
    return str(refused.value)


def test_what_can_be_claimed_is_taken(court: Court) -> None:
    check_claim(court.history, 1, 0, 5)
    check_said(court.history, 1, 0, 5)
    check_said(court.history, 1, 0, 0)


@pytest.mark.rule("R26.1")
def test_a_claim_that_the_circle_does_not_take_is_refused_with_the_reason(court: Court) -> None:
    assert "round 2 is not settled: dispute one" in refusal(court, 2, 0, 5)
    assert "round 0 is not settled" in refusal(court, 0, 0, 5)
    assert "seat 9 has nothing to answer with: nobody has ever sat there" in refusal(court, 1, 9, 5)
    assert "nobody has ever sat in seat 12" in refusal(court, 1, 0, 12)
    forget_attestation(court, 1)
    assert "seat 1 attested nothing in round 1" in refusal(court, 1, 1, 5)
    court.play(2)
    court.apply(Joined(9, address(9), address(9), NOBODY, "wss://127.0.0.1:1 http://127.0.0.1:1"))
    assert "the holder of seat 9 joined after round 1" in refusal(court, 1, 9, 0)
    assert "gave no verdict about seat 9 in round 1" in refusal(court, 1, 0, 9)


def test_a_claim_is_raised_once_unless_it_was_left_undecided(court: Court) -> None:
    court.dispute()
    assert "dispute 0 has claimed that already and is open" in refusal(court, 1, 0, 5)
    court.resolve(Outcome.REJECTED)
    check_claim(court.history, 1, 0, 5)
    court.history.disputes[0].stage = Stage.CIRCLE
    assert "dispute 0 has claimed that already and was rejected" in refusal(court, 1, 0, 5)


def test_what_is_too_old_or_about_nobody_is_refused(court: Court) -> None:
    court.history.rounds[-1].number = 258
    assert "round 1 is 257 rounds back and can be disputed for 256" in refusal(court, 1, 0, 5)
    court.history.rounds[-1].number = 257
    check_claim(court.history, 1, 0, 5)
    court.apply(Left(0, 0, NOW), Released(0, BOND))
    assert "seat 0 has nothing to answer with: its bond is released" in refusal(court, 1, 0, 5)


def test_below_the_quorum_nobody_is_tried(court: Court) -> None:
    for seat in range(4, 9):
        court.apply(Left(seat, 0, NOW), Released(seat, BOND))
    assert "4 seats are bonded and a dispute needs the circle's quorum of 5" in refusal(court, 1, 0, 3)


def test_a_trial_that_could_outlast_a_bond_is_refused(court: Court) -> None:
    last_s = NOW + UNBONDING_S - 4 * WINDOW_S
    check_in_time(court.history, 0, last_s, NOW, UNBONDING_S)
    with pytest.raises(UsageError, match="the circle has stood still since"):
        check_in_time(court.history, 0, last_s + 1, NOW, UNBONDING_S)
    court.apply(Left(0, 0, NOW + 5 * WINDOW_S))
    check_in_time(court.history, 0, NOW + WINDOW_S, NOW, UNBONDING_S)
    with pytest.raises(UsageError, match="seat 0 is given up and free at"):
        check_in_time(court.history, 0, NOW + WINDOW_S + 1, NOW, UNBONDING_S)


@pytest.mark.rule("R26.4")
def test_why_a_seat_cannot_vote_is_said(court: Court) -> None:
    def said(seat: int, now_s: float = NOW) -> str:
        with pytest.raises(UsageError) as refused:
            check_vote(court.history, court.history.disputes[0], seat, now_s)
        return str(refused.value)

    court.dispute()
    assert "in a stage without votes" in said(1)
    juror, second, third = court.summon()
    check_vote(court.history, court.history.disputes[0], juror, NOW)
    assert f"waits for its jury, seats {juror}, {second}, {third}" in said(8)
    assert "the vote on dispute 0 ended at" in said(juror, NOW + 2 * WINDOW_S)
    court.history.reputations[juror] = PARAMETERS.reputation_floor - 1
    assert said(juror).endswith("its reputation is below the floor")
    court.history.reputations[juror] = 32768
    court.history.seats[juror].suspended_until = 70
    assert said(juror).endswith("it is suspended until round 70")
    court.history.seats[juror].suspended_until = None
    court.history.seats[juror].bond = BOND // 2 - 1
    assert said(juror).endswith("less than half of its bond is left")
    court.vote(Answer.UPHOLDS, second)
    assert said(second) == f"seat {second} has voted on dispute 0 already"


# ----------------------------------------------------------------------------------------------------- in words


def test_seats_and_spans_are_told_in_words() -> None:
    assert [format_seats(one) for one in ([], [3], [0, 1], [0, 1, 2, 5, 7, 8, 9])] == [
        "no seat",
        "seat 3",
        "seats 0, 1",
        "seats 0 to 2, 5, 7 to 9",
    ]
    assert [format_duration(one) for one in (1, 90, 60, 7200, 86_400)] == [
        "1 second",
        "90 seconds",
        "1 minute",
        "2 hours",
        "1 day",
    ]
