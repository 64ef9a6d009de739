"""Distances are what the judge's records say, held against the chain; what is lacking or odd is said."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from ledger.arithmetic.exact import to_float
from ledger.blobs.contents.records import Record, RecordEntry, decode_record, encode_record
from ledger.blobs.unixfs import build_dag
from ledger.fetch.fetcher import BlobFetcher, Unavailable
from ledger.judging.frame_chains import FetchedUpdate, HeldBlobs
from node.opened_circle import open_bundled
from node.watch import judge_replays
from node.watch.distances import measure_distances
from node.watch.judge_replays import run_judge_replays
from node.watch.query import BadQuery, Missing
from node.watch.rule_figures import OddRecord, find_reading, read_record
from node.watch.shelf import run_shelf
from node.watch.source import BundleSource
from tests.support.circle_endpoint import drawn_seed
from tests.support.histories.circles import GENESIS_ROOT, Away, Circle, FalseJudge, Honest, Poisoner
from tests.support.saved_bundle import LIAR, make_circle, save_bundle
from tests.support.watched_circle import WatchedCircle, ask, ask_until_known, fill_store, working

GRID = 2.0**-16


@pytest.fixture
def nobody_gives_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gateways that have nothing."""

    async def fetch(_: BlobFetcher, digest: bytes, gateways: object, **options: object) -> bytes:
        raise Unavailable(digest, {"http://a": "status 404", "http://b": "status 404"})

    monkeypatch.setattr(BlobFetcher, "fetch", fetch)


async def measure(circle: Circle, folder: Path, **query: object) -> Any:
    """The answer, once all is known, of a circle whose blobs lie in a folder."""
    fill_store(folder, circle.blobs)
    source = WatchedCircle(circle, [folder])
    async with working(source, run_shelf):
        return await ask_until_known(source, measure_distances, **query)


@pytest.mark.parametrize("rule", ["balance", "tether", "krum", "scclip"])
async def test_figures_are_the_records_in_the_models_units(tmp_path: Path, rule: str) -> None:
    circle = Circle(rounds=3, rule=rule, rule_parameters={}, cheats={4: Poisoner(4)})
    answer = await measure(circle, tmp_path, judge=1, author=4)
    reading = find_reading(rule)
    assert reading is not None
    assert [point["round"] for point in answer["points"]] == [1, 2, 3]
    for point, round_ in zip(answer["points"], circle.known.rounds, strict=True):
        entries = decode_record(circle.read(round_.attestations[1].record)).entries
        figures = next(entry for entry in entries if entry.seat == 4).figures
        assert point["distance"] == pytest.approx(int(figures[reading.distance]) ** 0.5 * GRID)
        assert point["reach"] == pytest.approx(int(figures[reading.reach or ""]) ** 0.5 * GRID)
        assert point["verdict"] == ("accepted" if round_.attestations[1].accepted >> 4 & 1 else "rejected")
    assert (answer["missing"], answer["leftOut"]) == ([], 0)


async def test_a_poisoner_far_away_is_beyond_the_gate_and_an_honest_author_is_within_reach(tmp_path: Path) -> None:
    circle = Circle(rounds=2, rule="tether", rule_parameters={}, cheats={4: Far(4)})
    poisoner = await measure(circle, tmp_path, judge=0, author=4)
    assert poisoner["gate"] == 3.0
    for point in poisoner["points"]:
        assert (point["verdict"], point["reason"], point["mixed"]) == ("rejected", "beyond", False)
        assert point["distance"] > poisoner["gate"] * point["reach"]
    honest = await measure(circle, tmp_path, judge=0, author=1)
    assert {point["verdict"] for point in honest["points"]} == {"accepted"}


class Far(Honest):
    """Publishes a state far away from everybody's."""

    def trained(self, number: int, base: NDArray[np.int32]) -> NDArray[np.float32]:
        return to_float(base) + np.float32(1)


async def test_a_rule_that_compares_no_lengths_has_verdicts_alone_and_asks_for_nothing(tmp_path: Path) -> None:
    circle = Circle(rounds=2, rule="median", rule_parameters={})
    source = WatchedCircle(circle)
    answer = ask(source, measure_distances, judge=0, author=1)
    assert answer["points"] == [{"round": 1, "verdict": "accepted"}, {"round": 2, "verdict": "accepted"}]
    assert answer["says"] == "Rule median compares no distances: its records hold verdicts without figures."
    assert answer["pending"] == 0


