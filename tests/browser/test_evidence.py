"""Findings, disputes, accounts and exclusions in a browser: of a bundle with a liar whom a jury convicted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from ledger.circle.draw import draw_jury, seats_of
from ledger.circle.events import Disputed, Outcome, Referred, Resolved, Stage, Summoned, Voted
from tests.support.histories.circles import Circle
from tests.support.histories.parts import address, digest
from tests.support.live_page import Served, opened, serve
from tests.support.saved_bundle import LIAR, make_circle, save_bundle

ROUNDS, LATER = 3, 1_900_000_000


def convict(circle: Circle) -> None:
    """The liar is disputed; the jury and the circle find for the claim."""
    seed = digest("jury")
    jury = draw_jury(seed, circle.known.find_jury_pool(LIAR, 0, address(500)), 3)
    votes = [Voted(0, seat, 1) for seat in seats_of(jury)]
    raised = (0, 2, LIAR, 0, address(500), digest("evidence"), circle.known.bonded, LATER)
    circle.write(Disputed(*raised), Summoned(0, seed, jury, LATER), *votes)
    circle.write(Referred(0, int(Stage.CIRCLE), LATER), *votes, Resolved(0, int(Outcome.UPHELD), 500, 0))


@pytest.fixture(scope="session")
def court(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Its page. A session's: it is made before a browser's loop runs in this thread."""
    folder: Path = tmp_path_factory.mktemp("court")
    save_bundle(folder / "circle.car", make_circle(ROUNDS, between={2: convict}))
    with serve(folder, str(folder / "circle.car")) as served:
        yield served


def test_what_the_audit_found_is_told_with_its_evidence(browser: Browser, court: Served) -> None:
    with opened(browser, court.url) as tab:
        page = tab.open("#/findings")
        expect(page.locator(".headline")).to_contain_text(f"not clean: seat {LIAR}", timeout=60_000)
        expect(page.get_by_text("The page passes it on and adds no judgement.")).to_be_visible()
        card = page.locator(".card", has_text=f"Seat {LIAR}").first
        expect(card).to_contain_text("3 of 12 verdicts false, rounds 1–3")
        expect(card).to_contain_text("At fault: the judge.")
        fold = card.locator("details").first
        fold.locator("summary").click()
        finding = fold.locator(".finding").first
        expect(finding).to_contain_text("the rule gives accepted")
        expect(finding).to_contain_text("its update: CID bafkrei")
        tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
        finding.get_by_role("button", name="Copy the CID").first.click()
        assert str(tab.evaluate("() => navigator.clipboard.readText()")).startswith("bafkrei")
        expect(page.get_by_role("heading", name="What was not checked")).to_be_visible()
        expect(page.locator("table", has_text="The audit's checks").locator("tbody tr")).to_have_count(11)
        tab.go("#/now")
        expect(page.get_by_role("link", name="The audit has")).to_be_visible()


def test_what_stands_open_stays_open_when_it_is_drawn_again(browser: Browser, court: Served) -> None:
    with opened(browser, court.url) as tab:
        tab.page.clock.install()
        page = tab.open("#/findings")
        expect(page.locator(".headline")).to_be_visible(timeout=60_000)
        page.locator(".card details summary").first.click()
        page.route(
            "**/api/findings",
            lambda route: route.fulfill(json=route.fetch().json() | {"version": 10**6}),
        )
        tab.evaluate("() => { document.querySelector('.card').dataset.old = '1'; }")
        # So long after an answer the page asks again by itself.
        page.clock.fast_forward(15_000)
        page.wait_for_function("() => document.querySelector('.card')?.dataset.old === undefined", timeout=30_000)
        expect(page.locator(".card details").first).to_have_attribute("open", "")
        assert page.locator(".card details .finding").count() > 0


def test_a_dispute_is_told_from_its_claim_to_its_end(browser: Browser, court: Served) -> None:
    with opened(browser, court.url) as tab:
        page = tab.open("#/disputes")
        expect(page.locator(".lead")).to_have_text("1 dispute raised, none open.")
        card = page.locator(".dispute")
        expect(card).to_contain_text(f"seat {LIAR} falsely rejected seat 0 in round 2")
        expect(card).to_contain_text("Upheld: the judge is convicted.")
        card.get_by_role("link", name="Dispute 0").click()
        steps = page.locator(".steps li")
        expect(steps.first).to_contain_text("Raised by 0x")
        expect(steps.last).to_contain_text("Upheld: the judge is convicted.")
        assert steps.count() == 2 + 3 + 1 + 3 + 1


def test_why_a_seat_is_excluded_stands_on_its_page(browser: Browser, court: Served) -> None:
    with opened(browser, court.url) as tab:
        page = tab.open(f"#/seats/{LIAR}")
        expect(page.locator(".headline.unclean")).to_contain_text(f"Seat {LIAR} is suspended after a conviction")
        expect(page.locator(".steps li.bad").first).to_contain_text("dispute 0 about its verdict was upheld")
        expect(page.get_by_text("It was upheld: the judge is convicted.")).to_be_visible()
        tab.go("#/seats/1")
        expect(page.get_by_text("Seat 1 takes part")).to_be_visible()


def test_an_account_is_made_when_somebody_asks_and_drawn_for_keys_and_readers(
    browser: Browser, court: Served
) -> None:
    with opened(browser, court.url, width=768, scheme="dark") as tab:
        page = tab.open("#/provenance")
        expect(page.get_by_text("15 updates in the bundle")).to_be_visible()
        page.get_by_role("button", name="Make the account").click()
        expect(page.locator("svg.mixing")).to_be_visible(timeout=60_000)
        rows = page.locator("table", has_text="Shares of the model").locator("tbody tr")
        expect(rows).to_have_count(5)
        expect(page.get_by_text("what is off 100 % is rounding")).to_be_visible()
        expect(page.get_by_text("grid units of a value at most are no update's")).to_be_visible()
        assert page.locator("svg.mixing circle").count() == 5 * ROUNDS
        first = page.locator("svg.mixing circle[tabindex='0']")
        expect(first).to_have_count(1)
        first.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        expect(page.locator(".told")).to_contain_text("seat 1, round 2: coefficient 0.")
        expect(page.locator(".told")).to_contain_text("It became a part of the bases of seat ")
        expect(page.locator("svg.mixing circle:focus")).to_have_attribute("tabindex", "0")
        page.get_by_text("The graph as a table").click()
        table = page.locator("table", has_text="Mixings").locator("tbody tr")
        assert table.count() == page.locator("svg.mixing path").count() > 5 * ROUNDS
        page.get_by_label("Of", exact=True).select_option("the base of seat 2")
        page.get_by_label("after round").fill("2")
        page.get_by_role("button", name="Choose").click()
        expect(page.get_by_text("the base of seat 2 after round 2 yet")).to_be_visible()
