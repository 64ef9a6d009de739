"""A member's chores as they are made: one at a time, in turn, and none that somebody else has made meanwhile."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest
from circle_history import BOND, SEATS, SEED, history_of, peer, settled
from fake_follower import Clock, FakeFollower, as_any

from ledger.audit.jury import Truth
from ledger.blobs.fetch import Unavailable
from ledger.chain.rpc import ChainUnreachable, RpcFault
from ledger.chain.sender import NoFunds, NoReceipt, Reverted
from ledger.errors import PeerFault
from ledger.events import Disputed, Ejected, Event, Summoned, Voted
from ledger.topology import jury, seats_of
from node.duties import Duties, turn
from node.follower import Overtaken
from node.jury import Answered

SETTLED = settled(0, 1, 2, 3)
CHALLENGER = "0x" + "99" * 20
NOW = 10_000.0


def disputed(number: int = 0, judge: int = 0, target: int = 1, deadline: float = NOW + 1000) -> list[Event]:
    """A claim and its jury, with this number on top of a settled round."""
    claim = Disputed(number, 1, judge, target, CHALLENGER, bytes(32), int(deadline))
    eligible = history_of(*SETTLED).eligible_jurors(judge, target, CHALLENGER)
    return [claim, Summoned(number, SEED, jury(SEED, eligible, 3), int(deadline))]


JURY = seats_of(disputed()[1].jury)  # type: ignore[attr-defined]


class Scene:
    """One member with its chores. truths: what recomputing gives, in order; an exception is raised."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *events: Event) -> None:
        self.clock, self.follower = Clock(NOW), FakeFollower(history_of(*events))
        self.reports: list[object] = []
        self.truths: list[bool | Exception | None] = []
        self.recomputed: list[tuple[int, int, int]] = []
        self.may_end = asyncio.Event()
        self.may_end.set()
        monkeypatch.setattr("node.duties.time", self.clock)
        monkeypatch.setattr("node.duties.truth_of", self._truth_of)
        evidence = SimpleNamespace(open=lambda history: self.reports)
        self.duties = Duties(as_any(self.follower), as_any(evidence), as_any(None))

    @property
    def calls(self) -> list[tuple[object, ...]]:
        return self.follower.calls

    async def _truth_of(
        self, history: object, network: bytes, number: int, judge: int, target: int, fetch: object
    ) -> Answered:
        self.recomputed.append((number, judge, target))
        await self.may_end.wait()
        truth = self.truths.pop(0)
        if isinstance(truth, Exception):
            raise truth
        return Answered({True: Truth.FALSE, False: Truth.RIGHT, None: Truth.UNKNOWABLE}[truth])

    async def attend(self, seat: int, *, after_s: float = 0.0) -> bool:
        """Time goes on, what is recomputed comes to an end, and the member looks."""
        self.clock.now += after_s
        for _ in range(5):
            await asyncio.sleep(0)
        return await self.duties.attend(seat)

    def low(self, seat: int) -> None:
        """A seat that may be ejected."""
        self.follower.history.seats[seat].strikes = 1


def seat_with_turn(number: int) -> int:
    history = history_of(*SETTLED)
    return next(seat for seat in range(SEATS) if turn(history, seat) == number)


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


async def test_one_call_is_made_at_a_time_and_reports_come_before_ejections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene, seat = Scene(monkeypatch, *SETTLED), seat_with_turn(0)
    scene.low(seat_with_turn(3))
    scene.reports = [SimpleNamespace(arguments=lambda: (peer(3), 1, "evidence"))]
    assert await scene.attend(seat)
    assert scene.calls == [("report_equivocation", peer(3), 1, "evidence")]


# ------------------------------------------------------------------------------------------------- juries


@pytest.mark.parametrize("truth", [True, False])
async def test_a_juror_votes_as_recomputing_gives_and_waits_for_nobody(
    monkeypatch: pytest.MonkeyPatch, truth: bool
) -> None:
    """A vote is its own; an ejection has its turn."""
    juror = max(JURY, key=lambda seat: turn(history_of(*SETTLED), seat))
    own_turn = turn(history_of(*SETTLED), juror)
    assert own_turn > 0
    scene = Scene(monkeypatch, *SETTLED, *disputed())
    scene.low(next(seat for seat in range(SEATS) if seat != juror))
    scene.truths = [truth]
    scene.follower.then["vote"] = lambda number, upholds: [Voted(number, juror, upholds)]
    assert not await scene.attend(juror)
    assert await scene.attend(juror)
    assert scene.calls == [("vote", 0, truth)]
    assert scene.recomputed == [(1, 0, 1)]
    assert not await scene.attend(juror, after_s=3 * own_turn - 0.01)
    assert await scene.attend(juror, after_s=0.02)
    assert scene.calls[1][0] == "eject"


