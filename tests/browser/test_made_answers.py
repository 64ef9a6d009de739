"""The page over answers that no honest chain gives, and how it counts on a browser's few connections."""

from typing import Any, Final

import pytest
from playwright.sync_api import Browser

from scripts.bench.page_answers import MadeCircle, serving
from tests.support.live_page import opened

_BEYOND_S: Final = 1 << 62
# Before the page's own script: it finds itself behind other tabs, and notes which streams it opens.
_BEHIND: Final = """
window.streams = 0;
window.isHidden = true;
Object.defineProperty(document, "hidden", { get: () => window.isHidden });
const Real = window.EventSource;
window.EventSource = class extends Real { constructor(url) { super(url); window.streams += 1; } };
"""


class Beyond(MadeCircle):
    """Times of blocks, deadlines and reports are beyond every calendar."""

    def answer(self, path: str, query: dict[str, str]) -> Any:
        made = super().answer(path, query)
        if path == "now":
            following = {"state": "stale", "says": "old", "sinceS": _BEYOND_S}
            return made | {"blockTimeS": _BEYOND_S, "deadlineS": _BEYOND_S, "following": following}
        if path == "rounds":
            return made | {name: [_BEYOND_S] * len(made[name]) for name in made if name.endswith("S")}
        if path.startswith("rounds/"):
            return made | {"timeline": [one | {"timeS": _BEYOND_S} for one in made["timeline"]]}
        return made


class Audited(MadeCircle):
    """An audit has found nothing so far."""

    def __init__(self, state: str, block: int | None, *, is_whole: bool) -> None:
        super().__init__(40, 3)
        self._told = {"state": state, "block": block, "isWhole": is_whole}

    def answer(self, path: str, query: dict[str, str]) -> Any:
        made = super().answer(path, query)
        if path != "now":
            return made
        return made | {"audit": self._told, "findings": None if self._told["block"] is None else 0}


def test_times_beyond_every_calendar_are_told_as_numbers(browser: Browser) -> None:
    with serving(Beyond(40, 3)) as url, opened(browser, url, fine=("status of 404",)) as page:
        shown = page.open("#/now")
        assert "second 4.612e+18" in shown.inner_text("main") + shown.inner_text(".banner")
        page.go("#/rounds/2")
        assert "second 4.612e+18" in shown.inner_text("main table:has-text('Events of the round')")


@pytest.mark.parametrize(
    ("audited", "says"),
    [
        (Audited("off", None, is_whole=False), "No audit has been made for this page."),
        (Audited("working", None, is_whole=False), "An audit is being made: it has not reported yet."),
        (Audited("failed", None, is_whole=False), "The audit could not be made."),
        (Audited("working", 9, is_whole=True), "The audit found nothing up to block 9."),
        (
            Audited("working", 9, is_whole=False),
            "nothing up to block 9 in what it could look at, which is not all.",
        ),
        (Audited("failed", 9, is_whole=True), "The audit found nothing up to block 9. It does not go on."),
    ],
)
def test_the_first_view_says_of_an_audit_no_more_than_it_has_looked_at(
    browser: Browser, audited: Audited, says: str
) -> None:
    with serving(audited) as url, opened(browser, url) as page:
        assert says in page.open("#/now").inner_text("[data-key=findings]")


def test_a_tab_that_is_opened_behind_others_takes_no_stream_until_it_is_looked_at(browser: Browser) -> None:
    with serving(MadeCircle(40, 3)) as url, opened(browser, url) as page:
        page.page.add_init_script(_BEHIND)
        page.open("#/now")
        assert page.evaluate("() => window.streams") == 0
        page.evaluate("() => { window.isHidden = false; document.dispatchEvent(new Event('visibilitychange')); }")
        page.page.wait_for_function("() => window.streams === 1")
