"""`folkmoot disputes` by hand: what is voted and appealed follows from recomputing, and what cannot be is said."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from ledger.circle.events import Answer, Moved, Stage
from ledger.errors import SetupError, UsageError
from ledger.judging.false_verdicts import Truth
from node.cli import disputes
from node.cli.main import main
from node.cli.recomputing import Recomputed
from node.duties.claim_lines import make_lines
from node.duties.claims import make_row
from tests.support.histories.disputes import DISPUTE_BOND, NOW, WINDOW_S, Court
from tests.support.histories.parts import address
from tests.support.stand_ins import as_any


@dataclass
class Key:
    """A key whose calls are noted."""

    address: str
    sent: list[tuple[Any, ...]] = field(default_factory=list)

    def call(self, name: str, *arguments: object, value_wei: int = 0) -> Any:
        self.sent.append((name, *arguments, value_wei))
        return SimpleNamespace(block=8)


@dataclass
class Act:
    """One action on dispute 0, with what recomputing gives."""

    court: Court
    monkeypatch: pytest.MonkeyPatch
    now_s: float = NOW

    def __call__(self, action: str, key: Key, truth: Truth | None, **chosen: Any) -> list[tuple[Any, ...]]:
        found = Recomputed(truth, "blob abc is not to be had", bytes(32))
        self.monkeypatch.setattr(disputes, "recompute_claim", lambda *_: found)
        options: Any = SimpleNamespace(**{"answer": None, "anyway": False, "timeout": 1.0, **chosen})
        opened: Any = SimpleNamespace(history=self.court.history, now_s=lambda: self.now_s)
        assert disputes._CALLS[action](options, opened, as_any(key), self.court.history.disputes[0]) == 8
        return key.sent


@pytest.fixture
def act(monkeypatch: pytest.MonkeyPatch) -> Act:
    """The jury of dispute 0 votes until two windows from now."""
    court = Court()
    court.dispute()
    court.summon()
    return Act(court, monkeypatch)


def juror(act: Act, place: int = 0) -> Key:
    jury = [seat for seat in range(9) if act.court.history.disputes[0].jury >> seat & 1]
    return Key(address(jury[place]))


def said(answer: Answer) -> int:
    return 1 << 18 | 0 << 10 | 5 << 2 | answer


@pytest.mark.parametrize(
    ("truth", "answer"), [(Truth.FALSE, Answer.UPHOLDS), (Truth.RIGHT, Answer.REJECTS)], ids=["false", "right"]
)
def test_a_vote_is_what_recomputing_gives(act: Act, truth: Truth, answer: Answer) -> None:
    assert act("vote", juror(act), truth) == [("vote", 0, said(answer), 0)]


def test_withheld_is_an_answer_in_the_last_third_of_the_window(act: Act) -> None:
    last_third_s = NOW + 2 * WINDOW_S - WINDOW_S / 3
    act.now_s = last_third_s - 1
    with pytest.raises(SetupError, match=r"blob abc is not to be had.*ask again, from 2027-"):
        act("vote", juror(act), Truth.WITHHELD)
    act.now_s = last_third_s
    assert act("vote", juror(act), Truth.WITHHELD) == [("vote", 0, said(Answer.WITHHELD), 0)]


def test_what_nobody_can_tell_is_rejected_and_where_it_may_be_told_later_nobody_votes(act: Act) -> None:
    assert act("vote", juror(act), Truth.UNKNOWABLE) == [("vote", 0, said(Answer.REJECTS), 0)]
    with pytest.raises(SetupError, match="nobody gives the circle's first state"):
        act("vote", juror(act), None)


@pytest.mark.parametrize("answer", list(Answer), ids=lambda one: one.name)
def test_an_answer_that_is_given_is_sent_without_recomputing(act: Act, answer: Answer) -> None:
    key = juror(act)
    assert act("vote", key, None, answer=answer.name.lower()) == [("vote", 0, said(answer), 0)]


def test_who_has_no_seat_or_is_not_asked_does_not_vote(act: Act) -> None:
    with pytest.raises(UsageError, match="is no seat's hot key"):
        act("vote", Key(address(99)), Truth.FALSE)
    with pytest.raises(UsageError, match="seat 8 is not asked"):
        act("vote", Key(address(8)), Truth.FALSE)


def test_an_appeal_pledges_four_bonds_where_recomputing_shows_the_lie(act: Act) -> None:
    with pytest.raises(UsageError, match="is not open to appeal, as it is open: its jury votes"):
        act("appeal", juror(act), Truth.FALSE)
    for place in range(2):
        act.court.vote(Answer.REJECTS, int(peer_seat(juror(act, place))))
    act.court.refer(Stage.APPEAL)
    appeal = ("appeal", 0, said(Answer.REJECTS), 4 * DISPUTE_BOND)
    assert act("appeal", Key(address(8)), Truth.FALSE) == [appeal]
    for truth in (Truth.RIGHT, Truth.WITHHELD, Truth.UNKNOWABLE, None):
        with pytest.raises(UsageError, match="recomputing does not give that the claim is right"):
            act("appeal", Key(address(8)), truth)
        assert act("appeal", Key(address(8)), truth, anyway=True) == [appeal]
    act.now_s = NOW + 3 * WINDOW_S
    with pytest.raises(UsageError, match="is not open to appeal"):
        act("appeal", Key(address(8)), Truth.FALSE)


def peer_seat(key: Key) -> int:
    return next(seat for seat in range(9) if address(seat) == key.address)


def test_a_stage_is_taken_on_once_it_is_over(act: Act) -> None:
    with pytest.raises(UsageError, match="cannot be taken on now, as it is open: its jury votes until"):
        act("resolve", Key(address(99)), None)
    with pytest.raises(UsageError, match="no jury is to be drawn for dispute 0"):
        act("summon", Key(address(99)), None)
    act.now_s = NOW + 2 * WINDOW_S
    assert act("resolve", Key(address(99)), None) == [("resolve", 0, 0)]


def test_a_jury_is_drawn_until_the_window_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    court = Court()
    court.dispute()
    act = Act(court, monkeypatch)
    assert act("summon", Key(address(99)), None) == [("summon", 0, 0)]
    act.now_s = NOW + WINDOW_S
    with pytest.raises(UsageError, match="no jury is to be drawn for dispute 0"):
        act("summon", Key(address(99)), None)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["vote", "0", "--open", "--keystore", "key.json"], "--open is for the list alone"),
        (
            ["resolve", "0", "--answer", "upholds", "--keystore", "key.json"],
            "--answer is for `disputes vote`",
        ),
        (["--anyway"], "--anyway is for `disputes appeal` alone"),
        (["resolve", "0"], "name the key that pays with --keystore"),
        (["vote", "0", "--keystore", "key.json", "--timeout", "nan"], "--timeout is above 0"),
    ],
)
def test_options_that_do_not_belong_together_are_refused(
    options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["disputes", *options]) == 2
    assert says in capsys.readouterr().err


def test_who_is_meant_is_called_what_it_calls_itself_beside_its_number() -> None:
    court = Court()
    place = "wss://127.0.0.1:1 http://127.0.0.1:1 name="
    for seat, name in ((0, "Nord"), (1, "seat%200"), (2, "Ost")):
        court.history.apply(Moved(seat, f"{place}{name}"))
    court.dispute(0, 1)
    row = make_row(court.history, court.history.disputes[0], NOW)
    assert row["names"] == {"0": {"name": "Nord", "name_marks": []}}
    assert ("names", 'seat 0: "Nord"') in make_lines(row)