async def test_who_is_on_no_jury_recomputes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, *SETTLED, *disputed())
    bystander = next(seat for seat in range(SEATS) if seat not in JURY)
    assert not await scene.attend(bystander)
    assert not await scene.attend(bystander)
    assert scene.recomputed == []


async def test_what_is_recomputed_keeps_nothing_else_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, *SETTLED, *disputed())
    juror = max(JURY, key=lambda seat: turn(scene.follower.history, seat))
    scene.may_end.clear()
    scene.truths = [True]
    scene.reports = [SimpleNamespace(arguments=lambda: (peer(3), 1))]
    assert not await scene.attend(juror, after_s=0)
    assert await scene.attend(juror, after_s=3 * SEATS)
    assert scene.calls == [("report_equivocation", peer(3), 1)]
    assert len(scene.recomputed) == 1
    scene.may_end.set()
    assert await scene.attend(juror)
    assert scene.calls[1:] == [("vote", 0, True)]


@pytest.mark.parametrize(
    "trouble",
    [Unavailable(bytes(32), {}), PeerFault("what"), TimeoutError(), None],
    ids=["unavailable", "fault", "timeout", "nobody can tell"],
)
async def test_what_cannot_be_recomputed_is_not_voted_on_and_tried_again_after_a_rest(
    monkeypatch: pytest.MonkeyPatch, trouble: Exception | None
) -> None:
    scene, juror = Scene(monkeypatch, *SETTLED, *disputed()), JURY[0]
    scene.truths = [trouble, True]
    for _ in range(3):
        assert not await scene.attend(juror)
    assert len(scene.recomputed) == 1
    assert not await scene.attend(juror, after_s=14)
    assert len(scene.recomputed) == 1
    assert not await scene.attend(juror, after_s=1.1)
    assert await scene.attend(juror)
    assert scene.calls == [("vote", 0, True)]


async def test_what_was_found_is_remembered_while_a_vote_does_not_get_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene, juror = Scene(monkeypatch, *SETTLED, *disputed()), JURY[0]
    scene.truths = [True]
    scene.follower.refusals = [NoReceipt("late")]
    await scene.attend(juror)
    assert await scene.attend(juror)
    assert not await scene.attend(juror, after_s=29)
    assert await scene.attend(juror, after_s=2)
    assert scene.calls == [("vote", 0, True)] * 2
    assert len(scene.recomputed) == 1


async def test_after_a_reorganisation_a_dispute_with_another_seed_is_recomputed_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene, juror = Scene(monkeypatch, *SETTLED, *disputed()), JURY[0]
    scene.truths = [True, False]
    scene.follower.refusals = [NoReceipt("late")]
    await scene.attend(juror)
    await scene.attend(juror)
    dispute = scene.follower.history.disputes[0]
    assert dispute.summoned is not None
    dispute.summoned = replace(dispute.summoned, seed=b"\x55" * 32)
    await scene.attend(juror, after_s=40)
    assert await scene.attend(juror)
    assert scene.calls == [("vote", 0, True), ("vote", 0, False)]


async def test_disputes_are_recomputed_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, *SETTLED, *disputed(), *disputed(1, judge=1, target=0))
    juror = JURY[0]
    scene.may_end.clear()
    scene.truths = [True, False]
    scene.follower.then["vote"] = lambda number, upholds: [Voted(number, juror, upholds)]
    await scene.attend(juror)
    await scene.attend(juror)
    assert len(scene.recomputed) == 1
    scene.may_end.set()
    for _ in range(4):
        await scene.attend(juror)
    assert sorted(scene.calls) == [("vote", 0, True), ("vote", 1, False)]
    assert scene.recomputed == [(1, 0, 1), (1, 1, 0)]


async def test_after_its_deadline_nobody_votes(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, juror = Scene(monkeypatch, *SETTLED, *disputed()), JURY[0]
    scene.truths = [True]
    await scene.attend(juror)
    await scene.attend(juror, after_s=1000)
    assert "vote" not in [name for name, *_ in scene.calls]


async def test_closing_ends_what_is_being_recomputed(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, *SETTLED, *disputed())
    scene.may_end.clear()
    await scene.attend(JURY[0])
    before = set(asyncio.all_tasks())
    await asyncio.sleep(0)
    scene.duties.close()
    for _ in range(3):
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == len(before) - 1
