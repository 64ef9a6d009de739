"""The way to a seat: who is taken, who waits, and who is told why not."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from ledger.chain.rpc.client import ChainUnreachable, RpcFault
from ledger.chain.transactions.sender import NoFunds, NoReceipt, Reverted
from ledger.circle.events import Event, Joined, Left, Moved, Released, Rotated, Rotating, Settled
from ledger.circle.reputation import pack
from ledger.errors import SetupError
from ledger.identity.endpoints import parse_endpoint
from node.follower import Overtaken
from node.seat.entrance import Entrance
from node.seat.seating import JoinRequest, SeatLost
from tests.support.fake_follower import Clock, FakeFollower
from tests.support.histories.moments import SEATS, attestations, commits, drawn, history_of, settled
from tests.support.histories.parts import BOND, NOBODY, address, cold
from tests.support.stand_ins import as_any

ENDPOINT = parse_endpoint("wss://127.0.0.1:5 http://127.0.0.1:5")
NEW = address(9)
LEAST_WEI = 10**15
NOW = 10_000


@dataclass
class Scene:
    """One node before it has a seat. served, told: what it let others fetch, and what it told its operator."""

    follower: FakeFollower
    wanted: int | None = None
    entry: JoinRequest = field(default_factory=JoinRequest)
    served: list[bytes] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    attended: int = 0
    stays: bool = True

    async def attend(self) -> bool:
        self.attended += 1
        return False

    def take(self) -> int:
        entrance = Entrance(
            as_any(self.follower.circle),
            as_any(self.follower),
            self.entry,
            self.wanted,
            self.follower.wait,
            self.served.append,
            self.attend,
            lambda: self.stays,
            self.told.append,
        )
        return asyncio.run(entrance.take(ENDPOINT))

    @property
    def called(self) -> list[object]:
        return [name for name, *_ in self.follower.calls]


def scene_of(*events: Event, address: str = NEW, **options: Any) -> Scene:
    follower = FakeFollower(history_of(*events), address=address)
    follower.past = list(events)
    follower.then["join"] = lambda endpoint, cold_key, *_: [
        Joined(len(follower.history.seats), address, cold_key, NOBODY, endpoint)
    ]
    return Scene(follower, **options)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock(float(NOW))
    monkeypatch.setattr("node.seat.entrance.time", made)
    return made


# ------------------------------------------------------------------------------------------------- joining


def test_a_new_key_joins_with_its_bond_and_its_own_key_for_a_cold_one() -> None:
    scene = scene_of()
    assert scene.take() == SEATS
    assert scene.follower.calls == [("join", ENDPOINT.text, NEW, 0, 0, 0, 0)]
    assert scene.follower.paid_wei == [BOND]


def test_the_cold_key_named_is_the_one_it_joins_with() -> None:
    scene = scene_of(entry=JoinRequest(cold(7)))
    scene.take()
    assert scene.follower.calls[0][2] == cold(7)


def test_who_has_a_seat_takes_it_and_pays_nothing() -> None:
    scene = scene_of(address=address(2))
    scene.follower.balance = LEAST_WEI
    assert scene.take() == 2
    assert scene.called == []


@pytest.mark.parametrize(("balance_wei", "is_enough"), [(LEAST_WEI + BOND, True), (LEAST_WEI + BOND - 1, False)])
def test_whoever_joins_must_have_the_bond_beside_what_calls_cost(balance_wei: int, is_enough: bool) -> None:
    scene = scene_of()
    scene.follower.balance = balance_wei
    if is_enough:
        assert scene.take() == SEATS
        return
    with pytest.raises(NoFunds, match=rf"too little to take part with a bond of 1e-15 ETH: fund it.* fund {NEW}"):
        scene.take()
    assert scene.called == []


def test_no_balance_that_an_endpoint_tells_ends_whoever_has_a_seat() -> None:
    scene = scene_of(address=address(2))
    scene.follower.balance = 0
    assert scene.take() == 2
    assert scene.called == []


def test_where_only_invited_ones_join_nothing_is_paid_without_an_invitation() -> None:
    scene = scene_of()
    scene.follower.circle.immutables["ADMISSION"] = 2
    with pytest.raises(SetupError, match="give the file with --invitation"):
        scene.take()
    assert scene.called == []


def test_a_refusal_of_the_circle_is_a_sentence() -> None:
    scene = scene_of()
    scene.follower.refusals = [Reverted("join", "circle: finished")]
    with pytest.raises(SetupError, match="the circle does not take this peer"):
        scene.take()


def test_a_join_that_had_come_through_after_all_is_found() -> None:
    """Its transaction was thought lost; the second one is refused, and by then the seat is there."""
    scene = scene_of()
    scene.follower.refusals = [Reverted("join", "join: already seated")]
    scene.follower.later = [[Joined(SEATS, NEW, NEW, NOBODY, ENDPOINT.text)]]
    assert scene.take() == SEATS
    assert scene.called == ["join"]


# ------------------------------------------------------------------------------------------------- a wanted seat


def test_a_seat_that_is_the_next_one_is_taken() -> None:
    assert scene_of(wanted=SEATS).take() == SEATS


def test_for_a_later_seat_it_waits_until_those_before_are_taken() -> None:
    scene = scene_of(wanted=SEATS + 2)
    one, other = (Joined(SEATS + n, address(20 + n), cold(20 + n), NOBODY, ENDPOINT.text) for n in range(2))
    scene.follower.later = [[], [one], [], [other]]
    assert scene.take() == SEATS + 2
    assert scene.follower.later == []


def test_a_seat_that_another_has_is_refused_before_anything_is_paid() -> None:
    scene = scene_of(wanted=SEATS - 1)
    with pytest.raises(SetupError, match=f"seat {SEATS - 1} is taken: leave out --seat"):
        scene.take()
    assert scene.called == []


def test_a_seat_wanted_by_one_who_has_another_is_no_matter() -> None:
    assert scene_of(address=address(2), wanted=0).take() == 2


# ------------------------------------------------------------------------------------------------- seats lost


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([Left(2, 0, NOW), Released(2, BOND)], "start a node with a fresh key"),
        (
            [*settled(0, 1, 2, 3), Rotating(2, address(8), cold(2), 5), Rotated(2, address(8), cold(2))],
            f"seat 2 goes on with the key {address(8)}",
        ),
    ],
    ids=["released", "rotated"],
)
def test_a_key_that_had_a_seat_is_told_so_and_does_not_join_again(events: list[Event], said: str) -> None:
    scene = scene_of(*events, address=address(2))
    with pytest.raises(SeatLost, match=said):
        scene.take()
    assert (scene.called, scene.served) == ([], [])


@pytest.mark.rule("R5")
def test_what_a_lost_seat_committed_is_served_from_the_draw_until_the_round_is_over() -> None:
    """Others judge it all the same; before the draw it is sealed."""
    left = [*drawn(0, 1, 2, 3), Left(2, 0, NOW)]
    scene = scene_of(*left, address=address(2), stays=False)
    seen: list[int] = []
    after = history_of(*left, *attestations(0, 1, 3))
    over = Settled(1, 0b1011, pack(after.compute_reputations(after.rounds[0])))
    scene.follower.later = [[], attestations(0, 1, 3), [over]]

    async def wait(wait_s: float) -> None:
        seen.append(len(scene.served))
        await scene.follower.follow(wait_s)

    scene.follower.wait = wait
    with pytest.raises(SeatLost, match="was given up"):
        scene.take()
    assert scene.served == [bytes([3]) * 32], "once"
    assert seen == [1, 1, 1]


def test_what_is_taken_back_by_leaving_before_the_draw_is_served_to_nobody() -> None:
    scene = scene_of(*commits(0, 1, 2, 3), Left(2, 0, NOW), address=address(2), stays=False)
    with pytest.raises(SeatLost, match="was given up"):
        scene.take()
    assert scene.served == []


@pytest.mark.rule("R21.3")
def test_until_its_seat_is_released_a_node_goes_on_serving_and_voting_and_says_so_once() -> None:
    """Its bond answers for what it said, and who has left has a voice still."""
    scene = scene_of(*settled(0, 1, 2, 3), Left(2, 0, NOW), address=address(2))
    scene.follower.later = [[], [], [Released(2, BOND)]]
    with pytest.raises(SeatLost, match="start a node with a fresh key"):
        scene.take()
    assert scene.attended == 3
    assert [one["kind"] for one in scene.told] == ["seat_given_up"]
    assert "goes on serving what it judged from and voting in disputes, and ends then" in scene.told[0]["says"]


def test_who_is_not_to_stay_ends_although_its_bond_is_held() -> None:
    scene = scene_of(*settled(0, 1, 2, 3), Left(2, 0, NOW), address=address(2), stays=False)
    with pytest.raises(SeatLost, match="its bond is got back by `folkmoot seat release 2`"):
        scene.take()
    assert (scene.attended, scene.told) == (0, [])


def test_what_another_key_committed_from_the_seat_is_not_this_ones_to_serve() -> None:
    rotated = [*settled(0, 1, 2, 3), Rotating(2, address(8), cold(2), 5), Rotated(2, address(8), cold(2))]
    scene = scene_of(*rotated, *commits(0, 1, 2, 3, number=2), address=address(2))
    with pytest.raises(SeatLost, match="goes on with the key"):
        scene.take()
    assert scene.served == []


def _settled(*seats: int) -> Settled:
    history = history_of(*drawn(0, 1, 2, 3), *attestations(*seats))
    return Settled(1, sum(1 << seat for seat in seats), pack(history.compute_reputations(history.rounds[0])))


# ------------------------------------------------------------------------------------------------- new keys


ROTATING = Rotating(2, NEW, cold(2), NOW + 60)


def test_a_key_announced_for_a_seat_waits_until_it_may_take_it_and_tells_so_once(clock: Clock) -> None:
    scene = scene_of(*settled(0, 1, 2, 3), ROTATING)
    scene.follower.balance = LEAST_WEI
    scene.follower.then["finish_rotation"] = lambda seat: [Rotated(seat, NEW, cold(2))]
    scene.follower.later = [[]] * 10

    async def wait(wait_s: float) -> None:
        clock.now += 20
        await scene.follower.follow(wait_s)

    scene.follower.wait = wait
    assert scene.take() == 2
    assert scene.follower.calls == [("finish_rotation", 2)]
    assert clock.now >= NOW + 61
    assert scene.told == [{"event": "waiting", "seat": 2, "until": NOW + 60}]


def test_between_its_commit_and_the_end_of_the_round_a_seat_is_not_taken_over(clock: Clock) -> None:
    clock.now = NOW + 100
    scene = scene_of(*commits(0, 1, 2, 3), ROTATING)
    scene.follower.then["finish_rotation"] = lambda seat: [Rotated(seat, NEW, cold(2))]
    scene.follower.later = [drawn(0, 1, 2, 3)[4:], attestations(0, 1, 2, 3), [_settled(0, 1, 2, 3)], []]
    assert scene.take() == 2
    assert scene.follower.calls == [("finish_rotation", 2)]


@pytest.mark.parametrize(
    "trouble",
    [
        Reverted("finish_rotation", "rotate: too early"),
        Overtaken("no"),
        NoReceipt("late"),
        ChainUnreachable("away", "gone"),
        RpcFault("http://x", "eth_call", -32000, "no", None),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_rotation_that_does_not_get_through_is_tried_again(clock: Clock, trouble: Exception) -> None:
    clock.now = NOW + 100
    scene = scene_of(*settled(0, 1, 2, 3), ROTATING)
    scene.follower.refusals = [trouble]
    scene.follower.then["finish_rotation"] = lambda seat: [Rotated(seat, NEW, cold(2))]
    scene.follower.later = [[], []]
    assert scene.take() == 2
    assert scene.called == ["finish_rotation"] * 2


def test_a_rotation_called_off_is_a_sentence_and_not_a_join() -> None:
    scene = scene_of(*settled(0, 1, 2, 3), ROTATING)
    scene.follower.later = [[], [Rotating(2, address(2), cold(2), 0)]]
    with pytest.raises(SetupError, match="the rotation to this node's key was called off"):
        scene.take()
    assert scene.called == []


def test_a_seat_taken_over_may_have_moved_meanwhile(clock: Clock) -> None:
    clock.now = NOW + 100
    scene = scene_of(*settled(0, 1, 2, 3), Moved(2, "wss://a http://a"), ROTATING)
    scene.follower.then["finish_rotation"] = lambda seat: [Rotated(seat, NEW, cold(2))]
    scene.follower.later = [[]]
    assert scene.take() == 2
