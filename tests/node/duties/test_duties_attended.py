"""A member's chores as they are made: one at a time, in turn, and none that somebody else has made meanwhile."""

from types import SimpleNamespace

import pytest

from ledger.chain.rpc.client import ChainUnreachable, RpcFault
from ledger.chain.transactions.sender import CALLS_AT_ONCE, NoFunds, NoReceipt, Reverted
from ledger.circle.events import Ejected, Event
from ledger.circle.history import History
from node.duties.duties import Duties, count_members_ahead
from node.follower import Overtaken
from node.operating.notices import Notices
from node.seat.seating import CLOCK_SLACK_S
from tests.support.fake_follower import Clock, FakeFollower
from tests.support.histories.disputes import NOW as COURT_NOW
from tests.support.histories.disputes import Court
from tests.support.histories.moments import SEATS, history_of, settled
from tests.support.histories.parts import BOND, DISPUTE_BOND, address
from tests.support.stand_ins import as_any

pytestmark = pytest.mark.rule("R21")

SETTLED = settled(0, 1, 2, 3)
NOW = 10_000.0


class FakeVoting:
    """What a node would vote, and where it would appeal."""

    def __init__(self) -> None:
        self.said: list[tuple[int, int]] = []
        self.wrong: list[tuple[int, int]] = []
        self.is_working = False
        self.looks = 0

    def look(self, seat: int) -> None:
        self.looks += 1

    def list_votes(self, seat: int) -> list[tuple[int, int]]:
        return self.said

    def list_appeals(self) -> list[tuple[int, int]]:
        return self.wrong


class FakeWatcher:
    """What a node would claim."""

    def __init__(self) -> None:
        self.found: list[tuple[object, ...]] = []
        self.busy: list[bool] = []
        self.has_coin, self.owed = True, False

    def look(self, seat: int, *, is_busy: bool) -> None:
        self.busy.append(is_busy)

    def list_appeals(self, wrong: list[tuple[int, int]]) -> list[tuple[int, int]]:
        return wrong if self.has_coin else []

    def list_disputes(self) -> list[tuple[object, ...]]:
        return self.found

    def is_owed(self) -> bool:
        return self.owed


