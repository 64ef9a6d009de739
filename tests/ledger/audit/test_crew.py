"""Several processes come to the report that one comes to, whatever is found and however many they are."""

import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from ledger.audit import crew
from ledger.audit.crew import Crew, appoint, choose_jobs
from ledger.audit.findings import Report
from ledger.audit.plan import AuditPlan, plan_from, plan_sample
from ledger.circle.history import Round
from ledger.errors import SetupError
from tests.support.histories.circles import (
    NETWORK,
    Away,
    Circle,
    FalseCheckpoint,
    FalseJudge,
    Honest,
    genesis_state,
)
from tests.support.histories.private_circles import Noisy, draw, private_circle

pytestmark = pytest.mark.rule("R22")

MEMORY = 1 << 24


class Copier(Honest):
    """Publishes what seat 0 publishes."""

    def trained(self, number: int, base: Any) -> Any:
        return Honest(0).trained(number, base)


def played(codec: str) -> Circle:
    """Six seats, six rounds: a liar, a false checkpoint, a copier, gaps, withheld updates and checkpoints."""
    return Circle(
        seats=6,
        rounds=6,
        rule="tether",
        rule_parameters={},
        codec=codec,
        cheats={1: Away(1, (3,)), 2: FalseJudge(2, 0, (2, 5)), 4: FalseCheckpoint(4, (4,)), 5: Copier(5)},
        withheld=((3, 3), (5, 0)),
        unshown=((4, 3),),
    )


def go_through(auditor: Any, circle: Circle, plan: AuditPlan) -> None:
    """All rounds of a plan, as an audit does it."""
    for round_ in plan.find_rounds(circle.known):
        blobs = updates_of(circle, round_)
        auditor.examine(round_, blobs)
        blobs |= {root: circle.blobs[root] for _, root in auditor.find_awaited(round_) if root in circle.blobs}
        named = [root for _, root in auditor.read_named_checkpoints(round_, blobs)]
        unshown = {root for place, root in circle.checkpoints.items() if place in circle.unshown}
        blobs |= {root: circle.blobs[root] for root in named if root in circle.blobs and root not in unshown}
        auditor.take_up(round_, blobs)


def updates_of(circle: Circle, round_: Round) -> dict[bytes, bytes | None]:
    served, _ = circle.served(round_.number)
    records = {one.record for one in round_.attestations.values()}
    return {root: blob for root, blob in served.items() if root not in records}


def audited(circle: Circle, jobs: int, plan: AuditPlan | None = None) -> tuple[bytes, dict[int, bool | None]]:
    """The report, to the byte, and what disputes are about."""
    report = Report(NETWORK.chain_id, NETWORK.contract, 0, "0x" + "5e" * 32)
    plan = plan_from(circle.known, 1) if plan is None else plan
    with appoint(jobs, circle.known, NETWORK, genesis_state(), report, plan, MEMORY) as auditor:
        assert isinstance(auditor, Crew) == (jobs > 1)
        go_through(auditor, circle, plan)
        return msgspec.json.encode(report), dict(auditor.false_verdicts)


@pytest.mark.parametrize(("codec", "jobs"), [("delta", 3), ("int8-zstd", 2)])
def test_the_report_is_the_same_to_the_byte_whatever_the_number_of_processes(codec: str, jobs: int) -> None:
    circle = played(codec)
    alone, truths = audited(circle, 1)
    report = msgspec.json.decode(alone, type=Mapping[str, Any])
    assert {finding["seat"] for finding in report["findings"]} >= {2, 4, 5}
    assert report["started"]
    assert audited(circle, jobs) == (alone, truths)


