"""The whole audit of a circle in which peers pause: what their frames hang on is fetched once and kept.

Seat 1 misses rounds 4 and 5 and comes back with a frame that hangs on round 3; seat 2 judges falsely from then on.
"""

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from ledger.audit.findings import Check, Report
from ledger.audit.gather import GatheredBlobs, NeededFrames, gather_round
from ledger.audit.run import audit
from ledger.audit.spill import Spill
from ledger.audit.working_set import SpillingBlobs as KeptBlobs
from ledger.judging.frame_chains import MAX_CHAIN, find_frame_chain
from tests.support.circle_endpoint import URL, Blobs, Endpoint, drawn_seed
from tests.support.histories.circles import GENESIS_BLOB, GENESIS_ROOT, NETWORK, Away, Circle, FalseJudge
from tests.support.stand_ins import as_any

pytestmark = pytest.mark.rule("R22", "R28")

LIES = (7, 8)


def circle_of(codec: str = "delta", rounds: int = 9, **changed: Any) -> Circle:
    cheats = {1: Away(1, (4, 5)), 2: FalseJudge(2, 3, LIES)}
    options: dict[str, Any] = {"rule": "tether", "rule_parameters": {}, "cheats": cheats} | changed
    return Circle(rounds=rounds, genesis=GENESIS_ROOT.hex(), seed_of=drawn_seed, codec=codec, degree=4, **options)


@pytest.fixture
def audited(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Audit a circle over JSON-RPC in memory. Returns the report and which digests were fetched, in order."""

    def run(circle: Circle, lost: Collection[bytes] = (), **options: Any) -> tuple[Report, list[bytes]]:
        served = {GENESIS_ROOT: GENESIS_BLOB, **circle.blobs}
        blobs = Blobs({root: blob for root, blob in served.items() if root not in lost})
        monkeypatch.setattr("ledger.audit.run.connect", lambda *_, **__: Endpoint(circle, None).rpc())
        monkeypatch.setattr("ledger.audit.run.BlobFetcher", lambda *_, **__: blobs)
        return asyncio.run(audit([URL], NETWORK.contract, **options)), list(blobs.asked)

    return run


def named(report: Report) -> set[tuple[Check, int | None, int | None]]:
    return {(finding.check, finding.round, finding.seat) for finding in report.findings}


def test_who_pauses_is_not_accused_and_shields_nobody(audited: Callable[..., Any]) -> None:
    circle = circle_of()
    report, asked = audited(circle)
    assert named(report) == {("A5", number, 2) for number in LIES}
    assert len(asked) == len(set(asked)) == 1 + len(circle.updates), "each blob once"
    assert report.blobs == len(circle.updates)


@pytest.mark.parametrize("codec", ["delta", "int8-zstd"])
def test_an_audit_with_no_room_in_memory_says_the_same_and_leaves_nothing_on_disk(
    audited: Callable[..., Any], codec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folders = []
    monkeypatch.setattr(
        "ledger.audit.spill.tempfile.TemporaryDirectory",
        lambda **options: folders.append(TemporaryDirectory(**options)) or folders[-1],
    )
    circle = circle_of(codec)
    rich, _ = audited(circle)
    assert folders == []
    poor, asked = audited(circle, memory_bytes=0)
    assert len(asked) == len(set(asked))
    assert poor == rich
    # Blobs and bases; and states, where frames of later rounds hang on them.
    assert len(folders) == (3 if codec == "delta" else 2)
    assert list(tmp_path.iterdir()) == []


def test_a_lost_blob_is_asked_for_once_and_told_once(audited: Callable[..., Any]) -> None:
    circle = circle_of()
    lost = circle.updates[3, 1]
    report, asked = audited(circle, {lost})
    assert asked.count(lost) == 1
    missing = [(f.round, f.seat) for f in report.findings if f.fact == "nobody serves the update"]
    assert missing == [(3, 1)]
    assert {(f.round, f.seat) for f in report.findings if f.check == "A3"} <= {(n, 1) for n in (3, 6, 7, 8, 9)}


def test_without_a_genesis_no_author_is_blamed(audited: Callable[..., Any]) -> None:
    circle = circle_of("delta", rounds=2, cheats={})
    report, _ = audited(circle, {GENESIS_ROOT})
    assert named(report) == {("A3", None, None)}


async def test_whatever_a_rounds_frames_hang_on_is_fetched_where_it_is_not_there() -> None:
    circle = circle_of()
    history, blobs, gathered = circle.history(), Blobs(dict(circle.blobs)), GatheredBlobs()
    await gather_round(as_any(blobs), history, history.rounds[6], gathered, max_bytes=1 << 20, timeout_s=5)
    wanted = {link.digest for seat in range(5) for link in find_frame_chain(history, history.rounds[6], seat)}
    assert set(gathered.blobs) == set(blobs.asked) == wanted
    assert circle.updates[3, 1] in wanted, "from before the pause"
    assert len(blobs.asked) == len(wanted)


def test_what_is_kept_from_round_to_round_is_bounded_by_seats_and_not_by_rounds() -> None:
    circle = circle_of(rounds=2 * MAX_CHAIN + 6)
    history = circle.history()
    frames, shelf = NeededFrames(history), Spill[bytes](1)
    blobs = KeptBlobs(shelf)
    with shelf:
        for round_ in history.rounds:
            for seat in round_.commits:
                for link in find_frame_chain(history, round_, seat):
                    assert link.round == round_.number or link.digest in blobs, "nothing is fetched twice"
            blobs.update({digest: circle.blobs[digest] for digest in round_.commits.values()})
            blobs.keep(frames.note_round(round_))
            assert len(blobs) <= MAX_CHAIN * len(history.seats)
        assert len(blobs) == MAX_CHAIN * len(history.seats)


def test_where_frames_stand_for_themselves_nothing_is_kept() -> None:
    circle = circle_of("int8", rounds=2)
    history = circle.history()
    frames = NeededFrames(history)
    assert [frames.note_round(round_) for round_ in history.rounds] == [set(), set()]
