"""Every view, of a live circle, of a bundle and of a circle nobody joined: complete, quiet, readable."""

import re
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from tests.support.live_page import LAGGARDS, PLANTED, PLANTER, SETTLED, Scheme, Served, opened, serve
from tests.support.network.local_run import LocalRun
from tests.support.page_tools import install_page_tools

WIDTHS = (360, 768, 1440)
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")
_OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
_FAILURES = """() => [...document.querySelectorAll(".note.bad")]
  .filter((note) => !note.hidden).map((note) => note.textContent)"""
_AXE = """async () => {
  const runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
  const { violations } = await axe.run(document, { runOnly, resultTypes: ["violations"] });
  return violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target} ${node.failureSummary}`));
}"""


@pytest.mark.parametrize("source", ["live", "saved", "empty"])
def test_every_view_is_shown_at_every_width_by_day_and_by_night(
    source: str, browser: Browser, request: pytest.FixtureRequest
) -> None:
    served: Served = request.getfixturevalue(source)
    # A browser tells its console of every refused request, and nobody sits on seat 7 of an empty circle.
    fine = ("status of 404",) if source == "empty" else ()
    with opened(browser, served.url, fine=fine) as tab:
        tab.open()
        paths = tab.find_paths()
        assert len(paths) > 8
        for path in paths:
            tab.go(path)
            assert tab.page.locator("main h1").count() == 1, path
            text = tab.page.inner_text("main")
            assert len(text) > 20, path
            if source != "empty":
                assert tab.evaluate(_FAILURES) == [], path
            for width in WIDTHS:
                tab.page.set_viewport_size({"width": width, "height": 900})
                for scheme in SCHEMES:
                    tab.page.emulate_media(color_scheme=scheme)
                    assert tab.evaluate(_OVERFLOW) <= 0, (path, width, scheme)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 360)])
def test_names_roles_and_contrasts_are_those_of_the_guidelines(
    scheme: Scheme, width: int, browser: Browser, live: Served
) -> None:
    """The checks of axe for WCAG 2.1, A and AA."""
    script = (install_page_tools() / "axe-core" / "axe.min.js").read_text()
    with opened(browser, live.url, width=width, scheme=scheme) as tab:
        tab.open()
        tab.evaluate(script)
        for path in tab.find_paths():
            tab.go(path)
            assert tab.evaluate(_AXE) == [], path


def test_who_is_waited_for_is_seen_and_a_commit_changes_the_page_by_itself(
    circle: LocalRun, browser: Browser, live: Served
) -> None:
    with opened(browser, live.url) as tab:
        page = tab.open()
        lead = page.locator(".lead")
        waiting = sorted((*LAGGARDS, PLANTER))
        expect(lead).to_contain_text(f"Round {SETTLED + 1} of {SETTLED + 2}")
        expect(lead).to_contain_text("5 of 8 seats have committed")
        expect(lead).to_contain_text("Waited for: 0, 1, 7.")
        for seat in range(8):
            words = "waited for" if seat in waiting else "committed"
            expect(page.locator(f".grid a[data-key='{seat}']")).to_have_attribute("title", re.compile(words))
        expect(page.locator(".line")).to_have_text("connected")
        circle.open_gates(SETTLED + 1, LAGGARDS[0])
        expect(lead).to_contain_text("6 of 8 seats have committed")
        expect(page.locator(f".grid a[data-key='{LAGGARDS[0]}']")).to_have_attribute(
            "title", re.compile("committed")
        )


def test_markup_that_a_peer_wrote_is_text(browser: Browser, live: Served) -> None:
    with opened(browser, live.url) as tab:
        page = tab.open("#/seats")
        expect(page.get_by_text(PLANTED)).to_be_visible()
        page = tab.open(f"#/seats/{PLANTER}")
        expect(page.get_by_text(PLANTED).first).to_be_visible()
        tab.go("#/search?q=" + PLANTED.replace(" ", "%20").replace("#", "%23"))
        assert page.locator("main img, main b").count() == 0
        assert page.title() == "Search – Folkmoot"


def test_poisoners_are_rejected_in_the_matrix_and_sink_in_reputation(browser: Browser, live: Served) -> None:
    with opened(browser, live.url) as tab:
        page = tab.open(f"#/rounds/{SETTLED}")
        page.get_by_text("The same as a table").nth(1).click()
        row = page.locator("table", has_text="Verdicts by judge").locator("tbody tr").first
        expect(row).to_contain_text("6, 7")
        tab.go("#/seats")
        page.get_by_role("button", name="Reputation").click()
        page.get_by_role("button", name="Reputation").click()
        lowest = page.locator("tbody tr th").all_inner_texts()[:2]
        assert {int(re.match(r"\d+", text).group()) for text in lowest} == {6, 7}  # type: ignore[union-attr]


def test_what_is_stale_or_fails_is_said_in_a_sentence(browser: Browser, circle: LocalRun) -> None:
    refused = ("status of 503", "net::ERR", "Failed to load")
    folder, file = circle.network.folder / "second", circle.network.circle_file
    with serve(folder, "--circle", str(file)) as served, opened(browser, served.url, fine=refused) as tab:
        page, sentence = tab.page, "The seats are asleep."
        page.route("**/api/seats", lambda route: route.fulfill(status=503, json={"error": sentence}))
        # The page's timers stand still: it asks again because it is told to, and not by itself.
        page.clock.install(time=0)
        page.clock.pause_at(1)
        tab.open()
        expect(page.locator(".note.bad")).to_contain_text(sentence)
        page.unroute("**/api/seats")
        page.get_by_role("button", name="Try again").click()
        expect(page.locator(".grid li")).to_have_count(8)
        page.clock.resume()
        served.process.terminate()
        expect(page.locator(".banner")).to_contain_text("The line to this page's server is lost")
        expect(page.locator(".line")).to_have_text("connection lost")
        page.evaluate("location.hash = '#/rounds/1'")
        expect(page.locator(".note.bad").first).to_contain_text("is `folkmoot watch` still running?")


def test_a_bundle_says_that_it_is_one_and_counts_nothing_down(browser: Browser, saved: Served) -> None:
    with opened(browser, saved.url) as tab:
        page = tab.open()
        expect(page.locator(".line")).to_have_text("saved bundle")
        expect(page.locator("footer")).to_contain_text("circle.car")
        expect(page.locator(".countdown")).to_be_hidden()