class Scene:
    """One member with its chores."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *events: Event, history: History | None = None) -> None:
        self.clock, self.follower = Clock(NOW), FakeFollower(history or history_of(*events))
        self.reports: list[object] = []
        self.told: list[dict[str, object]] = []
        monkeypatch.setattr("node.duties.duties.time", self.clock)
        evidence = SimpleNamespace(list_open=lambda history: self.reports)
        self.voting, self.watcher = FakeVoting(), FakeWatcher()
        self.duties = Duties(
            as_any(self.follower),
            as_any(evidence),
            as_any(self.voting),
            as_any(self.watcher),
            Notices(self.told.append),
        )

    @property
    def calls(self) -> list[tuple[object, ...]]:
        return self.follower.calls

    async def attend(self, seat: int, *, after_s: float = 0.0) -> bool:
        """Time goes on, and the member looks."""
        self.clock.now += after_s
        return await self.duties.attend(seat)

    def low(self, seat: int) -> None:
        """A seat that may be ejected."""
        self.follower.history.seats[seat].strikes = 1


def seat_with_turn(number: int) -> int:
    history = history_of(*SETTLED)
    return next(seat for seat in range(SEATS) if count_members_ahead(history, seat) == number)


async def test_where_nothing_is_due_nothing_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, *SETTLED)
    assert not await scene.attend(0)
    assert scene.calls == []


@pytest.mark.parametrize("number", range(SEATS))
async def test_each_member_waits_three_seconds_for_each_before_it(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    scene, seat = Scene(monkeypatch, *SETTLED), seat_with_turn(number)
    scene.low((seat + 1) % SEATS)
    if number:
        assert not await scene.attend(seat)
        assert not await scene.attend(seat, after_s=3 * number - 0.01)
        assert scene.calls == []
    assert await scene.attend(seat, after_s=0.02)
    assert scene.calls == [("eject", (seat + 1) % SEATS)]


async def test_what_another_has_done_meanwhile_is_dropped_and_waited_for_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene, seat = Scene(monkeypatch, *SETTLED), seat_with_turn(2)
    victim = seat_with_turn(0)
    scene.low(victim)
    assert not await scene.attend(seat)
    scene.follower.history.seats[victim].strikes = 0
    assert not await scene.attend(seat, after_s=10)
    scene.low(victim)
    assert not await scene.attend(seat, after_s=10), "its time counts from when it became due"
    assert await scene.attend(seat, after_s=6)


async def test_at_the_last_moment_the_chain_is_asked_whether_it_is_due_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene, seat = Scene(monkeypatch, *SETTLED), seat_with_turn(0)
    victim = seat_with_turn(1)
    scene.low(victim)
    scene.follower.before_call = lambda: scene.follower.apply(Ejected(victim, BOND // 2, int(NOW)))
    assert await scene.attend(seat)
    assert scene.calls == []


@pytest.mark.parametrize(
    "trouble",
    [
        Reverted("eject", "seat: too early"),
        NoReceipt("late"),
        NoFunds("poor"),
        Overtaken("done"),
        ChainUnreachable("away", "gone"),
        RpcFault("http://x", "eth_call", -32000, "no", None),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_chore_that_fails_is_tried_again_after_half_a_minute_and_keeps_no_other_from_being_done(
    monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    scene, seat = Scene(monkeypatch, *SETTLED), seat_with_turn(0)
    first, second = sorted(set(range(SEATS)) - {seat})[:2]
    for victim in (first, second):
        scene.low(victim)
    scene.follower.refusals = [trouble]
    scene.follower.then["eject"] = lambda victim: [Ejected(victim, BOND // 2, int(NOW) + 10**6)]
    assert await scene.attend(seat)
    assert await scene.attend(seat)
    assert scene.calls == [("eject", first), ("eject", second)]
    assert not await scene.attend(seat, after_s=29)
    assert await scene.attend(seat, after_s=1.1)
    assert scene.calls[2:] == [("eject", first)]


async def test_what_the_contract_refuses_again_and_again_is_tried_more_and_more_seldom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A claim is too late in a circle that stands still, a report was proved before: no history tells."""
    scene, seat = Scene(monkeypatch, *SETTLED), seat_with_turn(0)
    scene.watcher.found = [(1, 2, 3, b"record")]
    scene.follower.refusals = [Reverted("dispute", "dispute: too late to end")] * 1000
    for _ in range(24 * 120):
        await scene.attend(seat, after_s=30)
    assert 10 <= len(scene.calls) <= 15
    scene.follower.refusals = []
    assert await scene.attend(seat, after_s=6 * 3600), "it is not given up"


async def test_duties_keep_the_calls_of_a_round_waiting_for_a_part_of_its_shorter_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(monkeypatch, *SETTLED)
    scene.voting.said = [(0, 1234)]
    assert await scene.attend(seat_with_turn(3))
    assert scene.follower.waits_s == [15.0]


async def test_one_call_is_made_at_a_time_and_reports_come_before_ejections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene, seat = Scene(monkeypatch, *SETTLED), seat_with_turn(0)
    scene.low(seat_with_turn(3))
    scene.reports = [SimpleNamespace(call_arguments=lambda: (address(3), 1, "evidence"))]
    assert await scene.attend(seat)
    assert scene.calls == [("report_equivocation", address(3), 1, "evidence")]


# ------------------------------------------------------------------------------------------------- claims


