"""The live page under a test: a circle to look at, the server as a process of its own, and pages in Chromium."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Literal
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request

from ledger.chain.deployment.deploy import CircleFile, open_circle
from ledger.chain.transactions.sender import Sender
from node.seat.keys import load_key
from tests.support.chromium import find_chromium
from tests.support.network.local_run import LocalRun, WarmNetwork

HONEST: Final = 6
ATTACKS: Final = ("honest",) * HONEST + ("sign-flip",) * 2
SETTLED: Final = 3
"""Rounds that are settled; the next one is held open."""
LAGGARDS: Final = (0, 1)
"""Seats that have not committed in the round that is open."""
PLANTER: Final = 7
"""The seat whose endpoint is markup."""
Scheme = Literal["light", "dark"]
_READY_S: Final = 60.0
PLANTED: Final = "<img src=x onerror=\"document.title='taken'\"><b>bold</b>"
IS_SHOWN: Final = """() => {
  const main = document.querySelector("main");
  if (main?.querySelector("h1") == null || main.querySelector("[aria-busy]") !== null) return false;
  const notes = [...main.querySelectorAll(".note")];
  return !notes.some((note) => !note.hidden && note.textContent.startsWith("Loading"));
}"""
# Until the view that was shown has given way.
_MOVE: Final = """async (path) => {
  if (location.hash === path) return;
  const before = document.querySelector(".view");
  location.hash = path;
  while (document.querySelector(".view") === before) await new Promise((done) => setTimeout(done, 5));
}"""


def start_circle(run: LocalRun) -> None:
    """Eight peers, two of them poisoners, in the middle of a round; one has written markup for its endpoint."""
    windows = ("--commit-window", "3600", "--attest-window", "3600")
    run.start(*ATTACKS, rounds=SETTLED + 2, paced=True, options=windows)
    run.open_gates(SETTLED)
    run.wait_round(SETTLED + 1)
    prompt = [seat for seat in range(len(ATTACKS)) if seat not in (*LAGGARDS, PLANTER)]
    run.open_gates(SETTLED + 1, *prompt)
    for index in prompt:
        run.wait_committed(index, SETTLED + 1)
    # Its peer would take the endpoint back.
    run.kill(PLANTER)
    file = CircleFile.read(run.network.circle_file)
    circle = open_circle(file)
    key = load_key(run.key(PLANTER).path, run.network.password_file.read_text().strip())
    Sender(circle.rpc, key, circle.network.chain_id).call(file.contract, "move", PLANTED)


class _Serving(WarmNetwork):
    """One process, which ends with the test's."""

    def begin(self, *arguments: str) -> Any:
        """Start `folkmoot watch`."""
        with (self.folder / "watch.out").open("wb") as out, (self.folder / "watch.log").open("wb") as err:
            return self._start(["watch", "--port", "0", "--json", "--no-cache", *arguments], out, err)


@contextmanager
def serve(folder: Path, *arguments: str) -> Iterator["Served"]:
    """`folkmoot watch` as a process of its own while the body runs."""
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / "watch.out"
    serving = _Serving(folder)
    with serving:
        process = serving.begin(*arguments)
        try:
            deadline = time.monotonic() + _READY_S
            while (url := _find_ready(out.read_text())) is None:
                assert process.poll() is None, (folder / "watch.log").read_text()
                assert time.monotonic() < deadline, "the page's server does not begin"
                time.sleep(0.05)
            yield Served(url, process)
        finally:
            process.terminate()
            process.wait()


def _find_ready(told: str) -> str | None:
    """The address in the first line that it wrote, once it has read the circle; None until then."""
    line, end, _ = told.partition("\n")
    if not end:
        return None
    url = str(json.loads(line)["url"]).rstrip("/")
    try:
        with urlopen(f"{url}/api/now", timeout=_READY_S):
            return url
    except HTTPError as error:
        if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
            raise
        return None


@dataclass(frozen=True)
class Served:
    """A page's server."""

    url: str
    """Without a slash at the end."""
    process: Any
    """As `subprocess.Popen`."""


def launch_chromium(playwright: Playwright) -> Browser:
    """The system's, without a window. Skips the test, or fails it if CI=true, where there is none."""
    return playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])


class LivePage:
    """One tab, and all that it must not do."""

    def __init__(self, browser: Browser, url: str, *, width: int = 1440, scheme: Scheme = "light") -> None:
        self.url = url
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.context.set_default_timeout(20_000)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        """What the console was told of errors, the policy's among them; exceptions, dialogs, requests to others."""
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        self.page.on("request", self._check)
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _check(self, request: Request) -> None:
        own, asked = urlsplit(self.url), urlsplit(request.url)
        if asked.scheme != "data" and (asked.scheme, asked.netloc) != (own.scheme, own.netloc):
            self.complaints.append(f"request: {request.url}")

    def open(self, path: str = "#/now") -> Page:
        """Go to a view and wait until nothing in it loads any more."""
        self.page.goto(f"{self.url}/{path}")
        self.wait_shown()
        return self.page

    def go(self, path: str) -> None:
        """The same without loading the page again."""
        self.page.evaluate(_MOVE, path)
        self.wait_shown()

    def wait_shown(self) -> None:
        """Until the view is there, and every part of it."""
        self.page.wait_for_function(IS_SHOWN)

    def find_paths(self) -> list[str]:
        """The views of the navigation, and some that are reached from others."""
        links = self.page.eval_on_selector_all("nav a", "links => links.map((link) => link.getAttribute('href'))")
        # What a search finds nothing of, and an address of no view, are asked for on purpose.
        further = ("#/rounds/2", "#/seats/7", "#/search?q=3", "#/search?q=zzz", "#/nowhere")
        return [*links, *further]

    def evaluate(self, script: str, argument: Any = None) -> Any:
        """The value of a function in the page."""
        return self.page.evaluate(script, argument)

    def close(self) -> None:
        """Close the tab."""
        self.context.close()


@contextmanager
def opened(
    browser: Browser, url: str, *, width: int = 1440, scheme: Scheme = "light", fine: Sequence[str] = ()
) -> Iterator[LivePage]:
    """A tab while the body runs, which must not complain; fine: parts of complaints that are meant."""
    page = LivePage(browser, url, width=width, scheme=scheme)
    try:
        yield page
        unmeant = [told for told in page.complaints if not any(part in told for part in fine)]
        assert not unmeant, unmeant
    finally:
        page.close()
