"""An audit that remembers an earlier one does the new rounds alone, to the same report as one that does not."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger.audit import remembered
from ledger.audit.findings import Report
from ledger.audit.run import Scope, audit
from ledger.circle.events import Disputed, Settled
from tests.support.circle_endpoint import URL, Blobs, Endpoint, drawn_seed
from tests.support.histories.circles import (
    GENESIS_BLOB,
    GENESIS_ROOT,
    NETWORK,
    Away,
    Circle,
    FalseCheckpoint,
    FalseJudge,
)
from tests.support.histories.parts import address, digest

pytestmark = pytest.mark.rule("R22.2")

ROUNDS, HALF = 8, 5


def circle_of(codec: str = "int8", *, is_disputed: bool = False) -> Circle:
    """Eight rounds: seat 1 pauses, 2 lies, the checkpoint of seat 0 is false; seat 2's lie may be disputed late."""

    def dispute(circle: Circle) -> None:
        raised = (0, 3, 2, 3, address(500), digest("evidence"), circle.known.bonded, 1_700_000_000)
        circle.write(Disputed(*raised))

    return Circle(
        genesis=GENESIS_ROOT.hex(),
        seed_of=drawn_seed,
        codec=codec,
        rule="tether",
        rule_parameters={},
        rounds=ROUNDS,
        cheats={1: Away(1, (4, 5)), 2: FalseJudge(2, 3, (3, 7)), 0: FalseCheckpoint(0, (4,))},
        between={7: dispute} if is_disputed else None,
    )


def cut_off(circle: Circle, after: int) -> Circle:
    """The circle as it was when round `after` had been settled, or the next was under way."""
    shorter = object.__new__(Circle)
    shorter.__dict__ |= circle.__dict__
    last = next(i for i, event in enumerate(circle.events) if isinstance(event, Settled) and event.round == after)
    shorter.events = circle.events[: last + 3]
    return shorter


@pytest.fixture
def audited(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Audit over JSON-RPC in memory. Returns the report and the digests that were fetched."""

    def run(
        circle: Circle,
        cache: Path | None = None,
        lost: Collection[bytes] = (),
        first: int | None = None,
        **more: Any,
    ) -> tuple[Report, list[bytes]]:
        served = {GENESIS_ROOT: GENESIS_BLOB, **circle.blobs}
        blobs = Blobs({root: blob for root, blob in served.items() if root not in lost})
        monkeypatch.setattr("ledger.audit.run.connect", lambda *_, **__: Endpoint(circle, None).rpc())
        monkeypatch.setattr("ledger.audit.run.BlobFetcher", lambda *_, **__: blobs)
        report = asyncio.run(audit([URL], NETWORK.contract, cache=cache, scope=Scope(first), **more))
        return report, list(blobs.asked)

    return run


def without_effort(report: Report) -> Report:
    """What was found, and not how it was come by."""
    return replace(report, blobs=0, blob_bytes=0, remembered=0, scope="")


@pytest.mark.parametrize("codec", ["int8", "delta"])
def test_the_second_audit_does_the_new_rounds_alone_and_finds_what_a_whole_one_finds(
    audited: Callable[..., Any], tmp_path: Path, codec: str
) -> None:
    circle = circle_of(codec)
    first, _ = audited(cut_off(circle, HALF), tmp_path)
    assert (first.remembered, first.rounds) == (0, HALF + 1)
    whole, everything = audited(circle)
    again, asked = audited(circle, tmp_path)
    assert (again.remembered, again.scope) == (HALF, f"all {ROUNDS} rounds, up to round {HALF} by an earlier audit")
    assert without_effort(again) == without_effort(whole)
    assert {finding.round for finding in again.findings} >= {3, 7}
    if codec == "int8":
        new = {root for (number, _), root in circle.updates.items() if number > HALF}
        assert set(asked) == new | {GENESIS_ROOT}
    last, nothing = audited(circle, tmp_path)
    assert without_effort(last) == without_effort(whole)
    assert nothing == [GENESIS_ROOT]
    assert len(everything) > len(asked)


def test_several_processes_remember_and_go_on_alike(audited: Callable[..., Any], tmp_path: Path) -> None:
    circle = circle_of()
    whole, _ = audited(circle)
    audited(cut_off(circle, HALF), tmp_path, jobs=2)
    report, _ = audited(circle, tmp_path, jobs=2)
    assert report.remembered == HALF
    assert without_effort(report) == without_effort(whole)


def test_a_claim_raised_since_about_a_remembered_round_is_recomputed(
    audited: Callable[..., Any], tmp_path: Path
) -> None:
    circle = circle_of(is_disputed=True)
    whole, _ = audited(circle)
    assert [line.is_false for line in whole.disputes] != [None]
    audited(cut_off(circle, HALF), tmp_path)
    report, _ = audited(circle, tmp_path)
    assert report.remembered == HALF
    assert without_effort(report) == without_effort(whole)


def test_what_was_missing_is_looked_for_again(audited: Callable[..., Any], tmp_path: Path) -> None:
    circle = circle_of()
    lost = {circle.updates[4, 3]}
    report, _ = audited(circle, tmp_path, lost)
    assert report.not_recomputed
    again, asked = audited(circle, tmp_path)
    assert again.remembered == 3
    assert lost < set(asked)
    assert without_effort(again) == without_effort(audited(circle)[0])


@pytest.mark.parametrize("how", ["cut", "flipped", "nothing", "more"])
def test_a_damaged_file_is_as_none(audited: Callable[..., Any], tmp_path: Path, how: str) -> None:
    circle = circle_of()
    audited(cut_off(circle, HALF), tmp_path)
    (path,) = tmp_path.iterdir()
    data = bytearray(path.read_bytes())
    match how:
        case "cut":
            data = data[:-1]
        case "flipped":
            data[len(data) // 2] ^= 1
        case "nothing":
            data = bytearray()
        case "more":
            data += b"\0"
    path.write_bytes(bytes(data))
    report, _ = audited(circle, tmp_path)
    assert report.remembered == 0
    assert without_effort(report) == without_effort(audited(circle)[0])


def test_another_history_another_program_or_another_beginning_is_not_gone_on_from(
    audited: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    circle = circle_of()
    audited(cut_off(circle, HALF), tmp_path)
    kept = next(tmp_path.iterdir()).read_bytes()
    other = Circle(
        genesis=GENESIS_ROOT.hex(),
        seed_of=drawn_seed,
        codec="int8",
        rule="tether",
        rule_parameters={},
        rounds=ROUNDS,
    )
    assert audited(other, tmp_path)[0].remembered == 0
    next(tmp_path.iterdir()).write_bytes(kept)
    assert audited(circle, tmp_path, first=2)[0].remembered == 0
    next(tmp_path.iterdir()).write_bytes(kept)
    monkeypatch.setattr(remembered, "digest_program", lambda: b"another program")
    assert audited(circle, tmp_path)[0].remembered == 0


def test_an_audit_that_is_broken_off_is_not_lost(
    audited: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "SAVE_EVERY", 2)

    def stop(done: int, _: int) -> None:
        if done == 6:
            raise KeyboardInterrupt

    circle = circle_of()
    with pytest.raises(KeyboardInterrupt):
        audited(circle, tmp_path, progress=stop)
    report, _ = audited(circle, tmp_path)
    assert report.remembered in (4, 5)
    assert without_effort(report) == without_effort(audited(circle)[0])
