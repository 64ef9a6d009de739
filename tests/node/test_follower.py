"""A member and its chain: whatever endpoints answer, it is told to wait, and nothing of it ends a node."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ledger.chain.circle import Circle as ChainCircle
from ledger.chain.rpc.answers import Receipt
from ledger.chain.rpc.client import ChainUnreachable, RpcFault
from ledger.chain.rpc.patience import EndpointPatience
from ledger.chain.transactions.sender import NoFunds, PlannedCall, Refused
from ledger.circle.events import Left, Moved, Rotated, Rotating, Settled
from ledger.errors import PeerFault, SetupError
from node import follower as follower_module
from node.follower import Doubtful, Follower
from node.operating.meter import Meter
from tests.support.circle_endpoint import FIRST_BLOCK, Endpoint, drawn_seed, log_of
from tests.support.histories.circles import NETWORK, Circle
from tests.support.histories.parts import digest
from tests.support.stand_ins import as_any

CIRCLE = Circle(rounds=2, seed_of=drawn_seed)
STRANGER = "0x" + "99" * 20


class Sender:
    """Its calls end as they are told to. went_back: how often it heard of a rollback."""

    def __init__(self, address: str) -> None:
        self.address, self.ends_with, self.went_back = address, None, 0

    def call(self, *_: Any, **__: Any) -> Any:
        if self.ends_with is not None:
            raise self.ends_with
        return type("Receipt", (), {"gas": 1, "block": 1})

    def call_all(self, contract: str, calls: Any, **_: Any) -> Any:
        if isinstance(self.ends_with, PeerFault):
            raise self.ends_with
        receipt = Receipt("0x" + "12" * 32, 1, 1, 1, None)
        return [self.ends_with or receipt, *[receipt] * (len(calls) - 1)]

    def note_reorganisation(self) -> None:
        self.went_back += 1


class Watched(Endpoint):
    """doubted: the reasons for which another endpoint was to be asked."""

    def __init__(self, lies: dict[str, Any] | None = None) -> None:
        super().__init__(CIRCLE, lies)
        self.doubted: list[str] = []

    def rpc(self) -> Any:
        rpc = super().rpc()

        def doubt(reason: str) -> None:
            self.doubted.append(reason)

        rpc.doubt = doubt
        rpc.patience = EndpointPatience(fault_s=0.0, catch_up_s=0.0)
        return rpc


@pytest.fixture
async def following(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """A follower of the circle that has read it, or not; its endpoint and its sender."""
    made: list[Follower] = []
    monkeypatch.setattr(follower_module, "_FIRST_LOOK_S", 0.0)

    async def follow(address: str = CIRCLE.known.seats[0].peer, *, is_read: bool = True) -> Any:
        endpoint, sender = Watched(), Sender(address)
        follower = Follower(ChainCircle(endpoint.rpc(), NETWORK.contract), as_any(sender), FIRST_BLOCK, Meter())
        made.append(follower)
        if is_read:
            assert await follower.follow()
        return follower, endpoint, sender

    yield follow
    for follower in made:
        follower.close()


def spoiled_logs(change: Any) -> Any:
    return {"eth_getLogs": lambda _, logs: [*logs[:-1], *change(logs[-1])]}


ANSWERS = {
    "a log cut": spoiled_logs(lambda log: [{**log, "data": "0x12"}]),
    "a log twice": spoiled_logs(lambda log: [log, log]),
    "a log of a foreign contract": spoiled_logs(lambda log: [{**log, "address": "0x" + "12" * 20}]),
    "a log at an absurd height": spoiled_logs(lambda log: [{**log, "blockNumber": "0x" + "7" * 30}]),
    "logs that are none": {"eth_getLogs": lambda *_: {"logs": []}},
    "no logs": {"eth_getLogs": lambda *_: None},
    "an event that cannot be": spoiled_logs(
        lambda log: [log, {**log_of(Left(3, 0, 5), int(log["blockNumber"], 16)), "logIndex": "0x1"}]
    ),
    "the circle's opening gone": {"eth_getLogs": lambda *_: []},
    "an error": {"eth_getLogs": lambda *_: RuntimeError("no")},
    "another hash": {"history": lambda *_: bytes(24), **spoiled_logs(lambda log: [])},
    "no hash": {"history": lambda *_: "0x", **spoiled_logs(lambda log: [])},
    "a height of thirty digits": {"eth_blockNumber": lambda *_: "0x" + "7" * 30, "eth_getLogs": lambda *_: []},
    "a negative height": {"eth_blockNumber": lambda *_: "-0x1", "eth_getLogs": lambda *_: []},
    "a block without a hash": {"eth_getBlockByNumber": lambda *_: {}, "eth_getLogs": lambda *_: []},
}


@pytest.mark.parametrize("lies", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("is_read", [True, False], ids=["later", "at first"])
async def test_whatever_endpoints_answer_a_member_is_told_to_wait(
    following: Any, lies: dict[str, Any], is_read: bool
) -> None:
    follower, endpoint, _ = await following(is_read=is_read)
    endpoint.lies = lies
    for _ in range(2):
        # A lie that is possible is found out when the round is settled, and what was folded then is taken back.
        with contextlib.suppress(ChainUnreachable):
            await follower.follow()
    endpoint.lies = {}
    await follower.follow()
    assert follower.history.hash == CIRCLE.known.hash
    assert follower.history.rounds == CIRCLE.known.rounds


async def test_what_does_not_fit_together_is_asked_of_another_endpoint_next(following: Any) -> None:
    follower, endpoint, _ = await following(is_read=False)
    endpoint.lies = {"history": lambda *_: bytes(24)}
    with pytest.raises(Doubtful, match="cannot be believed now"):
        await follower.follow()
    assert any("the ones the contract wrote" in reason for reason in endpoint.doubted)


REFUSALS = [
    NoFunds("cannot pay"),
    Refused("the chain refused it"),
    RpcFault("http://chain", "eth_call", -1, "nonsense", None),
    PeerFault("nonsense"),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda one: type(one).__name__)
async def test_a_refusal_that_nobody_can_check_ends_no_member(following: Any, refusal: Exception) -> None:
    follower, endpoint, sender = await following()
    sender.ends_with = refusal
    with pytest.raises(Doubtful, match="`commit` was not taken"):
        await follower.call("commit", 1, digest("update"))
    assert endpoint.doubted
    with pytest.raises(Doubtful, match="`vote` was not taken"):
        await follower.call_all(
            lambda _: [PlannedCall("vote", (0, 0)), PlannedCall("resolve", (0,))], timeout_s=1.0
        )
    newcomer, _, sender = await following(STRANGER)
    sender.ends_with = refusal
    with pytest.raises(type(refusal)):
        await newcomer.call("join")


async def test_what_is_wrong_with_this_machine_is_not_waited_for(following: Any) -> None:
    follower, _, sender = await following()
    sender.ends_with = SetupError("pending.json cannot be written")
    with pytest.raises(SetupError, match="cannot be written") as caught:
        await follower.call("commit", 1, digest("update"))
    assert not isinstance(caught.value, ChainUnreachable)


async def test_a_change_counts_also_where_the_look_ended_in_an_error(following: Any) -> None:
    """The round's settlement is folded, and the contract's hash cannot be had: it is asked for at the next look."""
    follower, endpoint, _ = await following(is_read=False)
    settled = max(n for n, event in enumerate(CIRCLE.events) if isinstance(event, Settled))
    whole = endpoint._events
    endpoint._events = whole[:settled]
    assert await follower.follow()
    changes = follower.changes
    endpoint._events = whole[: settled + 1]
    endpoint.lies = {"history": lambda *_: RuntimeError("header not found")}
    with pytest.raises(ChainUnreachable):
        await follower.follow()
    assert follower.changes == changes + 1
    asked = []
    endpoint.lies = {"eth_getLogs": lambda query, logs: asked.append(int(query[0]["fromBlock"], 16)) or logs}
    await follower.follow()
    assert asked == [FIRST_BLOCK], "all is read again up to the newest block, whose state any endpoint has"


async def test_a_deadline_of_another_moment_is_no_deadline(following: Any) -> None:
    follower, _, _ = await following()
    state = type("State", (), {"history": bytes(24), "deadline_s": 7})()
    follower.circle.fetch_state = lambda _: state
    with pytest.raises(ChainUnreachable, match="of different moments"):
        await follower.fetch_state()
    state.history = follower.history.hash
    assert (await follower.fetch_state()).deadline_s == 7


async def test_a_state_that_never_fits_is_asked_of_another_endpoint(following: Any) -> None:
    follower, endpoint, _ = await following()
    states = [bytes(24)] * 4 + [follower.history.hash] + [bytes(24)] * 4
    follower.circle.fetch_state = lambda _: type("State", (), {"history": states.pop(0)})()
    for fits in (False, True, False):
        for _ in range(1 if fits else 4):
            with (
                contextlib.nullcontext() if fits else pytest.raises(ChainUnreachable, match="of different moments")
            ):
                await follower.fetch_state()
    assert endpoint.doubted == []
    states.append(bytes(24))
    with pytest.raises(ChainUnreachable):
        await follower.fetch_state()
    assert len(endpoint.doubted) == 1


TAKEN = {
    "given up": Left(0, 0, 5),
    "rotated": [Rotating(0, STRANGER, STRANGER, 1), Rotated(0, STRANGER, STRANGER)],
    "moved": Moved(0, "wss://liar.example:1 http://liar.example:2"),
}


@pytest.mark.parametrize("told", TAKEN.values(), ids=TAKEN)
async def test_no_endpoint_makes_a_member_believe_that_it_lost_its_seat(following: Any, told: Any) -> None:
    follower, endpoint, sender = await following()
    forged = told if isinstance(told, list) else [told]

    def lie(query: list[Any], logs: list[Any]) -> list[Any]:
        logs = logs or [log_of(CIRCLE.events[-1], endpoint.head)]
        return [*logs, *({**log_of(one, endpoint.head), "logIndex": hex(n)} for n, one in enumerate(forged, 1))]

    endpoint.lies = {"eth_getLogs": lie}
    with pytest.raises(ChainUnreachable):
        await follower.follow()
    assert endpoint.doubted
    endpoint.lies = {}
    await follower.follow()
    assert follower.history.hash == CIRCLE.known.hash
    assert follower.history.seat_of(sender.address) == 0


def test_the_first_look_is_patient_for_minutes() -> None:
    assert follower_module._FIRST_LOOK_S >= 120.0


async def test_calls_side_by_side_are_those_that_make_sense_at_the_last_moment(following: Any) -> None:
    follower, _, _ = await following()
    votes = [PlannedCall("vote", (number, 0)) for number in range(3)]
    done = await follower.call_all(lambda history: votes[: history.number], timeout_s=1.0)
    assert list(done) == votes[: CIRCLE.known.number]
    assert await follower.call_all(lambda _: [], timeout_s=1.0) == {}
