"""Everything can be reached and read by keys alone."""

import re

from playwright.sync_api import Browser, expect

from tests.support.live_page import Served, opened

_FOCUSED = """() => {
  const active = document.activeElement;
  return active?.textContent?.trim() || active?.getAttribute("aria-label") || active?.tagName;
}"""
_OUTLINE = """() => {
  const style = getComputedStyle(document.activeElement);
  return [style.outlineStyle, parseFloat(style.outlineWidth)];
}"""


def test_the_first_key_leads_to_the_content_and_every_stop_is_seen(browser: Browser, live: Served) -> None:
    with opened(browser, live.url) as tab:
        page = tab.open()
        page.keyboard.press("Tab")
        assert tab.evaluate(_FOCUSED) == "Skip to the content"
        page.keyboard.press("Enter")
        assert tab.evaluate("() => document.activeElement.id") == "main"
        page.reload()
        tab.wait_shown()
        stops = []
        for _ in range(14):
            page.keyboard.press("Tab")
            stops.append(tab.evaluate(_FOCUSED))
            style, width = tab.evaluate(_OUTLINE)
            assert style != "none", stops
            assert width >= 2, stops
        assert stops[stops.index("Now") :][:3] == ["Now", "Rounds", "Reputation"]


def test_a_slash_goes_to_the_search_and_enter_to_what_it_found(browser: Browser, live: Served) -> None:
    with opened(browser, live.url) as tab:
        page = tab.open()
        page.keyboard.press("/")
        page.keyboard.type("3")
        page.keyboard.press("Enter")
        expect(page.locator(".hits a").first).to_be_visible()
        assert page.url.endswith("#/search?q=3")
        # After a move the heading has the focus, so that it is what is read out, and the next stop is below it.
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text(re.compile("Seats|Rounds"))


def test_arrows_go_from_round_to_round_and_from_cell_to_cell(browser: Browser, live: Served) -> None:
    with opened(browser, live.url) as tab:
        page = tab.open("#/rounds/2")
        page.keyboard.press("ArrowLeft")
        expect(page.locator("h2").first).to_have_text("Round 1")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        expect(page.locator("h2").first).to_have_text("Round 3")
        tab.wait_shown()
        page.locator("canvas.matrix").focus()
        page.keyboard.press("ArrowDown")
        reading = page.locator(".matrix-figure .reading")
        expect(reading).to_have_text("seat 0 does not judge itself.")
        page.keyboard.press("ArrowRight")
        expect(reading).to_have_text("seat 0 accepted seat 1.")
        for _ in range(5):
            page.keyboard.press("ArrowRight")
        expect(reading).to_have_text("seat 0 rejected seat 6.")
        expect(page.locator("h2").first).to_have_text("Round 3")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("#/distances/0/6$"))


def test_keys_read_a_picture_off_and_zoom_it(browser: Browser, live: Served) -> None:
    with opened(browser, live.url) as tab:
        page = tab.open("#/reputation?seats=0,7")
        page.locator(".plot-place").focus()
        page.keyboard.press("End")
        expect(page.locator(".plot .reading")).to_have_text(
            re.compile(r"^round 4: .*seat 0 0\.\d{3}, seat 7 0\.\d{3}$")
        )
        page.keyboard.press("Home")
        expect(page.locator(".plot .reading")).to_have_text(re.compile(r"^round 1: "))
        expect(page.get_by_role("button", name="All", exact=True).last).to_be_disabled()
        page.keyboard.press("+")
        expect(page.locator(".plot-bar").get_by_role("button", name="All")).to_be_enabled()
        page.keyboard.press("0")
        expect(page.locator(".plot-bar").get_by_role("button", name="All")).to_be_disabled()
