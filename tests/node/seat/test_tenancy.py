"""Which of two processes with one key acts for its seat, and what both say. The chain is a history in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from ledger.chain.rpc.client import ChainUnreachable
from ledger.circle.events import Event, Moved
from ledger.circle.history import History
from ledger.identity.endpoints import Endpoint, Origin, parse_endpoint, parse_gossip
from node.follower import Overtaken
from node.gossip.prober import FoundPeer
from node.operating.notices import Notices
from node.seat.tenancy import Action, KeyInUse, Tenancy, decide
from tests.support.histories.moments import history_of
from tests.support.histories.parts import address
from tests.support.stand_ins import as_any

pytestmark = pytest.mark.rule("R16.1")

KEY, SEAT = address(1), 1
FIRST = parse_endpoint("wss://first:1 http://first:2")
SECOND = parse_endpoint("wss://second:1 http://second:2")
OTHER = parse_endpoint("wss://other:1 http://other:2")
DEAD = parse_endpoint("wss://dead:1 http://dead:2")


@dataclass
class Chain:
    """What several processes see and change alike."""

    history: History
    moves: list[str] = field(default_factory=list)
    now_s: float = 0.0

    def apply(self, *events: Event) -> None:
        for event in events:
            self.history.apply(event)


@dataclass
class Process:
    """One process with the key. up: the gossip addresses at which it answers."""

    chain: Chain
    world: "dict[Origin, Process]"
    endpoint: Endpoint
    take_over: bool = False
    asked: list[Origin] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    resting: list[bool] = field(default_factory=list)
    before_move: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        self.tenancy = Tenancy(
            as_any(self),
            self._who,
            self.resting.append,
            Notices(lambda event: self.said.append(event["kind"])),
            self.take_over,
            lambda: self.chain.now_s,
        )
        self.sender = SimpleNamespace(address=KEY)

    @property
    def history(self) -> History:
        return self.chain.history

    async def follow(self, wait_s: float = 0.0) -> bool:
        return False

    async def call(self, name: str, endpoint: str, *, only_if: Callable[[History], bool]) -> None:
        assert name == "move"
        if self.before_move is not None:
            act, self.before_move = self.before_move, None
            act()
        if not only_if(self.history):
            raise Overtaken("the chain went on")
        self.chain.moves.append(endpoint)
        self.chain.apply(Moved(SEAT, endpoint))

    def listen(self) -> None:
        self.world[self.endpoint.gossip] = self

    async def start(self) -> None:
        await self.tenancy.check_free()
        self.listen()
        await self.tenancy.settle(SEAT, self.endpoint, is_new=False)

    async def holds(self, *, is_finishing: bool = False) -> bool:
        return await self.tenancy.holds(SEAT, self.endpoint, is_finishing=is_finishing)

    async def _who(self, gossip: Origin) -> FoundPeer:
        self.asked.append(gossip)
        answering = self.world.get(gossip)
        return FoundPeer(None, reason="refused") if answering is None else FoundPeer(KEY, is_self=answering is self)


@dataclass
class Scene:
    chain: Chain
    world: dict[Origin, Process] = field(default_factory=dict)

    def process(self, endpoint: Endpoint, *, take_over: bool = False) -> Process:
        return Process(self.chain, self.world, endpoint, take_over)

    async def running(self) -> Process:
        """The one that serves the seat."""
        first = self.process(FIRST)
        await first.start()
        assert await first.holds()
        return first

    def later(self) -> None:
        """So long that it is asked again who is at another endpoint."""
        self.chain.now_s += 15.0

    @property
    def named(self) -> str:
        return self.chain.history.seats[SEAT].endpoint


@pytest.fixture
def scene() -> Scene:
    return Scene(Chain(history_of(endpoints=[OTHER.text, DEAD.text])))


def test_who_answers_decides() -> None:
    assert decide(FoundPeer(KEY), KEY, may_take=True) == Action.STAND_BY
    assert decide(FoundPeer(KEY, is_self=True), KEY, may_take=True) == Action.STAY
    for nobody in (FoundPeer(None), FoundPeer(address(2))):
        assert decide(nobody, KEY, may_take=True) == Action.TAKE
        assert decide(nobody, KEY, may_take=False) == Action.STAND_BY


async def test_where_nobody_answers_the_seat_is_taken_over_once_the_process_can_serve(scene: Scene) -> None:
    process = scene.process(FIRST)
    await process.tenancy.check_free()
    assert (process.asked, scene.chain.moves) == ([DEAD.gossip], [])
    await process.start()
    assert scene.chain.moves == [FIRST.text]
    assert await process.holds()
    assert process.said == []


async def test_a_second_process_is_refused_before_it_changes_anything(scene: Scene) -> None:
    first = await scene.running()
    second = scene.process(SECOND)
    with pytest.raises(KeyInUse, match=r"end that one first, or start this one with --take-over$"):
        await second.start()
    assert (scene.named, second.endpoint.gossip in scene.world) == (FIRST.text, False)
    assert await first.holds()
    assert first.said == []


async def test_a_key_without_a_seat_is_in_nobodys_way(scene: Scene) -> None:
    scene.chain.history.seats[SEAT].peer = address(9)
    process = scene.process(FIRST)
    await process.tenancy.check_free()
    assert process.asked == []


async def test_of_two_that_start_at_once_one_acts_and_the_other_says_that_it_stands_by(scene: Scene) -> None:
    first, second = scene.process(FIRST), scene.process(SECOND)
    for process in (first, second):
        await process.tenancy.check_free()
        process.listen()
    # Both have asked the dead endpoint; the second's call is on chain before the first's is sent.
    first.before_move = lambda: scene.chain.apply(Moved(SEAT, SECOND.text))
    with pytest.raises(KeyInUse):
        await first.tenancy.settle(SEAT, FIRST, is_new=False)
    await second.tenancy.settle(SEAT, SECOND, is_new=True)
    assert await second.holds()
    assert scene.chain.moves == []


async def test_the_last_on_chain_acts_and_the_one_before_stands_by(scene: Scene) -> None:
    first = await scene.running()
    second = scene.process(SECOND, take_over=True)
    await second.start()
    assert (scene.named, second.asked) == (SECOND.text, [])
    assert not await first.holds()
    assert first.said == ["endpoint_changed", "standing_by"]
    assert first.resting[-1] is True
    assert (first.tenancy.is_away, second.tenancy.is_away) == (True, False)
    assert [one.tenancy.is_named(scene.chain.history, SEAT) for one in (first, second)] == [False, True]
    assert await second.holds()
    # Each is said once, and asked now and then.
    assert not await first.holds()
    assert (first.said, first.asked.count(SECOND.gossip)) == (["endpoint_changed", "standing_by"], 1)
    scene.later()
    assert not await first.holds()
    assert (first.said, first.asked.count(SECOND.gossip)) == (["endpoint_changed", "standing_by"], 2)


async def test_who_has_committed_to_the_round_finishes_it_and_then_stands_by(scene: Scene) -> None:
    first = await scene.running()
    await scene.process(SECOND, take_over=True).start()
    assert await first.holds(is_finishing=True)
    assert first.said == ["endpoint_changed", "standing_by"]
    assert first.resting == []
    assert not await first.holds()
    assert first.resting == [True]


async def test_an_endpoint_at_which_nobody_answers_is_taken_back_and_said(scene: Scene) -> None:
    first = await scene.running()
    scene.chain.apply(Moved(SEAT, DEAD.text))
    assert await first.holds()
    assert scene.named == FIRST.text
    assert first.said == ["endpoint_changed", "endpoint_back"]


async def test_the_endpoint_is_taken_back_when_the_other_process_has_ended(scene: Scene) -> None:
    first = await scene.running()
    second = scene.process(SECOND, take_over=True)
    await second.start()
    assert not await first.holds()
    del scene.world[SECOND.gossip]
    assert not await first.holds()
    scene.later()
    assert await first.holds()
    assert scene.named == FIRST.text
    assert first.resting[-1] is False
    assert first.said[-1] == "endpoint_back"


async def test_two_that_cannot_reach_each_other_do_not_move_for_ever(scene: Scene) -> None:
    first = await scene.running()
    second = scene.process(SECOND)
    del scene.world[FIRST.gossip]
    await second.start()
    del scene.world[SECOND.gossip]
    for _ in range(20):
        acting = [await process.holds() for process in (first, second)]
        scene.later()
    assert acting.count(True) == 1
    assert len(scene.chain.moves) <= 2 + 2 * 3
    assert "standing_by" in first.said + second.said


async def test_a_process_that_answers_under_another_name_goes_on(scene: Scene) -> None:
    first = await scene.running()
    scene.world[parse_gossip("wss://alias:1")] = first
    scene.chain.apply(Moved(SEAT, "wss://alias:1 http://alias:2"))
    assert await first.holds()
    assert scene.named == "wss://alias:1 http://alias:2"


async def test_a_name_given_at_the_start_replaces_one_that_leads_here_too(scene: Scene) -> None:
    process = scene.process(FIRST)
    scene.world[DEAD.gossip] = process
    await process.start()
    assert scene.named == FIRST.text


async def test_a_move_that_the_chain_took_back_is_made_again_without_alarm(scene: Scene) -> None:
    first = await scene.running()
    scene.chain.history = history_of(endpoints=[OTHER.text, DEAD.text])
    assert await first.holds()
    assert scene.named == FIRST.text
    assert "endpoint_changed" not in first.said


async def test_who_has_just_joined_is_named_already(scene: Scene) -> None:
    scene.chain.history = history_of(endpoints=[OTHER.text, FIRST.text])
    process = scene.process(FIRST)
    process.listen()
    await process.tenancy.settle(SEAT, FIRST, is_new=True)
    assert (scene.chain.moves, process.asked) == ([], [])
    assert await process.holds()


async def test_a_process_behind_the_same_name_is_displaced_as_well(scene: Scene) -> None:
    first = await scene.running()
    # The name leads to another machine now, which is started there.
    del scene.world[FIRST.gossip]
    second = scene.process(FIRST)
    await second.start()
    assert scene.chain.moves == [FIRST.text, FIRST.text]
    assert not await first.holds()
    assert first.said == ["endpoint_changed", "standing_by"]
    assert await second.holds()


async def test_an_endpoint_that_nobody_can_read_is_nobodys(scene: Scene) -> None:
    first = await scene.running()
    scene.chain.apply(Moved(SEAT, "nonsense"))
    assert await first.holds()
    assert scene.named == FIRST.text


async def test_a_move_of_which_no_event_is_told_is_paid_for_once(scene: Scene) -> None:
    """An endpoint gives the receipt and withholds the event: only the contract's hash says whether it is there."""
    process = scene.process(FIRST)
    process.listen()
    told, is_there = scene.chain.apply, [True]

    def withheld(*_: Event) -> None:
        assert len(scene.chain.moves) == 1, "it pays again and again"

    scene.chain.apply = withheld

    async def fetch_state() -> None:
        if is_there[0]:
            raise ChainUnreachable("the circle's state and its events are of different moments")
        scene.chain.apply = told

    as_any(process).fetch_state = fetch_state
    for _ in range(3):
        with pytest.raises(ChainUnreachable):
            await process.tenancy.settle(SEAT, FIRST, is_new=False)
    assert len(scene.chain.moves) == 1
    is_there[0] = False
    await process.tenancy.settle(SEAT, FIRST, is_new=False)
    assert (len(scene.chain.moves), scene.named) == (2, FIRST.text)
