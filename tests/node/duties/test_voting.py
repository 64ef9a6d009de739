"""What a seat answers in a dispute: as recomputing gives, and *withheld* only after asking for long."""

import asyncio
from dataclasses import replace

import pytest

from ledger.circle.events import Answer, Stage
from ledger.errors import PeerFault
from ledger.fetch.fetcher import Unavailable
from ledger.judging.false_verdicts import Truth
from node.attacks import choose_attack
from node.attacks.attack import Attack
from node.duties.jury import RecomputedTruth, TimedFetch
from node.duties.voting import ClaimCase, Voting, find_open_appeals, find_votes_due
from tests.support.fake_follower import Clock, FakeFollower
from tests.support.histories.disputes import NOW, SEATS, WINDOW_S, Court
from tests.support.stand_ins import as_any

pytestmark = pytest.mark.rule("R26.3")

DEADLINE = NOW + 2 * WINDOW_S
BEGUN = DEADLINE - WINDOW_S


def word(answer: Answer, judge: int = 0, target: int = 5) -> int:
    return 1 << 18 | judge << 10 | target << 2 | answer


# ------------------------------------------------------------------------------------------------- the answer


@pytest.mark.parametrize(
    ("truth", "answer"),
    [
        (Truth.FALSE, Answer.UPHOLDS),
        (Truth.RIGHT, Answer.REJECTS),
        (Truth.UNKNOWABLE, Answer.REJECTS),
        (Truth.WITHHELD, None),
        (None, None),
    ],
)
def test_what_is_recomputed_is_answered_at_once_and_no_more(truth: Truth | None, answer: Answer | None) -> None:
    assert ClaimCase(truth, BEGUN, BEGUN + 1).answer(DEADLINE, WINDOW_S) == answer


@pytest.mark.parametrize(
    ("asked_from", "asked_to", "answer"),
    [
        (0.0, 0.67, Answer.WITHHELD),
        (0.0, 0.66, None),
        (0.33, 0.9, Answer.WITHHELD),
        (0.34, 0.99, None),
        (-3.0, 0.7, Answer.WITHHELD),
    ],
)
def test_withheld_is_answered_by_who_asked_through_two_thirds_of_the_window(
    asked_from: float, asked_to: float, answer: Answer | None
) -> None:
    case = ClaimCase(Truth.WITHHELD, BEGUN + asked_from * WINDOW_S, BEGUN + asked_to * WINDOW_S)
    assert case.answer(DEADLINE, WINDOW_S) == answer


def test_who_may_vote_is_asked_in_each_stage_until_it_is_over() -> None:
    court = Court()
    court.dispute()
    assert not any(find_votes_due(court.history, seat, NOW) for seat in range(SEATS)), "its jury is not drawn"
    jurors = court.summon()
    asked = [seat for seat in range(SEATS) if find_votes_due(court.history, seat, NOW)]
    assert asked == jurors
    assert not find_votes_due(court.history, jurors[0], DEADLINE)
    court.vote(Answer.UPHOLDS, jurors[0])
    assert not find_votes_due(court.history, jurors[0], NOW)
    court.vote(Answer.UPHOLDS, jurors[1])
    assert not find_votes_due(court.history, jurors[2], NOW), "it is decided"
    court.refer(Stage.CIRCLE)
    assert all(find_votes_due(court.history, seat, NOW) for seat in range(SEATS)), "leavers and the judge too"


def test_what_a_jury_did_not_find_for_can_be_taken_to_the_circle_until_the_deadline() -> None:
    court = Court()
    court.dispute()
    court.vote(Answer.REJECTS, *court.summon())
    assert not find_open_appeals(court.history, NOW)
    court.refer(Stage.APPEAL)
    assert len(find_open_appeals(court.history, NOW)) == 1
    assert not find_open_appeals(court.history, NOW + 3 * WINDOW_S)


# ------------------------------------------------------------------------------------------------- recomputing


