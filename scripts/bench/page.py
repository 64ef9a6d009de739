"""How quick the live page is in a real browser: `python -m scripts.bench.page [URL] [--seats 256 --rounds 10000]`.

Opens the page in Chromium and prints the time to the first view, what each move to another view takes (until it is drawn;
of this, script, layout and drawing on the page's own thread), and how long frames last while reputations are zoomed by
drag and by key. URL: of a `folkmoot watch` that runs; without one a circle of this size is made up, which leaves out what
the server takes. Times are of this machine, with whatever else it does. `dev` extra.
"""

import argparse
import contextlib
import json
import sys
from collections.abc import Callable
from typing import Any, Final

from playwright.sync_api import CDPSession, Page, sync_playwright

from node.operating.printing import say
from scripts.bench.page_answers import MadeCircle, serving
from tests.support.live_page import IS_SHOWN, launch_chromium

VIEWS: Final = ("#/rounds", "#/reputation", "#/seats", "#/seats/3", "#/now", "#/reputation?seats=ALL", "#/rounds/7")
_FRAMES: Final = """() => {
  window.frames_ms = [];
  let before = performance.now();
  const look = (now) => { window.frames_ms.push(now - before); before = now; window.looking = requestAnimationFrame(look); };
  window.looking = requestAnimationFrame(look);
}"""
_FRAMES_END: Final = "() => { cancelAnimationFrame(window.looking); return window.frames_ms.slice(1); }"
# From the move to the first frame after everything is there.
_MOVE: Final = f"""async (path) => {{
  const isShown = {IS_SHOWN};
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const before = document.querySelector(".view");
  const began = performance.now();
  location.hash = path;
  while (document.querySelector(".view") === before || !isShown()) await frame();
  await frame();
  return performance.now() - began;
}}"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("url", nargs="?")
    parser.add_argument("--seats", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        url = options.url or stack.enter_context(serving(MadeCircle(options.seats, options.rounds)))
        playwright = stack.enter_context(sync_playwright())
        browser = launch_chromium(playwright)
        page = browser.new_page(viewport={"width": options.width, "height": 900})
        page.set_default_timeout(120_000)
        found = measure(page, url.rstrip("/"))
        browser.close()
    if options.json:
        json.dump(found, sys.stdout)
        return
    say(f"first view        {found['first_ms']:.0f} ms until it is drawn")
    for path, took in found["views"].items():
        parts = ", ".join(f"{name} {took[name]:.0f}" for name in ("script", "layout", "thread"))
        say(f"{path:<24} {took['shown']:.0f} ms until it is drawn; {parts} ms")
    for how, frames in found["zoom"].items():
        ordered = sorted(frames)
        middle, most = ordered[len(ordered) // 2], ordered[-1]
        late = sum(one > 50 for one in ordered)
        say(
            f"zooming by {how:<16} {len(ordered)} frames: median {middle:.0f} ms, longest {most:.0f} ms, {late} above 50 ms"
        )


def measure(page: Page, url: str) -> dict[str, Any]:
    """All figures, milliseconds."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    page.goto(f"{url}/#/now")
    page.wait_for_function(IS_SHOWN)
    found: dict[str, Any] = {"first_ms": page.evaluate("() => performance.now()"), "views": {}, "zoom": {}}
    seats = page.evaluate("async () => (await (await fetch('/api/seats')).json()).map((row) => row.seat)")
    for view in VIEWS:
        path = view.replace("ALL", ",".join(map(str, seats)))
        before = read_metrics(session)
        took = page.evaluate(_MOVE, path)
        after = read_metrics(session)
        found["views"][view] = {"shown": took, **{name: after[name] - before[name] for name in after}}
    page.evaluate(_MOVE, "#/reputation")
    found["zoom"]["key"] = watch_frames(page, zoom_by_key)
    found["zoom"]["drag"] = watch_frames(page, zoom_by_drag)
    page.evaluate(_MOVE, "#/reputation?seats=" + ",".join(map(str, seats)))
    found["zoom"]["drag, all seats"] = watch_frames(page, zoom_by_drag)
    return found


def read_metrics(session: CDPSession) -> dict[str, float]:
    """Milliseconds so far: of scripts, of styles and layout, of the page's thread altogether."""
    told = {one["name"]: one["value"] * 1000 for one in session.send("Performance.getMetrics")["metrics"]}
    layout = told["LayoutDuration"] + told["RecalcStyleDuration"]
    return {"script": told["ScriptDuration"], "layout": layout, "thread": told["TaskDuration"]}


def watch_frames(page: Page, act: Callable[[Page], None]) -> list[float]:
    """How long each frame lasted while something was done, milliseconds."""
    page.evaluate(_FRAMES)
    act(page)
    page.wait_for_timeout(500)
    frames: list[float] = page.evaluate(_FRAMES_END)
    return frames


def zoom_by_key(page: Page) -> None:
    """In, along and out again."""
    page.locator(".plot-place").focus()
    for key in ("+", "+", "+", "ArrowRight", "ArrowRight", "+", "-", "-", "+", "PageDown", "-", "0"):
        page.keyboard.press(key)
        page.wait_for_timeout(60)


def zoom_by_drag(page: Page) -> None:
    """A stretch is drawn over, and then over a part of it."""
    box = page.locator(".plot .u-over").bounding_box()
    assert box is not None
    for _ in range(3):
        left, y = box["x"] + 0.2 * box["width"], box["y"] + 0.5 * box["height"]
        page.mouse.move(left, y)
        page.mouse.down()
        page.mouse.move(left + 0.5 * box["width"], y, steps=25)
        page.mouse.up()
        page.wait_for_timeout(400)


if __name__ == "__main__":
    main()
