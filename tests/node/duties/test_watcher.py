"""A node that looks at others: at its own pace, within its coin, and claiming only what it recomputed."""

import asyncio
import random
from dataclasses import replace
from typing import Any, Protocol

import pytest

from ledger.circle.events import ASKING, WITHOUT_RECORD, Answer, Left, Outcome, Stage
from ledger.errors import PeerFault
from ledger.fetch.fetcher import Unavailable
from ledger.judging.false_verdicts import Examination, Truth
from node.duties.jury import RecomputedTruth
from node.duties.watcher import WatchBudget, Watcher
from node.duties.watching import BUDGET_BONDS
from node.operating.notices import Notices
from tests.support.fake_follower import Clock, FakeFollower
from tests.support.histories.disputes import BOND, CHALLENGER, DISPUTE_BOND, NOW, WINDOW_S, Court
from tests.support.histories.parts import address
from tests.support.stand_ins import as_any

pytestmark = pytest.mark.rule("R21.1")

OWN = 8
CLEAN = Examination((), b"\1" * 32)


class ProcessClock(Clock):
    """CPU time beside it. cpu_s: what this process has used."""

    cpu_s = 0.0

    def process_time(self) -> float:
        return self.cpu_s


class Scene:
    """One node, seat 8's. finds: what looking at a judge gives; an exception is raised. costs_s: CPU time of it."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, court: Court, *, share: float = 0.5, stake_wei: int = 10**18
    ) -> None:
        self.court, self.clock = court, ProcessClock(NOW)
        self.finds: dict[int, Examination | RecomputedTruth | Exception] = {}
        self.hidden: set[tuple[int, int]] = set()
        self.looked: list[tuple[int, int]] = []
        self.told: list[dict[str, object]] = []
        self.costs_s = 2.0
        monkeypatch.setattr("node.duties.watcher.time", self.clock)
        monkeypatch.setattr("node.duties.watcher.recompute_attestation", self._examined)
        self.follower = FakeFollower(court.history, address=CHALLENGER)
        budget = WatchBudget(share, stake_wei)
        self.watcher = Watcher(
            as_any(self.follower), as_any(None), budget, Notices(self.told.append), random.Random(1)
        )

    async def _examined(
        self, history: object, network: bytes, number: int, judge: int, fetch: object
    ) -> Examination | RecomputedTruth:
        self.looked.append((number, judge))
        self.clock.cpu_s += self.costs_s
        self.clock.now += 2 * self.costs_s
        if (number, judge) in self.hidden:
            return RecomputedTruth(Truth.WITHHELD)
        found = self.finds.get(judge, CLEAN)
        if isinstance(found, Exception):
            raise found
        return found

    async def look(self, *, after_s: float = 0.0, is_busy: bool = False) -> None:
        self.clock.now += after_s
        self.watcher.look(OWN, is_busy=is_busy)
        for _ in range(4):
            await asyncio.sleep(0)
        self.watcher.look(OWN, is_busy=True)

    async def look_at_all(self, times: int = 1) -> None:
        for _ in range(12 * times):
            await self.look(after_s=100)

    def kinds(self) -> list[object]:
        return [one["kind"] for one in self.told]


class Watch(Protocol):
    """Makes a scene. after_rounds: so many are settled. silent: a judge that shows nothing of what it knew."""

    def __call__(
        self,
        court: Court | None = None,
        *,
        after_rounds: int = 1,
        silent: int | None = None,
        share: float = 0.5,
        stake_wei: int = 10**18,
    ) -> Scene: ...


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    def make(
        court: Court | None = None, *, after_rounds: int = 1, silent: int | None = None, **budget: Any
    ) -> Scene:
        court = Court() if court is None else court
        for number in range(2, after_rounds + 1):
            court.play(number)
        scene = Scene(monkeypatch, court, **budget)
        if silent is not None:
            scene.finds[silent] = RecomputedTruth(Truth.WITHHELD)
        return scene

    return make


def have_it_shown(court: Court, *, number: int = 2, by: str = CHALLENGER) -> None:
    """Judge 3 is asked by a claim for what it judged from in a round, and shows it."""
    court.dispute(judge=3, target=3, number=number, challenger=by, evidence=ASKING)
    court.vote(Answer.REJECTS, *court.summon())
    court.refer(Stage.APPEAL)
    court.resolve(Outcome.REJECTED)


async def test_it_looks_at_each_judge_once_and_at_nobody_when_all_was_seen(watch: Watch) -> None:
    scene = watch()
    await scene.look_at_all()
    assert sorted(scene.looked) == [(1, judge) for judge in range(8)]
    scene.court.play(2)
    await scene.look_at_all()
    assert sorted(scene.looked)[8:] == [(2, judge) for judge in range(8)]


async def test_after_a_look_it_rests_by_the_share_of_time_it_is_given(watch: Watch) -> None:
    scene = watch(share=0.05)
    await scene.look()
    assert len(scene.looked) == 1
    await scene.look(after_s=37.9)
    assert len(scene.looked) == 1
    await scene.look(after_s=0.2)
    assert len(scene.looked) == 2, "two seconds of each forty"


@pytest.mark.parametrize("share", [0.0, 0.5])
async def test_it_looks_at_nobody_where_it_is_given_no_time_or_nobody_can_be_held_to_it(
    watch: Watch, share: float
) -> None:
    court = Court()
    if share:
        court.history.terms = replace(court.history.terms, dispute_bond=0)
    scene = watch(court, share=share)
    await scene.look_at_all()
    assert scene.looked == []


async def test_while_the_node_recomputes_for_a_vote_it_looks_at_nobody(watch: Watch) -> None:
    scene = watch()
    await scene.look(is_busy=True)
    assert scene.looked == []


async def test_what_is_false_is_claimed_once_and_told(watch: Watch) -> None:
    scene = watch()
    scene.finds[3] = Examination((4, 6), b"\7" * 32)
    await scene.look_at_all()
    assert scene.watcher.list_disputes() == [(1, 3, 4, b"\7" * 32)]
    assert scene.kinds() == ["false_verdict"]
    assert scene.told[0]["says"] == (
        "what seat 3 attested in round 1 about seat 4 is false, recomputed here: this node disputes it "
        "unless another does"
    )
    scene.court.dispute(judge=3, target=4)
    assert scene.watcher.list_disputes() == [], "one claim at a time against a judge"


async def test_a_wrong_claim_that_a_friend_raised_shields_no_liar(watch: Watch) -> None:
    scene = watch()
    scene.court.dispute(judge=3, target=5, challenger=address(7))
    scene.finds[3] = Examination((4, 6), b"\7" * 32)
    await scene.look_at_all()
    assert scene.watcher.list_disputes() == [(1, 3, 4, b"\7" * 32)]


async def test_a_false_record_or_base_is_a_claim_about_the_judge_itself(watch: Watch) -> None:
    scene = watch()
    scene.finds[3] = Examination((3,), None)
    await scene.look_at_all()
    assert scene.watcher.list_disputes() == [(1, 3, 3, WITHOUT_RECORD)]
    assert "of what it goes on with is false" in str(scene.told[0]["says"])


async def test_of_a_judge_with_many_lies_one_is_claimed_and_the_next_after_it_was_decided(
    watch: Watch,
) -> None:
    court = Court()
    court.play(2)
    scene = watch(court)
    scene.finds[0] = Examination((5,), b"\7" * 32)
    await scene.look_at_all(3)
    assert len(scene.watcher.list_disputes()) == 1
    court.uphold()
    assert court.history.seats[0].convictions == 1
    assert scene.watcher.list_disputes() == [(2, 0, 5, b"\7" * 32)], "the one of round 1 is decided"


@pytest.mark.parametrize(
    "trouble",
    [
        RecomputedTruth(Truth.WITHHELD),
        RecomputedTruth(Truth.UNKNOWABLE),
        Unavailable(bytes(32), {}),
        PeerFault("what"),
        TimeoutError(),
        ArithmeticError("what"),
    ],
    ids=["withheld", "unknowable", "genesis", "fault", "timeout", "any"],
)
async def test_what_it_could_not_recompute_it_does_not_claim(
    watch: Watch, trouble: RecomputedTruth | Exception
) -> None:
    scene = watch()
    scene.finds = dict.fromkeys(range(9), trouble)
    await scene.look_at_all()
    assert scene.looked
    assert scene.watcher.list_disputes() == []


async def test_of_who_does_not_show_what_it_judged_from_the_operator_hears_once(
    watch: Watch,
) -> None:
    scene = watch(after_rounds=2, silent=3)
    await scene.look_at_all(5)
    assert scene.kinds() == ["unshown"]
    assert str(scene.told[0]["says"]).startswith("seat 3 does not show what it judged from in round ")
    once, on = sorted(scene.looked.count((number, 3)) for number in (1, 2))
    assert once == 2 < on, "one thing of each judge is asked for again and again"


async def test_who_goes_on_attesting_and_shows_nothing_is_asked_by_the_circle_in_the_end(
    watch: Watch,
) -> None:
    scene = watch(silent=3)
    await scene.look_at_all()
    assert scene.watcher.list_disputes() == [], "20 minutes of a window of an hour"
    await scene.look_at_all(3)
    assert scene.watcher.list_disputes() == [(1, 3, 3, ASKING)]
    assert scene.kinds() == ["unshown"]
    assert scene.looked.count((1, 3)) > 4, "it is asked for all the time"
    scene.court.dispute(judge=3, target=3)
    assert scene.watcher.list_disputes() == []


async def test_who_shows_it_meanwhile_is_not_disputed_for_it_and_looked_at_anew(
    watch: Watch,
) -> None:
    scene = watch(after_rounds=2, silent=3)
    await scene.look_at_all(3)
    scene.finds[3], scene.looked = Examination((4,), b"\7" * 32), []
    await scene.look_at_all(3)
    assert sorted(one for one in scene.looked if one[1] == 3) == [(1, 3), (2, 3)]
    assert {one[2:] for one in scene.watcher.list_disputes()} == {(4, b"\7" * 32)}


async def test_who_has_stopped_attesting_is_not_disputed_for_what_it_cannot_show(
    watch: Watch,
) -> None:
    court = Court()
    scene = watch(court)
    scene.finds[3] = RecomputedTruth(Truth.WITHHELD)
    court.play(2, [seat for seat in range(9) if seat != 3])
    await scene.look_at_all(6)
    assert (1, 3) in scene.looked
    assert scene.watcher.list_disputes() == []


async def test_a_judge_that_showed_once_the_circle_asked_is_asked_for_twice_as_long(
    watch: Watch,
) -> None:
    scene = watch(after_rounds=2, silent=3)
    have_it_shown(scene.court)
    await scene.look_at_all(4)
    assert scene.watcher.list_disputes() == []
    await scene.look_at_all(5)
    assert [one[1:] for one in scene.watcher.list_disputes()] == [(3, 3, ASKING)]


async def test_what_its_friends_ask_a_judge_for_gives_it_no_more_time(
    watch: Watch,
) -> None:
    scene = watch(after_rounds=2, silent=3)
    have_it_shown(scene.court, by=address(4))
    await scene.look_at_all(5)
    assert [one[1:] for one in scene.watcher.list_disputes()] == [(3, 3, ASKING)]


async def test_a_claim_that_a_friend_keeps_open_about_a_judge_shields_it_from_no_question(
    watch: Watch,
) -> None:
    scene = watch(after_rounds=2, silent=3)
    await scene.look_at_all()
    asked_for = next(iter(scene.watcher._unshown.values())).said.round
    scene.court.dispute(judge=3, target=3, number=3 - asked_for, challenger=address(4), evidence=ASKING)
    await scene.look_at_all(4)
    assert scene.watcher.list_disputes() == [], "another is asking: one after the other"
    await scene.look_at_all(4)
    assert scene.watcher.list_disputes() == [(asked_for, 3, 3, ASKING)]


async def test_a_friend_that_claims_the_very_record_a_node_waits_for_gives_the_judge_no_more_time(
    watch: Watch,
) -> None:
    scene = watch(after_rounds=2, silent=3)
    await scene.look_at_all(2)
    assert scene.watcher.list_disputes() == [], "40 minutes of a window of an hour"
    (waited_for,) = {one.said.round for one in scene.watcher._unshown.values()}
    have_it_shown(scene.court, number=waited_for, by=address(4))
    await scene.look_at_all(2)
    assert scene.watcher.list_disputes() == [(3 - waited_for, 3, 3, ASKING)]


async def test_a_judge_that_has_shown_something_since_is_asked_for_the_next_from_then_on(
    watch: Watch,
) -> None:
    scene = watch(after_rounds=2, silent=3)
    await scene.look_at_all(2)
    (waited_for,) = {one.said.round for one in scene.watcher._unshown.values()}
    have_it_shown(scene.court, number=waited_for, by=address(4))
    scene.finds[3] = CLEAN
    await scene.look_at_all()
    scene.finds[3] = RecomputedTruth(Truth.WITHHELD)
    scene.court.play(3)
    await scene.look_at_all(2)
    assert scene.watcher.list_disputes() == []


async def test_who_asks_one_judge_already_asks_no_other_and_an_outsider_nobody(
    watch: Watch,
) -> None:
    for challenger, asked in ((address(4), 1), (CHALLENGER, 0)):
        court = Court()
        court.dispute(judge=5, target=5, challenger=challenger, evidence=ASKING)
        scene = watch(court)
        scene.finds[3] = RecomputedTruth(Truth.WITHHELD)
        for _ in range(5):
            await scene.look_at_all()
        assert len(scene.watcher.list_disputes()) == asked
    scene = watch()
    scene.follower.sender.address = address(100)
    scene.finds[3] = RecomputedTruth(Truth.WITHHELD)
    await scene.look_at_all(5)
    assert scene.watcher.list_disputes() == []


async def test_no_more_is_at_stake_than_the_operator_lets_it(watch: Watch) -> None:
    court = Court()
    court.dispute(judge=0, challenger=CHALLENGER)
    for stake_wei, is_claimed in ((BOND, True), (BOND - 1, False), (DISPUTE_BOND, False), (0, False)):
        scene = watch(court, stake_wei=stake_wei)
        scene.finds[3] = Examination((4,), b"\7" * 32)
        await scene.look_at_all()
        assert bool(scene.watcher.list_disputes()) == is_claimed
        assert "false_verdict" in scene.kinds()
    assert "dispute it with `folkmoot dispute`" in str(scene.told[0]["says"])
    enough = watch(court, stake_wei=5 * DISPUTE_BOND)
    assert enough.watcher.list_appeals([(0, 1)]) == [(0, 1)]
    assert watch(court, stake_wei=5 * DISPUTE_BOND - 1).watcher.list_appeals([(0, 1)]) == []
    assert BUDGET_BONDS * DISPUTE_BOND == BOND


async def test_how_a_claim_of_its_own_ended_is_told_once_with_the_amounts(watch: Watch) -> None:
    court = Court()
    court.dispute(judge=0, challenger=CHALLENGER)
    scene = watch(court)
    await scene.look()
    court.vote(Answer.UPHOLDS, *court.summon())
    court.refer(Stage.CIRCLE)
    court.vote(Answer.UPHOLDS, *range(4, 9))
    court.resolve(Outcome.UPHELD, BOND // 2)
    await scene.look()
    await scene.look()
    assert scene.kinds() == ["claim_over"]
    assert (scene.told[0]["back_wei"], scene.told[0]["reward_wei"]) == (DISPUTE_BOND, BOND // 8)
    assert scene.watcher.is_owed()
    again = watch(court)
    await again.look()
    assert again.told == [], "what is past is not told by a node that starts"


async def test_after_a_reorganisation_all_is_looked_at_anew(watch: Watch) -> None:
    scene = watch()
    scene.finds[3] = Examination((4,), b"\7" * 32)
    await scene.look_at_all()
    assert scene.watcher.list_disputes()
    scene.follower.rollbacks += 1
    assert scene.watcher.list_disputes() == [], "what was found may be true on the chain as it is now"
    scene.finds = {}
    await scene.look_at_all()
    assert len(scene.looked) == 16
    assert scene.watcher.list_disputes() == []


async def test_closing_ends_what_is_being_recomputed(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = watch()

    async def for_ever(*_: object) -> Examination:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr("node.duties.watcher.recompute_attestation", for_ever)
    await scene.look()
    before = len(asyncio.all_tasks())
    scene.watcher.close()
    for _ in range(3):
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == before - 1


async def test_who_leaves_before_it_is_asked_is_asked_all_the_same(watch: Watch) -> None:
    scene = watch(silent=3)
    await scene.look_at_all()
    assert scene.watcher.list_disputes() == [], "20 minutes of a window of an hour"
    scene.court.apply(Left(3, 0, NOW + 72 * WINDOW_S))
    await scene.look_at_all(4)
    assert scene.watcher.list_disputes() == [(1, 3, 3, ASKING)]


@pytest.mark.parametrize("is_hiding", [True, False])
async def test_who_hides_what_is_too_old_before_a_window_is_over_is_asked_whatever_it_shows_between(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, is_hiding: bool
) -> None:
    """Rounds are short: what can be disputed is younger than a window."""
    for module in ("watcher", "watching"):
        monkeypatch.setattr(f"node.duties.{module}.DISPUTE_ROUNDS", 8)
    court = Court()
    court.history.terms = replace(court.history.terms, last_round=150)
    scene = watch(court)
    asked, shown = [], 0
    for number in range(2, 120):
        if is_hiding and number % 16 < 4:
            scene.hidden.add((number, 3))
        court.play(number)
        shown += number % 16 >= 4
        for _ in range(4):
            await scene.look(after_s=100)
        asked += scene.watcher.list_disputes()
    assert shown
    assert bool(asked) == is_hiding
    assert all((judge, target, evidence) == (3, 3, ASKING) for _, judge, target, evidence in asked)
