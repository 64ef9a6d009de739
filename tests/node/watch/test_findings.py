"""What the page tells of an audit's report: all of it as it stands there, bounded, and where the evidence is."""

from typing import Any

import msgspec
import pytest

from ledger.audit.findings import Report
from ledger.blobs.cid import parse_cid
from node.watch.audit_watch import make_no_audit
from node.watch.findings import describe_findings
from node.watch.query import BadQuery, Query
from tests.support.audit_reports import huge, liars
from tests.support.histories.circles import Circle
from tests.support.saved_bundle import LIAR, make_circle, save_bundle
from tests.support.watched_audit import show_report
from tests.support.watched_circle import WatchedCircle, transaction_of

BLOCK_S = 1_800_000_000


@pytest.fixture(name="scene", scope="module")
def _scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[WatchedCircle, Report]:
    """A circle with a liar, and what an audit of it says."""
    circle: Circle = make_circle()
    report = save_bundle(tmp_path_factory.mktemp("findings") / "circle.car", circle)
    source = WatchedCircle(circle)
    for block in range(source.view.block + 1):
        source.view.times.put(block, BLOCK_S + block)
    return source, report


def ask(scene: tuple[WatchedCircle, Report], report: Report | None = None, **values: str) -> Any:
    source = scene[0]
    source.audit = show_report(scene[1] if report is None else report)
    told = describe_findings(source, Query(values))
    msgspec.json.encode(told)
    return told


def test_the_headline_is_the_audits_and_each_finding_is_told(scene: tuple[WatchedCircle, Report]) -> None:
    told = ask(scene)
    assert told["state"] == "report"
    report = told["report"]
    assert report["headline"].startswith("not clean: seat 4 ")
    assert (report["clean"], report["findings"], report["block"]) == (False, 3, scene[1].head)
    (group,) = report["groups"]
    assert (group["seat"], group["check"], group["says"]) == (LIAR, "A5", "3 of 12 verdicts false, rounds 1–3")
    assert (group["fault"], group["blamed"], group["left"]) == ("the judge", True, 0)
    assert [one["round"] for one in group["findings"]] == [1, 2, 3]
    assert {one["check"]: one["findings"] for one in report["checks"]}["A5"] == 3


def test_each_finding_says_which_blobs_it_is_about_and_where_they_are_anchored(
    scene: tuple[WatchedCircle, Report],
) -> None:
    (group,) = ask(scene)["report"]["groups"]
    rounds = scene[0].view.history.rounds
    for finding in group["findings"]:
        round_ = rounds[finding["round"] - 1]
        update, record = finding["onChain"]
        assert update["digest"] == "0x" + round_.commits[LIAR].hex()
        assert record["digest"] == "0x" + round_.attestations[LIAR].record.hex()
        for anchor in (update, record):
            assert parse_cid(anchor["cid"]).digest.hex() == anchor["digest"][2:]
            assert anchor["tx"] == transaction_of(anchor["block"])
            assert anchor["timeS"] == BLOCK_S + anchor["block"]


def test_one_seat_is_told_of_alone_and_in_full(scene: tuple[WatchedCircle, Report]) -> None:
    report = liars(3, 1)
    groups = ask(scene, report)["report"]["groups"]
    assert [(one["seat"], len(one["findings"]), one["left"]) for one in groups] == [(1, 20, 15), (3, 20, 15)]
    (group,) = ask(scene, report, seat="3")["report"]["groups"]
    assert (group["seat"], len(group["findings"]), group["left"]) == (3, 35, 0)
    assert ask(scene, report, seat="9")["report"]["groups"] == []
    for seat in ("256", "x", "-1"):
        with pytest.raises(BadQuery):
            ask(scene, report, seat=seat)


def test_what_was_not_checked_is_said(scene: tuple[WatchedCircle, Report]) -> None:
    report = liars(3)
    report.head, report.rounds, report.scope = 2, 1, "rounds 1 to 1"
    report.not_recomputed, report.pruned = 2, 1
    said = " ".join(ask(scene, report)["report"]["notChecked"])
    for words in (
        "came after block 2",
        "rounds after 1, where 3 are settled",
        "rounds 1 to 1",
        "2 attestations",
        "1 update",
    ):
        assert words in said
    report.sample = [(1, 2)]
    assert "1 attestation of a sample" in " ".join(ask(scene, report)["report"]["notChecked"])
    assert "A5" not in " ".join(ask(scene)["report"]["notChecked"])


def test_the_largest_report_is_told_within_bounds(scene: tuple[WatchedCircle, Report]) -> None:
    told = ask(scene, huge())
    assert len(msgspec.json.encode(told)) < 4 << 20
    assert len(told["report"]["groups"]) + told["report"]["groupsLeft"] > 300


def test_text_of_others_is_made_fit_to_be_shown(scene: tuple[WatchedCircle, Report]) -> None:
    report = liars(3)
    report.findings[0].evidence["at\u202e"] = "x" * 10_000 + "\x1b[31m"
    report.notes = ["\u2028<script>"]
    report.endpoint = "a\x00b"
    told = ask(scene, report)["report"]
    evidence = {one["name"]: one["value"] for one in told["groups"][0]["findings"][0]["evidence"]}
    assert len(evidence["at\\u202e"]) == 500
    assert told["notes"] == ["\\u2028<script>"]
    assert told["endpoint"] == "a\\x00b"


def test_without_an_audit_there_is_no_report(scene: tuple[WatchedCircle, Report]) -> None:
    source = scene[0]
    source.audit = make_no_audit()
    told = describe_findings(source, Query({}))
    assert (told["state"], told["report"], told["progress"]) == ("off", None, None)