class Scene:
    """One member and what recomputing gives it, in order; an exception is raised."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        court: Court,
        peer: Attack | None = None,
        *,
        may_appeal: bool = True,
    ) -> None:
        self.clock = Clock(BEGUN)
        self.truths: list[Truth | Exception] = []
        self.recomputed: list[tuple[int, int, int]] = []
        self.limits_s: list[float] = []
        self.may_end = asyncio.Event()
        self.may_end.set()
        monkeypatch.setattr("node.duties.voting.time", self.clock)
        monkeypatch.setattr("node.duties.voting.recompute_truth", self._truth_of)
        follower = FakeFollower(court.history)
        self.voting = Voting(as_any(follower), as_any(None), (peer or Attack()).answers, may_appeal=may_appeal)

    async def _truth_of(
        self, history: object, network: bytes, number: int, judge: int, target: int, fetch: TimedFetch
    ) -> RecomputedTruth:
        self.limits_s.append(fetch.limit_s)
        self.recomputed.append((number, judge, target))
        await self.may_end.wait()
        truth = self.truths.pop(0)
        if isinstance(truth, Exception):
            raise truth
        return RecomputedTruth(truth)

    async def votes(self, seat: int, *, after_s: float = 0.0) -> list[tuple[int, int]]:
        """Time goes on, what is recomputed comes to an end, and the member looks."""
        self.clock.now += after_s
        self.voting.look(seat)
        for _ in range(30):
            await asyncio.sleep(0)
        self.voting.look(seat)
        return self.voting.list_votes(seat)


def drawn_court(stage: Stage = Stage.JURY) -> tuple[Court, list[int]]:
    court = Court()
    court.dispute()
    jurors = court.summon()
    if stage != Stage.JURY:
        court.vote(Answer.REJECTS if stage == Stage.APPEAL else Answer.UPHOLDS, *jurors)
        court.refer(stage)
    return court, jurors


@pytest.mark.parametrize(("truth", "answer"), [(Truth.FALSE, Answer.UPHOLDS), (Truth.RIGHT, Answer.REJECTS)])
async def test_a_juror_votes_as_recomputing_gives_and_names_the_claim(
    monkeypatch: pytest.MonkeyPatch, truth: Truth, answer: Answer
) -> None:
    court, jurors = drawn_court()
    scene = Scene(monkeypatch, court)
    scene.truths = [truth]
    assert await scene.votes(jurors[0]) == [(0, word(answer))]
    assert scene.recomputed == [(1, 0, 5)]
    assert await scene.votes(jurors[0], after_s=1000) == [(0, word(answer))], "until the vote is there"
    assert len(scene.recomputed) == 1


async def test_who_is_on_no_jury_recomputes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    court, jurors = drawn_court()
    scene = Scene(monkeypatch, court)
    bystander = next(seat for seat in range(SEATS) if seat not in jurors)
    assert await scene.votes(bystander) == []
    assert scene.recomputed == []


async def test_what_a_juror_found_it_votes_in_the_circle_without_recomputing_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    court, jurors = drawn_court()
    scene = Scene(monkeypatch, court)
    scene.truths = [Truth.FALSE]
    await scene.votes(jurors[0])
    court.vote(Answer.UPHOLDS, *jurors)
    court.refer(Stage.CIRCLE)
    assert await scene.votes(jurors[0]) == [(0, word(Answer.UPHOLDS))]
    assert len(scene.recomputed) == 1


async def test_all_claims_that_wait_are_tried_within_a_sixth_of_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    court, jurors = drawn_court(Stage.CIRCLE)
    court.dispute(judge=1, target=5)
    court.vote(Answer.UPHOLDS, *court.summon(number=1), number=1)
    court.refer(Stage.CIRCLE, number=1)
    scene = Scene(monkeypatch, court)
    scene.truths = [Truth.WITHHELD] * 2
    await scene.votes(jurors[0])
    await scene.votes(jurors[0])
    assert len({judge for _, judge, _ in scene.recomputed}) == 2
    assert sum(scene.limits_s) <= WINDOW_S / 6 + 1e-9


async def test_what_is_withheld_is_asked_for_again_and_again_and_answered_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    court, jurors = drawn_court()
    scene = Scene(monkeypatch, court)
    scene.truths = [Truth.WITHHELD] * 400
    heard = {}
    for _ in range(WINDOW_S // 15 - 1):
        votes = await scene.votes(jurors[0])
        heard[scene.clock.now - BEGUN] = [number for number, _ in votes]
        scene.clock.now += 15
    assert all(bool(said) == (at >= 2 * WINDOW_S / 3) for at, said in heard.items())
    assert len(scene.recomputed) > 200
    assert await scene.votes(jurors[0]) == [(0, word(Answer.WITHHELD))]


async def test_what_is_shown_after_all_is_voted_on_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    court, jurors = drawn_court()
    scene = Scene(monkeypatch, court)
    scene.truths = [Truth.WITHHELD, Truth.RIGHT]
    assert await scene.votes(jurors[0]) == []
    assert await scene.votes(jurors[0], after_s=14) == []
    assert await scene.votes(jurors[0], after_s=2) == [(0, word(Answer.REJECTS))]


@pytest.mark.parametrize(
    "trouble",
    [Unavailable(bytes(32), {}), PeerFault("what"), TimeoutError(), ArithmeticError("what")],
    ids=["genesis", "fault", "timeout", "any"],
)
async def test_trouble_of_ones_own_is_no_answer_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    court, jurors = drawn_court()
    scene = Scene(monkeypatch, court)
    scene.truths = [trouble, trouble, Truth.FALSE]
    assert await scene.votes(jurors[0]) == []
    assert await scene.votes(jurors[0], after_s=0.9 * WINDOW_S) == []
    assert await scene.votes(jurors[0], after_s=16) == [(0, word(Answer.UPHOLDS))]


async def test_what_nobody_can_tell_is_asked_once_and_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    court, jurors = drawn_court()
    scene = Scene(monkeypatch, court)
    scene.truths = [Truth.UNKNOWABLE]
    for _ in range(3):
        assert await scene.votes(jurors[0], after_s=60) == [(0, word(Answer.REJECTS))]
    assert len(scene.recomputed) == 1


async def test_claims_about_judges_that_show_nothing_leave_time_for_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    court, _ = drawn_court(Stage.CIRCLE)
    for target in (6, 7):
        dispute = court.dispute(judge=1, target=target)
        court.vote(Answer.WITHHELD, *court.summon(dispute), number=dispute)
        court.refer(Stage.CIRCLE, dispute)
        court.history.disputes[dispute].deadline += target
    scene = Scene(monkeypatch, court)
    scene.truths = [Truth.WITHHELD] * 9
    for _ in range(3):
        await scene.votes(0, after_s=16)
    assert {scene.recomputed.count(one) for one in ((1, 0, 5), (1, 1, 6), (1, 1, 7))} == {3}


async def test_while_calls_wait_for_their_blocks_the_next_claims_are_recomputed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    court = Court()
    for target in range(1, 9):
        court.dispute(judge=0, target=target)
    asked = [number for number in range(8) if 3 in court.summon(number)]
    scene = Scene(monkeypatch, court)
    scene.truths = [Truth.FALSE] * len(asked)
    scene.voting.look(3)
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(asked) > 2
    assert [number for number, _ in scene.voting.list_votes(3)] == asked


async def test_one_claim_is_recomputed_at_a_time_the_most_urgent_first(monkeypatch: pytest.MonkeyPatch) -> None:
    court, jurors = drawn_court()
    court.dispute(judge=1, target=6)
    others = court.summon(1)
    both = [seat for seat in jurors if seat in others]
    seat = both[0] if both else jurors[0]
    scene = Scene(monkeypatch, court)
    court.history.disputes[1].deadline -= 600
    scene.may_end.clear()
    scene.truths = [Truth.RIGHT, Truth.FALSE]
    await scene.votes(seat)
    await scene.votes(seat)
    assert len(scene.recomputed) == 1
    scene.may_end.set()
    await scene.votes(seat)
    await scene.votes(seat)
    assert scene.recomputed == ([(1, 1, 6), (1, 0, 5)] if both else [(1, 0, 5)])


async def test_after_a_reorganisation_a_claim_under_another_seed_is_recomputed_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    court, jurors = drawn_court()
    scene = Scene(monkeypatch, court)
    scene.truths = [Truth.FALSE, Truth.RIGHT]
    assert await scene.votes(jurors[0]) == [(0, word(Answer.UPHOLDS))]
    court.history.rounds[0].seed = b"\x55" * 32
    assert await scene.votes(jurors[0]) == [(0, word(Answer.REJECTS))]


async def test_after_a_reorganisation_a_claim_about_another_attestation_is_recomputed_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The draw may be below the block in which the chain forked, and what the judge said above it."""
    court, jurors = drawn_court()
    scene = Scene(monkeypatch, court)
    scene.truths = [Truth.FALSE, Truth.RIGHT]
    assert await scene.votes(jurors[0]) == [(0, word(Answer.UPHOLDS))]
    round_ = court.history.rounds[0]
    changed = replace(round_.attestations[0], record=b"\x55" * 32)
    round_.attestations = {**round_.attestations, 0: changed}
    assert await scene.votes(jurors[0]) == [(0, word(Answer.REJECTS))]