async def test_rounds_without_a_verdict_are_told_apart_from_those_without_the_author(tmp_path: Path) -> None:
    circle = Circle(rounds=3, cheats={0: Deaf(0), 3: Away(3, {2})})
    answer = await measure(circle, tmp_path, judge=0, author=3)
    assert [(point["round"], point["verdict"]) for point in answer["points"]] == [(1, "unjudged"), (3, "unjudged")]


class Deaf(Honest):
    """Gets nobody's update."""

    def received(self, number: int, fetched: Any) -> Any:
        return {seat: FetchedUpdate(one.commits, HeldBlobs(), one.tenure) for seat, one in fetched.items()}


@pytest.mark.usefixtures("nobody_gives_anything")
async def test_what_is_not_to_be_had_is_said_once_for_all_its_rounds(tmp_path: Path) -> None:
    circle = Circle(rounds=3)
    source = WatchedCircle(circle)
    async with working(source, run_shelf):
        answer = await ask_until_known(source, measure_distances, judge=0, author=1)
    said = "is not to be had of 2 gateways: status 404 (2)"
    assert answer["missing"] == [{"says": said, "rounds": [1, 2, 3]}]
    assert [point["known"] for point in answer["points"]] == ["missing"] * 3
    assert {point["verdict"] for point in answer["points"]} == {"accepted"}, "the chain has them all the same"


async def test_before_a_record_is_here_its_verdict_is(tmp_path: Path) -> None:
    answer = ask(WatchedCircle(Circle(rounds=2)), measure_distances, judge=0, author=1)
    assert answer["pending"] == 2
    assert answer["points"] == [{"round": number, "verdict": "accepted", "known": "pending"} for number in (1, 2)]


class Forger(Honest):
    """Anchors other records than its own. forge: makes one of the right one."""

    def __init__(self, seat: int, forge: Any) -> None:
        super().__init__(seat)
        self.forge = forge

    def verdicts(self, circle: Circle, number: int, screened: Any) -> Any:
        from dataclasses import replace

        return replace(screened, record=self.forge(decode_record(screened.record)))


def change(record: Record, **entry: Any) -> bytes:
    """The record with all its entries changed."""
    entries = tuple(msgspec.structs.replace(one, **entry) for one in record.entries)
    return encode_record(msgspec.structs.replace(record, entries=entries))


def rename(**fields: Any) -> Any:
    """Makes a record that names something else."""
    return lambda record: encode_record(msgspec.structs.replace(record, **fields))


