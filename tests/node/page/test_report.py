"""An audit as one page: what it shows, that strangers' text stays text, and what a real browser makes of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from ledger.audit.findings import Check, Report
from node.page import rounds
from node.page.report import Shown, encode_report_page
from tests.support.chromium import run_browser
from tests.support.pages import read_page_with_script
from tests.support.saved_bundle import LIAR, make_circle, save_bundle

SHOWN = Shown("not clean: seat 4", [("block", "48")], "Audited some day.", lambda address: address)
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture(name="saved", scope="module")
def _saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    path = tmp_path_factory.mktemp("bundle") / "circle.car"
    return path, save_bundle(path, make_circle(rounds=6))


def write_page(folder: Path, report: Report, shown: Shown = SHOWN) -> Path:
    path = folder / "page.html"
    path.write_bytes(encode_report_page(report, report.history, shown))
    return path


def test_it_begins_with_the_verdict_and_shows_what_was_found(tmp_path: Path, saved: tuple[Path, Report]) -> None:
    page = read_page_with_script(write_page(tmp_path, saved[1]))
    assert "Not clean: seat 4." in page.text
    assert "Findings: 3" in page.text
    assert "3 of 24 verdicts false, rounds 1–3" in page.text
    assert "it attested that it rejected seat 0" in page.text
    assert page.count("svg", "role") == 1
    for title in ("Checks", "Rounds", "Availability", "Membership", "Verify the bundle here"):
        assert title in page.text


def test_what_strangers_wrote_stays_text(tmp_path: Path, saved: tuple[Path, Report]) -> None:
    report = replace(saved[1], findings=[], endpoint=HOSTILE)
    report.history = saved[1].history
    report.add(Check.BLOBS, HOSTILE, None, round_number=1, seat=LIAR, peer=HOSTILE, **{HOSTILE: HOSTILE})
    report.membership = [replace(one, why=HOSTILE, peer=HOSTILE) for one in report.membership]
    report.notes = [HOSTILE]
    report.bundle = {"root": HOSTILE}
    shown = replace(SHOWN, headline=HOSTILE, source=[(HOSTILE, HOSTILE)], describe=lambda _: HOSTILE)
    page = read_page_with_script(write_page(tmp_path, report, shown))
    assert HOSTILE in page.text
    assert not any("alert(1)" in script for script in page.scripts[-1:])


def test_a_circle_that_could_not_be_read_has_a_page_too(tmp_path: Path) -> None:
    report = Report(1, "0x" + "ab" * 20, 0)
    report.add(Check.CODE, "the code is another")
    page = read_page_with_script(write_page(tmp_path, report))
    assert "Findings: 1" in page.text
    assert "Availability" not in page.text


def test_old_rounds_without_findings_are_left_out_first_and_it_says_so(
    tmp_path: Path, saved: tuple[Path, Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    history = saved[1].history
    assert history is not None
    monkeypatch.setattr(rounds, "VERDICTS_MAX", 4 * 20)
    embedded, left = rounds.embed_rounds(history, saved[1])
    assert ([one["number"] for one in embedded], left) == ([1, 2, 3, 6], 2)
    assert "2 rounds left out" in read_page_with_script(write_page(tmp_path, saved[1])).text
    monkeypatch.setattr(rounds, "ROWS_MAX", 2)
    rows = rounds.list_rows(history, saved[1])
    assert [(row.first, row.last, row.committed, row.findings) for row in rows] == [(1, 3, 15, 3), (4, 6, 15, 0)]
    monkeypatch.setattr(rounds, "POINTS_MAX", 3)
    numbers, traced = rounds.trace_reputations(history)
    assert numbers == [1, 3, 5, 6, 7]
    assert traced[0][-1] == history.reputations[0]


async def test_in_a_browser_it_verifies_its_bundle_and_asks_nobody_for_anything(
    tmp_path: Path, saved: tuple[Path, Report]
) -> None:
    path, report = saved
    page = write_page(tmp_path, report)
    async with run_browser(tmp_path / "profile") as browser:
        await browser.open(page)
        assert "Round 3" in await browser.evaluate("document.querySelector('#round-name').textContent")
        rejected = "[...document.querySelectorAll('#round-matrix td.r')].length"
        assert await browser.evaluate(rejected) == 1
        await browser.evaluate("document.querySelector('#round-after').click()")
        assert "Round 4" in await browser.evaluate("document.querySelector('#round-name').textContent")
        assert await browser.evaluate(rejected) == 0
        await browser.choose_file("#bundle", path)
        verdict = "document.querySelector('#verdict')"
        await browser.wait_for(f"{verdict}.querySelector('ul') !== null")
        said = await browser.evaluate(f"{verdict}.innerText")
        assert "3 findings" in said
        assert "The report above says the same" in said
        assert "round 2, seat 4: it rejected seat 0" in said
        spoilt = tmp_path / "spoilt.car"
        spoilt.write_bytes(path.read_bytes()[:-1])
        await browser.choose_file("#bundle", spoilt)
        await browser.wait_for(f"{verdict}.innerText.includes('Not verified')")
        assert "cut off" in await browser.evaluate(f"{verdict}.innerText")
        assert browser.requests == [page.as_uri()]
        assert browser.complaints == []


async def test_planted_markup_makes_no_element_in_a_browser(tmp_path: Path, saved: tuple[Path, Report]) -> None:
    report = replace(saved[1])
    report.history = saved[1].history
    report.notes = [HOSTILE]
    page = write_page(tmp_path, report, replace(SHOWN, describe=lambda _: HOSTILE))
    async with run_browser(tmp_path / "profile") as browser:
        await browser.open(page)
        assert await browser.evaluate("document.querySelectorAll('img').length") == 0
        assert await browser.evaluate("document.querySelectorAll('script').length") == 3
        assert HOSTILE in await browser.evaluate("document.body.innerText")
        assert browser.complaints == []


@pytest.mark.parametrize("width", [375, 800])
async def test_no_width_makes_the_page_scroll_sideways(
    tmp_path: Path, saved: tuple[Path, Report], width: int
) -> None:
    async with run_browser(tmp_path / "profile") as browser:
        await browser.open(write_page(tmp_path, saved[1]), width)
        assert await browser.evaluate("document.documentElement.scrollWidth") == width
