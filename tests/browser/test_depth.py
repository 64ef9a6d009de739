"""Figures, distances and costs of a live circle and of its bundle, as a reader sees and works them."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.live_page import SETTLED, Served, opened, serve
from tests.support.network.local_run import LocalRun

FOLDERS = (2, 3)
POISONER = 6


@pytest.fixture(scope="module")
def told(circle: LocalRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The live page beside two of the nodes."""
    folders = [f"--folder={circle.network.peers[index].folder / 'data'}" for index in FOLDERS]
    with serve(tmp_path_factory.mktemp("told"), "--circle", str(circle.network.circle_file), *folders) as served:
        yield served


@pytest.mark.parametrize("source", ["live", "saved"])
def test_a_poisoner_is_beyond_the_gate_and_the_pair_can_be_chosen(
    source: str, browser: Browser, request: pytest.FixtureRequest
) -> None:
    served: Served = request.getfixturevalue(source)
    with opened(browser, served.url) as tab:
        page = tab.open(f"#/distances/2/{POISONER}")
        rows = page.locator(".view-distances tbody tr[data-row]")
        expect(rows.first).to_contain_text("beyond the gate")
        expect(rows).to_have_count(SETTLED)
        expect(rows.first).to_contain_text("✕ rejected")
        expect(page.locator(".lead")).to_contain_text(f"accepted seat {POISONER} in 0 of {SETTLED} rounds")
        page.select_option("#author", "3")
        expect(page).to_have_url(re.compile(r"#/distances/2/3$"))
        expect(rows.first).to_contain_text("● accepted")
        page.get_by_role("button", name="Swap").click()
        expect(page).to_have_url(re.compile(r"#/distances/3/2$"))
        # A judge that is made the author changes places with it: nobody judges itself.
        page.select_option("#author", "3")
        expect(page).to_have_url(re.compile(r"#/distances/2/3$"))
        page.get_by_label("Logarithmic scale").uncheck()
        expect(page.locator(".view-distances .plot canvas").first).to_be_visible()


def test_a_cell_of_the_matrix_chooses_its_pair_by_keys_and_by_pointer(browser: Browser, live: Served) -> None:
    with opened(browser, live.url) as tab:
        page = tab.open("#/distances/2/3")
        matrix = page.locator(".view-distances canvas.matrix")
        matrix.focus()
        for key in ("ArrowDown", "ArrowDown", "Enter"):
            matrix.press(key)
        expect(page).to_have_url(re.compile(r"#/distances/1/0$"))
        expect(page.locator("#judge")).to_have_value("1")
        page.goto(f"{live.url}/#/rounds/{SETTLED}")
        tab.wait_shown()
        # The cell of judge 0 and author 1, some pixels beside the corner of the picture.
        page.locator(".view-rounds canvas.matrix").click(position={"x": 34 + 30 + 15, "y": 34 + 15})
        expect(page).to_have_url(re.compile(r"#/distances/0/1$"))


def test_each_nodes_own_figures_are_those_of_the_folders_here(browser: Browser, told: Served) -> None:
    with opened(browser, told.url) as tab:
        page = tab.open("#/figures")
        expect(page.locator(".note").filter(has_text="own word")).to_be_visible()
        rows = page.locator(".view-figures tbody tr[data-row]")
        expect(rows).to_have_count(len(FOLDERS))
        for row, seat in enumerate(FOLDERS):
            expect(rows.nth(row)).to_contain_text(f"peer-{seat}/data")
        page.select_option("#metric", "gas")
        expect(page).to_have_url(re.compile("metric=gas"))
        expect(page.get_by_text("lower is better")).to_be_visible()
        assert re.search(r"\d,\d{3}", rows.first.inner_text())


def test_without_a_folder_the_page_says_how_to_name_one(browser: Browser, live: Served) -> None:
    with opened(browser, live.url) as tab:
        page = tab.open("#/figures")
        expect(page.get_by_text("folkmoot watch --folder FOLDER")).to_be_visible()


def test_costs_come_from_all_receipts_and_of_the_rounds_that_were_asked_for(browser: Browser, live: Served) -> None:
    with opened(browser, live.url) as tab:
        page = tab.open("#/costs?from=1&to=2")
        tiles = page.locator(".view-costs .tiles")
        receipts = re.compile(r"Receipts(\d+) of \1$")
        expect(tiles).to_have_text(receipts)
        expect(tiles).to_contain_text("ETH")
        calls = page.locator("tbody").filter(has=page.locator("code", has_text="commit"))
        expect(calls.locator("tr", has_text="attest")).to_contain_text("16")
        page.select_option("#costs-kind", "coin")
        expect(page.locator(".view-costs .plot .key")).to_have_text("coin")


def test_a_bundle_has_no_coin_and_says_why(browser: Browser, saved: Served) -> None:
    with opened(browser, saved.url) as tab:
        page = tab.open("#/costs")
        expect(page.get_by_text("so there is no coin")).to_be_visible()


def test_a_circle_without_privacy_terms_has_no_such_view(browser: Browser, live: Served) -> None:
    with opened(browser, live.url) as tab:
        page = tab.open()
        expect(page.locator("nav a", has_text="Costs")).to_have_count(1)
        expect(page.locator("nav a", has_text="Privacy")).to_have_count(0)
        tab.go("#/privacy")
        expect(page.get_by_text("This circle has no privacy terms")).to_be_visible()