def test_noise_that_another_part_published_is_found_whatever_the_number_of_processes() -> None:
    """Seat 3 publishes what seat 1 drew a round before: neither of two processes sees both."""
    borrowing = Noisy(3, lambda number: draw(number) if number == 1 else draw(number - 1, 1) + 0.1)
    circle = private_circle(borrowing, rounds=4, loud=True)
    alone, truths = audited(circle, 1)
    report = msgspec.json.decode(alone, type=Mapping[str, Any])
    assert [(finding["round"], finding["seat"]) for finding in report["findings"]] == [(2, 3), (3, 3), (4, 3)]
    assert audited(circle, 3) == (alone, truths)


def test_a_sample_is_the_same_to_the_byte_whatever_the_number_of_processes() -> None:
    circle = played("int8")
    plan = plan_sample(circle.known, 3, 6, 1)
    assert audited(circle, 3, plan) == audited(circle, 1, plan)


def test_a_process_that_dies_ends_the_audit_in_a_sentence() -> None:
    circle = Circle(rounds=2)
    report, plan = Report(NETWORK.chain_id, NETWORK.contract, 0), plan_from(circle.known, 1)
    with Crew(2, circle.known, NETWORK, genesis_state(), report, plan, MEMORY) as team:
        go_through(team, circle, replace(plan, work={1: plan.work[1]}))
        number = team._workers[0]._process.pid
        assert number is not None
        os.kill(number, signal.SIGKILL)
        with pytest.raises(SetupError, match=r"ended by itself .*--jobs 1"):
            go_through(team, circle, replace(plan, work={2: plan.work[2]}))


def test_what_a_process_raises_is_raised_by_whoever_asked() -> None:
    circle = Circle(rounds=1)
    report, plan = Report(NETWORK.chain_id, NETWORK.contract, 0), plan_from(circle.known, 1)
    with Crew(2, circle.known, NETWORK, genesis_state(), report, plan, MEMORY) as team:
        team._workers[0].tell("examine", 9, {})
        with pytest.raises(IndexError):
            team._workers[0].hear()
        foreign = replace(circle.known.rounds[0], number=9)
        with pytest.raises(IndexError):
            team.examine(foreign, {})


def test_a_process_is_told_of_each_blob_once_and_when_it_is_needed_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    circle, told = Circle(rounds=3, codec="delta"), list[tuple[str, bytes]]()
    tell = crew._Worker.tell

    def note(worker: Any, call: str, *arguments: Any) -> None:
        told.extend([(call, arguments[0])] if call in ("hold", "drop") else [])
        tell(worker, call, *arguments)

    monkeypatch.setattr(crew._Worker, "tell", note)
    report, plan = Report(NETWORK.chain_id, NETWORK.contract, 0), plan_from(circle.known, 1)
    blobs: dict[bytes, bytes | None] = {}
    with Crew(2, circle.known, NETWORK, genesis_state(), report, plan, MEMORY) as team:
        for round_ in circle.known.rounds:
            blobs |= {digest: circle.blobs[digest] for digest in round_.commits.values()}
            team.examine(round_, blobs)
        commits = [digest for round_ in circle.known.rounds for digest in round_.commits.values()]
        assert sorted(told) == sorted(("hold", digest) for digest in commits)
        assert report.clean
        first = circle.known.rounds[0]
        team.examine(first, {digest: circle.blobs[digest] for digest in first.commits.values()})
    gone = [digest for round_ in circle.known.rounds[1:] for digest in round_.commits.values()]
    assert sorted(told[len(commits) :]) == sorted(("drop", digest) for digest in gone)


def test_processes_are_started_where_there_is_enough_to_do_or_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    circle = Circle(rounds=1)
    plan = plan_from(circle.known, 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)))
    assert choose_jobs(None, plan, circle.known) == 1
    assert choose_jobs(3, plan, circle.known) == 3
    assert choose_jobs(64, plan, circle.known) == 5
    work = plan.count_work() * circle.manifest.state_size
    for share, jobs in ((work, 1), (work // 2 + 1, 1), (work // 2, 2), (1, 4)):
        monkeypatch.setattr(crew, "SHARE", share)
        assert choose_jobs(None, plan, circle.known) == jobs
