"""Audits from a round on, and by sample: what they look at, and that they find what a whole audit finds."""

import asyncio
from collections.abc import Callable, Collection
from typing import Any

import pytest

from ledger.audit.findings import Finding, Report
from ledger.audit.plan import Work, plan_from, plan_owed, plan_sample
from ledger.audit.run import Scope, audit
from ledger.audit.sampling import derive_sample_seed
from ledger.circle.events import Settled
from ledger.errors import UsageError
from tests.support.circle_endpoint import FIRST_BLOCK, URL, Blobs, Endpoint, block_hash, drawn_seed
from tests.support.histories.circles import (
    GENESIS_BLOB,
    GENESIS_ROOT,
    NETWORK,
    Away,
    Circle,
    FalseCheckpoint,
    FalseJudge,
    hand_over,
)

pytestmark = pytest.mark.rule("R22.2")

LIES = (7, 8, 11)


def circle_of(codec: str = "delta", rule: str = "tether", **options: Any) -> Circle:
    """Twelve rounds, checkpoints every four; seat 1 pauses, 2 lies, 0's checkpoint of round 8 is false."""
    cheats = {1: Away(1, (4, 5)), 2: FalseJudge(2, 3, LIES), 0: FalseCheckpoint(0, (8,))}
    about: dict[str, Any] = {
        "rounds": 12,
        "seats": 5,
        "checkpoint_every": 4,
        "cheats": cheats,
        "rule_parameters": {},
    } | options
    return Circle(genesis=GENESIS_ROOT.hex(), seed_of=drawn_seed, codec=codec, rule=rule, **about)