HOSTILE: dict[str, tuple[Any, str]] = {
    "another circle": (rename(network=bytes(32)), "names another"),
    "another round": (rename(round=9), "names another"),
    "another judge": (rename(author=bytes(20)), "names another"),
    "another update": (lambda record: change(record, digest=bytes(32)), "says nothing of the update"),
    "another verdict": (lambda record: change(record, verdict="rejected"), "word on the chain is accepted"),
    "no verdict": (lambda record: change(record, verdict="unavailable"), "the record says unavailable"),
    "an odd verdict": (lambda record: change(record, verdict="loved"), "a verdict that there is not"),
    "one seat twice": (lambda record: change(record, seat=3), "names a seat twice"),
    "an endless figure": (lambda record: change(record, figures={"distance2": "9" * 5000}), "is no length"),
    "a negative figure": (lambda record: change(record, figures={"distance2": "-4"}), "is no length"),
    "letters": (lambda record: change(record, figures={"distance2": "٤"}), "is no length"),
    "bytes": (lambda _: b"FMR3\xff\xff\xff", "does not parse"),
    "an update's magic": (lambda record: b"FMU3" + encode_record(record)[4:], "begins with b'FMU3'"),
    "too many bytes": (lambda record: encode_record(record) + bytes(1 << 19), "at most 262144 are allowed"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_record_is_a_sentence_and_moves_no_verdict(tmp_path: Path, name: str) -> None:
    forge, said = HOSTILE[name]
    circle = Circle(rounds=2, cheats={0: Forger(0, forge)})
    for round_ in circle.known.rounds:
        record = forge(decode_record(honest_record(round_.number)))
        assert round_.attestations[0].record == build_dag(record).root
        circle.blobs[round_.attestations[0].record] = record
    answer = await measure(circle, tmp_path, judge=0, author=1)
    assert sorted(number for group in answer["missing"] for number in group["rounds"]) == [1, 2]
    assert said in answer["missing"][0]["says"]
    assert {point["verdict"] for point in answer["points"]} == {"accepted"}
    other = await measure(circle, tmp_path, judge=1, author=0)
    assert other["missing"] == []


_HONEST = Circle(rounds=2)


def honest_record(number: int) -> bytes:
    """What seat 0 would have anchored."""
    return _HONEST.read(_HONEST.known.rounds[number - 1].attestations[0].record)


def test_a_record_with_more_entries_than_seats_is_none() -> None:
    entry = RecordEntry(0, bytes(32), "accepted", True, {})
    record = decode_record(honest_record(1))
    crowd = tuple(msgspec.structs.replace(entry, seat=seat % 256) for seat in range(300))
    with pytest.raises(OddRecord, match="300 entries"):
        read_record(encode_record(msgspec.structs.replace(record, entries=crowd)), None)


@pytest.mark.parametrize("query", [{"judge": 0}, {"judge": "x", "author": 1}, {"judge": 0, "author": 256}])
def test_a_pair_that_is_none_is_refused(query: dict[str, object]) -> None:
    with pytest.raises(BadQuery):
        ask(WatchedCircle(_HONEST), measure_distances, **query)


def test_nobody_judges_itself_and_an_empty_seat_is_missing() -> None:
    with pytest.raises(BadQuery, match="nobody judges itself"):
        ask(WatchedCircle(_HONEST), measure_distances, judge=2, author=2)
    with pytest.raises(Missing, match="seat 77 was never taken"):
        ask(WatchedCircle(_HONEST), measure_distances, judge=2, author=77)


def test_some_rounds_alone_can_be_asked_for() -> None:
    answer = ask(WatchedCircle(Circle(rounds=4)), measure_distances, judge=0, author=1, from_=2, to=3)
    assert [point["round"] for point in answer["points"]] == [2, 3]


@pytest.mark.parametrize("rule", ["tether", "balance"])
async def test_of_a_bundle_records_are_recomputed_from_its_updates(tmp_path: Path, rule: str) -> None:
    circle = make_circle(4, has_liar=False, rule=rule, rule_parameters={})
    await asyncio.to_thread(save_bundle, tmp_path / "circle.car", circle)
    fill_store(tmp_path / "folder", circle.blobs)
    opened = open_bundled(tmp_path / "circle.car", None)
    with opened.bundle:
        record = circle.known.rounds[3].attestations[1].record
        assert record not in opened.bundle.blobs, "an audit rebuilds records and fetches none"
        source = BundleSource(opened.circle, opened.file.block, opened)
        async with working(source, run_shelf, run_judge_replays):
            recomputed = await ask_until_known(source, measure_distances, judge=1, author=2)
    told = await measure(circle, tmp_path / "folder", judge=1, author=2)
    assert recomputed["points"] == told["points"]
    assert all(point["distance"] > 0 for point in recomputed["points"])
    assert recomputed["missing"] == []
    assert "recomputed here" in recomputed["says"]


async def test_of_a_bundle_a_liars_word_is_held_against_what_is_recomputed(tmp_path: Path) -> None:
    cheats = {0: Forger(0, rename(next_memory=bytes(32))), LIAR: FalseJudge(LIAR, 0, (1, 2))}
    circle = Circle(rounds=2, cheats=cheats, seed_of=drawn_seed, genesis=GENESIS_ROOT.hex())
    await asyncio.to_thread(save_bundle, tmp_path / "circle.car", circle)
    opened = open_bundled(tmp_path / "circle.car", None)
    with opened.bundle:
        source = BundleSource(opened.circle, opened.file.block, opened)
        async with working(source, run_shelf, run_judge_replays):
            answers = {
                judge: await ask_until_known(source, measure_distances, judge=judge, author=author)
                for judge, author in ((LIAR, 0), (0, 1), (1, 0))
            }
    said = {judge: [(one["says"], one["rounds"]) for one in answer["missing"]] for judge, answer in answers.items()}
    assert said == {
        LIAR: [("the record says accepted, and the judge's word on the chain is rejected", [1, 2])],
        0: [("recomputing gives another record than the one that the judge anchored", [1, 2])],
        1: [],
    }


async def test_recomputing_that_fails_is_told_and_nobody_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    circle = make_circle(2, has_liar=False)
    await asyncio.to_thread(save_bundle, tmp_path / "circle.car", circle)
    opened = open_bundled(tmp_path / "circle.car", None)
    with opened.bundle:
        source = BundleSource(opened.circle, opened.file.block, opened)
        async with working(source, run_shelf, run_judge_replays):
            with monkeypatch.context() as patch:
                patch.setattr(judge_replays, "replay", fail)
                failed = await ask_until_known(source, measure_distances, judge=1, author=2)
            other = await ask_until_known(source, measure_distances, judge=2, author=1)
    assert failed["missing"] == [{"says": "recomputing failed: MemoryError", "rounds": [1, 2]}]
    assert "recomputing failed judge=1" in caplog.text
    assert other["missing"] == [], "the worker goes on"
