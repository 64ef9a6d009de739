"""What `folkmoot seat` says of a seat, and what is in the way of a release or a withdrawal."""

from types import SimpleNamespace
from typing import Any

import pytest

from ledger.circle.events import Answer, Left, Moved, Outcome, Released, Resolved, Stage
from node.cli.seat import _price_of_leaving, _until_release, _why_nothing
from node.cli.seat_lines import print_seat
from node.operating.wording import format_time
from node.seat.seat_fields import describe_standing, make_seat_fields
from tests.support.histories.disputes import BOND, NOW, WINDOW_S, Court
from tests.support.histories.parts import address, cold
from tests.support.stand_ins import as_any


def opened(court: Court, now_s: float = NOW) -> Any:
    return SimpleNamespace(history=court.history, now_s=lambda: now_s)


def shown(court: Court, seat: int, capsys: pytest.CaptureFixture[str]) -> str:
    print_seat(make_seat_fields(court.history, seat))
    return capsys.readouterr().out


def test_a_convicted_seat_is_shown_with_what_it_cost(capsys: pytest.CaptureFixture[str]) -> None:
    court = Court()
    court.uphold()
    row = make_seat_fields(court.history, 0)
    assert (row["convictions"], row["suspended_until"], row["bond_wei"]) == (1, 66, BOND // 2)
    said = shown(court, 0, capsys)
    assert "convicted  once; a second time costs the seat and all of the bond" in said
    assert "suspended  until it wakes in round 66 or later" in said
    assert "convicted" not in shown(court, 1, capsys)


def test_a_seat_that_lost_all_says_so_in_short(capsys: pytest.CaptureFixture[str]) -> None:
    court = Court()
    court.uphold()
    court.dispute(0, 6)
    court.vote(Answer.UPHOLDS, *court.summon(1), number=1)
    court.refer(Stage.CIRCLE, 1)
    court.vote(Answer.UPHOLDS, *range(4, 9), number=1)
    court.apply(Resolved(1, Outcome.UPHELD, BOND // 2, NOW + WINDOW_S))
    said = shown(court, 0, capsys)
    assert f"seat       0, given up, free from {format_time(NOW + WINDOW_S)} on\n" in said
    assert "convicted  2 times" in said
    assert "suspended" not in said
    assert describe_standing(make_seat_fields(court.history, 0), 2) == ["given up", "convicted again"]
    court.apply(Left(5, 0, NOW + WINDOW_S))
    assert f"given up, answers for what it said until {format_time(NOW + WINDOW_S)}\n" in shown(court, 5, capsys)


def test_a_seat_with_strikes_is_told_what_leaving_burns(capsys: pytest.CaptureFixture[str]) -> None:
    court = Court()
    court.history.seats[3].strikes, court.history.reputations[3] = 8, 1000
    assert make_seat_fields(court.history, 3)["burned_by_leaving_wei"] == BOND // 4
    said = shown(court, 3, capsys)
    assert "of which leaving now burns 0.25 ETH" in said
    assert "quarantined, 8 of 16 strikes" in said


def test_what_leaving_costs_is_told_before() -> None:
    court = Court()
    state = SimpleNamespace(deadline_s=NOW + 50)
    circle = SimpleNamespace(fetch_state=lambda _: state, immutables={"UNBONDING_S": 1000})
    at = as_any(SimpleNamespace(history=court.history, now_s=lambda: float(NOW), block=7, circle=circle))
    assert _price_of_leaving(at, 3).startswith(
        f"leaving seat 3 burns nothing of its bond of 1 ETH. Until about {format_time(NOW + 1050)} the rest answers"
    )
    court.history.seats[3].strikes = 4
    assert "burns 0.125 ETH of its bond of 1 ETH, as it has 4 of 16 strikes." in _price_of_leaving(at, 3)


def test_who_dozes_or_is_late_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    court = Court()
    court.play(2, range(7))
    assert "not on that of the round under way, and dozes: it was waited for in vain" in shown(court, 7, capsys)
    court.history.late |= 1 << 7
    assert "late: it was waited for in vain before" in shown(court, 7, capsys)
    assert "roster     on that of the round under way\n" in shown(court, 0, capsys)


def test_what_is_out_of_the_ordinary_is_said_in_few_words() -> None:
    court = Court()
    court.uphold()
    court.apply(Left(5, 0, NOW), Left(6, 0, NOW), Released(6, BOND))
    court.history.dozing |= 1 << 6
    said = {seat: describe_standing(make_seat_fields(court.history, seat), 2) for seat in (0, 1, 5, 6)}
    assert said == {
        0: ["quarantined", "suspended until round 66", "convicted"],
        1: [],
        5: ["given up"],
        6: ["released"],
    }


def test_what_is_in_the_way_of_a_release_is_named() -> None:
    court = Court()
    court.dispute(2, 5)
    court.apply(Left(2, 0, NOW + WINDOW_S))
    first, second = _until_release(opened(court), 2, NOW)
    assert first.startswith("its unbonding time ends at 2027-")
    assert second == "dispute 0 about it is open, see `folkmoot disputes list 0`"
    assert _until_release(opened(court), 2, NOW + WINDOW_S) == [second]
    court.resolve(Outcome.REJECTED)
    assert _until_release(opened(court), 2, NOW + WINDOW_S) == []


def test_an_account_that_is_owed_nothing_learns_where_its_coin_is() -> None:
    court = Court()
    assert _why_nothing(opened(court), cold(1)) == "the bond of seat 1 is 1 ETH, and it is held"
    court.apply(Left(1, 0, NOW + WINDOW_S))
    assert "its unbonding time ends at" in _why_nothing(opened(court), cold(1))
    assert _why_nothing(opened(court, NOW + WINDOW_S), cold(1)).endswith("`folkmoot seat release 1` frees it now")
    court.dispute()
    assert _why_nothing(opened(court), address(8)) == "its bond in dispute 0 is pledged until that is closed"
    nobody = "a bond is owed to the seat's cold key once it is released"
    assert _why_nothing(opened(court), address(3)) == nobody
    court.apply(Released(1, BOND))
    assert _why_nothing(opened(court), cold(1)) == nobody


def test_what_a_seat_calls_itself_is_shown_apart_from_where_it_is_reached(
    capsys: pytest.CaptureFixture[str],
) -> None:
    court = Court()
    court.apply(Moved(1, "wss://127.0.0.1:1 http://127.0.0.1:1 name=Nord"))
    print_seat(make_seat_fields(court.history, 1))
    lines = capsys.readouterr().out.splitlines()
    assert 'name       "Nord": what it calls itself, for all to choose' in lines
    assert "endpoint   wss://127.0.0.1:1 http://127.0.0.1:1" in lines
    print_seat(make_seat_fields(court.history, 2))
    assert "name " not in capsys.readouterr().out