@pytest.fixture
def audited(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Audit a circle over JSON-RPC in memory. Returns the report and which digests were fetched, in order."""

    def run(
        circle: Circle,
        first: int | None = None,
        sample: int | None = None,
        seed: int = 0,
        lost: Collection[bytes] = (),
        seed_block: int | None = None,
        since: int | None = None,
        **options: Any,
    ) -> tuple[Report, list[bytes]]:
        served = {GENESIS_ROOT: GENESIS_BLOB, **circle.blobs}
        blobs = Blobs({root: blob for root, blob in served.items() if root not in lost})
        monkeypatch.setattr("ledger.audit.run.connect", lambda *_, **__: Endpoint(circle, None).rpc())
        monkeypatch.setattr("ledger.audit.run.BlobFetcher", lambda *_, **__: blobs)
        scope = Scope(first, sample, seed, seed_block, since)
        return asyncio.run(audit([URL], NETWORK.contract, scope=scope, **options)), list(blobs.asked)

    return run


def findings_of(report: Report, since: int = 1) -> list[Finding]:
    return [finding for finding in report.findings if finding.round is None or finding.round >= since]


@pytest.mark.parametrize("codec", ["delta", "int8-zstd"])
@pytest.mark.parametrize("rule", ["tether", "balance"])
def test_from_any_round_on_an_audit_finds_what_a_whole_one_finds_of_these_rounds(
    audited: Callable[..., Any], codec: str, rule: str
) -> None:
    circle = circle_of(codec, rule)
    whole, everything = audited(circle)
    assert {(f.check, f.round, f.seat) for f in whole.findings} == {
        *(("A5", number, 2) for number in LIES),
        ("A6", 8, 0),
    }
    for first in range(1, 13):
        report, asked = audited(circle, first)
        assert findings_of(report) == findings_of(whole, first)
        assert report.not_recomputed == 0
        assert report.recomputed == sum(len(r.attestations) for r in circle.known.rounds[first - 1 :])
    if codec != "delta":
        assert len(set(asked)) < len(set(everything)), "not all of it was needed"


def test_since_a_block_an_audit_begins_with_the_first_round_that_was_settled_after_it(
    audited: Callable[..., Any],
) -> None:
    circle = circle_of("int8")
    settled = {
        event.round: FIRST_BLOCK + place for place, event in enumerate(circle.events) if isinstance(event, Settled)
    }
    from_ninth = audited(circle, 9)[0]
    assert audited(circle, since=settled[8])[0] == from_ninth
    assert audited(circle, since=settled[9] - 1)[0] == from_ninth
    assert audited(circle, since=settled[9])[0].scope == audited(circle, 10)[0].scope
    last = max(settled.values())
    with pytest.raises(UsageError, match=f"after block {last}, the last one was in block {last}"):
        audited(circle, since=last)


def test_a_sample_finds_the_lies_that_are_in_it_and_no_others(audited: Callable[..., Any]) -> None:
    circle = circle_of()
    whole, _ = audited(circle)
    lies = {(f.round, f.seat): f for f in whole.findings}
    for seed in range(8):
        report, _ = audited(circle, sample=9, seed=seed)
        assert len(report.sample) == len(set(report.sample)) == report.recomputed == 9
        assert report.not_recomputed == 0
        assert {(f.round, f.seat): f for f in report.findings} == {
            pair: finding for pair, finding in lies.items() if pair in report.sample
        }
    again, _ = audited(circle, sample=9, seed=7)
    assert again == report, "the seed draws the same again"
    assert report.sample_seed == 7
    assert report.scope.startswith("9 drawn from ")
    assert "seed 7" in report.scope
    everything, _ = audited(circle, sample=10**6)
    assert findings_of(everything) == findings_of(whole)


def test_a_block_draws_the_same_sample_for_everybody_and_its_hash_stands_in_the_report(
    audited: Callable[..., Any],
) -> None:
    circle = circle_of("int8")
    told = Endpoint(circle)
    report, _ = audited(circle, sample=5, seed_block=told.head)
    assert (report.sample_block, report.sample_block_hash) == (told.head, block_hash(told.head))
    seed = derive_sample_seed(block_hash(told.head), NETWORK)
    assert report.sample_seed == seed
    assert report.sample == audited(circle, sample=5, seed=seed)[0].sample
    assert report.sample != audited(circle, sample=5, seed_block=told.head - 1)[0].sample
    assert report.notes == []


def test_a_block_that_judges_could_have_waited_for_is_said_to_be_one(audited: Callable[..., Any]) -> None:
    report, _ = audited(circle_of("int8"), sample=5, seed_block=FIRST_BLOCK + 1)
    assert "could know whether that is looked at" in " ".join(report.notes)


def test_a_block_that_is_not_there_yet_draws_nothing(audited: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match="block 1000000 is not there yet"):
        audited(circle_of("int8"), sample=5, seed_block=10**6)


def test_a_sample_fetches_what_it_follows_from_and_no_more(audited: Callable[..., Any]) -> None:
    circle = circle_of("int8-zstd")
    history = circle.history()
    report, asked = audited(circle, sample=1, seed=3)
    ((number, judge),) = report.sample
    plan = plan_sample(history, 1, 1, 3)
    wanted = {digest for round_ in plan.find_rounds(history) for digest in plan.find_needed(round_).values()}
    started = [n for n, seats in plan.work.items() for seat, work in seats.items() if work is Work.START]
    for start in started:
        wanted |= {history.rounds[start - 1].attestations[judge].record, circle.checkpoints[start, judge]}
    assert set(asked) == wanted | {GENESIS_ROOT}
    assert max(plan.work) == number
    assert report.started == len(started)


def test_a_judge_that_hides_the_checkpoint_on_the_way_is_named(audited: Callable[..., Any]) -> None:
    circle = circle_of(cheats={})
    hidden = circle.checkpoints[6, 2]
    report, _ = audited(circle, 8, lost={hidden})
    assert [(f.check, f.round, f.seat) for f in report.findings] == [("A5", 6, 2)]
    assert "does not show its checkpoint" in report.findings[0].fact
    # It is not known until the next one what it goes on with.
    assert report.not_recomputed == 3
    whole, _ = audited(circle, lost={hidden})
    assert whole.clean, "who has all that came before does not need it"


def test_a_round_that_the_circle_has_not_is_refused_in_a_sentence(audited: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match="no round 13: its newest is 12"):
        audited(circle_of(), 13)


# ----------------------------------------------------------------------------------------------------- final rounds


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """What can be disputed reaches four rounds back."""
    monkeypatch.setattr("ledger.blobs.contents.checkpoint.DISPUTE_ROUNDS", 4)


def needed_from(circle: Circle, first: int) -> set[bytes]:
    """The blobs that an audit of what can be disputed asks for."""
    history, plan = circle.history(), plan_owed(circle.history())
    needed = {digest for round_ in plan.find_rounds(history) for digest in plan.find_needed(round_).values()}
    for number, seats in plan.work.items():
        for seat, work in seats.items():
            if work is Work.START:
                needed |= {history.rounds[number - 1].attestations[seat].record, circle.checkpoints[number, seat]}
    assert min(number for number, seats in plan.work.items() if Work.CHECK in seats.values()) == first
    return needed


def test_with_all_pruned_that_no_disputable_round_follows_from_an_audit_finds_the_same(
    short: None, audited: Callable[..., Any]
) -> None:
    circle = circle_of("int8-zstd", cheats={2: FalseJudge(2, 3, LIES)})
    lost = set(circle.blobs) - needed_from(circle, 8)
    assert circle.updates[3, 0] in lost
    pruned, _ = audited(circle, lost=lost)
    kept, _ = audited(circle)
    assert findings_of(pruned) == findings_of(kept) == findings_of(kept, 8)
    assert {(f.check, f.round) for f in pruned.findings} == {("A5", 8), ("A5", 11)}
    assert (pruned.pruned, pruned.not_recomputed) == (0, 0)
    assert pruned.scope == "rounds 8 to 12"


@pytest.mark.rule("R22.1")
def test_what_is_final_and_gone_is_no_finding_and_said_by_number(short: None, audited: Callable[..., Any]) -> None:
    circle = circle_of("int8-zstd", cheats={2: FalseJudge(2, 3, LIES)})
    lost = set(circle.blobs) - needed_from(circle, 8)
    report, _ = audited(circle, 1, lost=lost)
    # Round 7 is there still: what seat 2 brought into round 8 follows from it.
    assert {(f.check, f.round) for f in report.findings} == {("A5", 7), ("A5", 8), ("A5", 11)}
    assert report.pruned > 0
    assert report.not_recomputed > 0
    archived, _ = audited(circle, 1)
    assert {(f.check, f.round) for f in archived.findings} == {("A5", 7), ("A5", 8), ("A5", 11)}


@pytest.mark.rule("R29")
def test_what_a_disputable_round_follows_from_is_owed_though_its_own_round_is_final(
    short: None, audited: Callable[..., Any]
) -> None:
    circle = circle_of("int8-zstd", cheats={})
    plan = plan_owed(circle.history())
    number, seat = next((n, s) for n, seats in plan.work.items() for s, w in seats.items() if w is Work.START)
    assert number < 8
    report, _ = audited(circle, lost={circle.checkpoints[number, seat]})
    assert [(f.check, f.round, f.seat) for f in report.findings] == [("A5", number, seat)]


# ------------------------------------------------------------------------------------------------------------ plans


def test_a_plan_goes_back_to_each_seats_last_checkpoint_or_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.circle.fold.state.MAX_SEATS", 5)
    circle = circle_of(cheats={1: Away(1, (4, 5))}, between={6: lambda circle: hand_over(circle, 3)})
    plan = plan_from(circle.history(), 9)
    behind = {
        seat: {number: work[seat] for number, work in plan.work.items() if seat in work and number < 9}
        for seat in range(5)
    }
    carry, start = Work.CARRY, Work.START
    assert behind == {
        0: {8: start},
        1: {7: start, 8: carry},
        2: {6: start, 7: carry, 8: carry},
        3: {7: carry, 8: carry},
        4: {8: start},
    }
    assert all(work is Work.CHECK for number in range(9, 13) for work in plan.work[number].values())


def test_under_a_rule_that_looks_back_at_nothing_the_round_before_is_enough() -> None:
    plan = plan_from(circle_of(rule="balance", cheats={}).history(), 10)
    assert min(plan.work) == 9
    assert set(plan.work[9].values()) == {Work.CARRY, Work.START}