async def test_a_vote_is_its_own_and_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, seat = Scene(monkeypatch, *SETTLED), seat_with_turn(3)
    scene.low(seat_with_turn(0))
    scene.voting.said = [(0, 1234)]
    assert await scene.attend(seat)
    assert scene.calls == [("vote", 0, 1234)]
    assert not await scene.attend(seat), "what failed or is not folded yet is not sent again at once"
    assert await scene.attend(seat, after_s=31)
    assert scene.calls[1] == ("vote", 0, 1234)


async def test_in_a_flood_of_claims_votes_go_side_by_side_and_keep_nothing_else_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    court = Court()
    for target in range(1, 7):
        court.dispute(judge=0, target=target)
    scene, seat = Scene(monkeypatch, history=court.history), 8
    scene.clock.now = court.history.disputes[0].deadline + CLOCK_SLACK_S
    scene.voting.said = [(number, 0) for number in range(50)]
    scene.watcher.owed = True
    await scene.attend(seat)
    assert await scene.attend(seat, after_s=27)
    first = [call[0] for call in scene.calls[:CALLS_AT_ONCE]]
    assert {name: first.count(name) for name in first} == {"vote": 11, "withdraw": 1}
    assert [call[0] for call in scene.calls[CALLS_AT_ONCE:]] == ["vote"] * 9 + ["resolve"] * 3
    votes = [call[1] for call in scene.calls if call[0] == "vote"]
    assert len(votes) == len(set(votes)) == 20


async def test_while_a_vote_is_recomputed_nobody_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, *SETTLED)
    await scene.attend(0)
    scene.voting.is_working = True
    await scene.attend(0)
    assert scene.watcher.busy == [False, True]


async def test_a_claim_and_an_appeal_pledge_their_bonds_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, seat = Scene(monkeypatch, *SETTLED), seat_with_turn(1)
    scene.watcher.found, scene.voting.wrong = [(1, 2, 3, b"record")], [(0, 77)]
    assert not await scene.attend(seat)
    assert await scene.attend(seat, after_s=3.1)
    assert await scene.attend(seat)
    assert scene.calls == [("appeal", 0, 77), ("dispute", 1, 2, 3, b"record")]
    assert scene.follower.paid_wei == [4 * DISPUTE_BOND, DISPUTE_BOND]


async def test_who_raises_a_claim_has_its_jury_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim whose jury nobody draws costs its bond, and its challenger may be training the next moment."""
    court = Court()
    scene = Scene(monkeypatch, history=court.history)
    seat = 8
    scene.clock.now = COURT_NOW
    scene.watcher.found = [(1, 0, 5, b"record")]

    def raised(*_: object) -> list[Event]:
        scene.watcher.found = []
        court.dispute()
        return []

    scene.follower.then["dispute"] = raised
    await scene.attend(seat)
    assert await scene.attend(seat, after_s=30)
    assert scene.calls == [("dispute", 1, 0, 5, b"record"), ("summon", 0)]


async def test_the_account_keeps_what_its_rounds_cost_and_the_operator_is_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene, seat = Scene(monkeypatch, *SETTLED), seat_with_turn(0)
    scene.watcher.found = [(1, 2, 3, b"record")]
    scene.follower.balance = 10**16 + DISPUTE_BOND - 1
    for _ in range(3):
        assert await scene.attend(seat, after_s=31)
    assert scene.calls == []
    assert [one["kind"] for one in scene.told] == ["no_coin_for_claims"]
    scene.follower.balance += 1
    assert await scene.attend(seat, after_s=31)
    assert len(scene.calls) == 1


async def test_without_coin_at_stake_left_nothing_is_appealed(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, seat = Scene(monkeypatch, *SETTLED), seat_with_turn(0)
    scene.voting.wrong, scene.watcher.has_coin = [(0, 77)], False
    assert not await scene.attend(seat)


async def test_what_a_decided_claim_gave_back_is_taken_so_that_it_can_be_pledged_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene, seat = Scene(monkeypatch, *SETTLED), seat_with_turn(3)
    scene.watcher.owed = True
    assert await scene.attend(seat)
    assert scene.calls == [("withdraw",)]