async def test_a_jury_that_was_wrong_is_appealed_from_where_there_is_coin_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    court, jurors = drawn_court(Stage.APPEAL)
    scene = Scene(monkeypatch, court)
    scene.truths = [Truth.FALSE]
    bystander = next(seat for seat in range(1, SEATS) if seat not in jurors)
    assert await scene.votes(bystander) == []
    assert scene.voting.list_appeals() == [(0, word(Answer.REJECTS))]
    poor = Scene(monkeypatch, court, may_appeal=False)
    assert await poor.votes(bystander) == []
    assert poor.recomputed == []
    assert poor.voting.list_appeals() == []


@pytest.mark.parametrize("truth", [Truth.RIGHT, Truth.WITHHELD, Truth.UNKNOWABLE])
async def test_nothing_is_appealed_but_what_recomputing_shows_to_be_false(
    monkeypatch: pytest.MonkeyPatch, truth: Truth
) -> None:
    court, _ = drawn_court(Stage.APPEAL)
    scene = Scene(monkeypatch, court)
    scene.truths = [truth] * 9
    for _ in range(3):
        await scene.votes(3, after_s=600)
        assert scene.voting.list_appeals() == []


async def test_a_liar_denies_its_own_lie_and_votes_as_it_is_about_others(monkeypatch: pytest.MonkeyPatch) -> None:
    court, _ = drawn_court(Stage.CIRCLE)
    for seat, answer in ((0, Answer.REJECTS), (1, Answer.UPHOLDS)):
        scene = Scene(monkeypatch, court, choose_attack("false-verdict"))
        scene.truths = [Truth.FALSE]
        assert await scene.votes(seat) == [(0, word(answer))]


async def test_closing_ends_what_is_being_recomputed(monkeypatch: pytest.MonkeyPatch) -> None:
    court, jurors = drawn_court()
    scene = Scene(monkeypatch, court)
    scene.may_end.clear()
    await scene.votes(jurors[0])
    before = len(asyncio.all_tasks())
    scene.voting.close()
    for _ in range(3):
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == before - 2
