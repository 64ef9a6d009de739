"""The pictures of the live page in docs/pictures/: `python -m scripts.pictures [NAME …] [--out docs/pictures]`.

Runs the demo, eight peers of which two are poisoners, opens its page in Chromium while it goes on and afterwards, and then
a small one with a judge that lies, for a picture of a finding. `dev` extra; takes some minutes.
"""

import argparse
import contextlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from ledger.errors import SetupError
from node.operating.printing import say
from tests.support.live_page import IS_SHOWN, launch_chromium

ROOT: Final = Path(__file__).resolve().parents[1]
LIAR: Final = (
    "--task", "digits", "--samples", "100", "--peers", "4", "--poisoners", "1", "--rounds", "3", "--degree", "3",
    "--attack", "false-verdict",
)  # fmt: skip
_MARGIN: Final = 14
# What comes next on the page is close below.
_MARGIN_BELOW: Final = 4
_COLOURS: Final = 128
_SCALE: Final = 1.5
# Some seats have an update in, and others are waited for.
_IN_A_ROUND: Final = """() => {
  const signs = (word) => document.querySelectorAll(`main .cell.${word}`).length;
  return signs("waited") >= 2 && signs("committed") >= 2 && document.querySelector(".phase")?.textContent !== "";
}"""


@dataclass(frozen=True)
class Picture:
    """One file."""

    name: str
    """Without `.png`."""
    view: str
    """The page's hash."""
    first: str
    """What is at the top of it, as a selector."""
    last: str
    """What is at the bottom."""
    width: int = 1000
    """Of the window, pixels."""
    scheme: Literal["light", "dark"] = "light"
    """By day or by night."""
    button: str = ""
    """Is pressed before, as far as it is there: what a button says."""


NOW: Final = Picture("now", "#/now", "header", "main .grid")
OF_THE_TRIAL: Final = (
    Picture("round", "#/rounds/5", "h3:has-text('Who accepted whom')", ".timeline-place", width=800),
    Picture("reputation", "#/reputation?seats=0,6,7", "h1", ".plot-place"),
    Picture("distances", "#/distances/0/7", "h1", ".plot-place", scheme="dark"),
    Picture("exclusion", "#/seats/7", "h2:has-text('Why it stands')", ".steps"),
    Picture("provenance", "#/provenance", "h1", "main svg >> nth=0", button="Make the account"),
)
OF_THE_LIAR: Final = (Picture("finding", "#/findings", "h2:has-text('Findings')", ".card >> nth=0"),)


def main() -> None:
    """Take them all, or those named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    names = [one.name for one in (NOW, *OF_THE_TRIAL, *OF_THE_LIAR)]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; without any all of them")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/pictures")
    options = parser.parse_args()
    if unknown := set(options.names) - set(names):
        parser.error(f"there is no picture {', '.join(sorted(unknown))}: choose from {', '.join(names)}")
    wanted = options.names or names
    options.out.mkdir(parents=True, exist_ok=True)
    trial = [one for one in OF_THE_TRIAL if one.name in wanted]
    liar = [one for one in OF_THE_LIAR if one.name in wanted]
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        if trial or NOW.name in wanted:
            with running() as demo:
                if NOW.name in wanted:
                    take(browser, demo.url, NOW, options.out, until=_IN_A_ROUND)
                demo.wait_finished()
                for one in trial:
                    take(browser, demo.url, one, options.out)
        if liar:
            with running(*LIAR) as demo:
                demo.wait_finished()
                for one in liar:
                    take(browser, demo.url, one, options.out)
        browser.close()


@dataclass(frozen=True)
class Demo:
    """A demo under way, with its page."""

    process: "subprocess.Popen[str]"
    """Prints, and stays until it is interrupted."""
    url: str
    """The page's address, with a slash at the end."""

    def wait_finished(self) -> None:
        """Until it has been audited, and only the page is left."""
        read_until(self.process, "stays open")


@contextlib.contextmanager
def running(*options: str) -> Iterator[Demo]:
    """`folkmoot demo --watch` while the body runs."""
    with tempfile.TemporaryDirectory() as place:
        command: Sequence[str] = ("demo", "--watch", "--folder", f"{place}/run", *options)
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "node.cli.main", *command], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        try:
            yield Demo(process, read_until(process, "page ").split()[1])
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=120)


def read_until(process: "subprocess.Popen[str]", word: str) -> str:
    """The next line with this in it. Raises SetupError where the demo ends before."""
    assert process.stdout is not None
    for line in process.stdout:
        say(line.rstrip())
        if word in line:
            return line
    raise SetupError("the demo ended: see what it wrote above")


def take(browser: Browser, url: str, picture: Picture, folder: Path, until: str = "() => true") -> None:
    """Open the view, wait until all of it is there, and keep the part that shows the point."""
    context = browser.new_context(
        viewport={"width": picture.width, "height": 900}, color_scheme=picture.scheme, device_scale_factor=_SCALE
    )
    context.set_default_timeout(300_000)
    page = context.new_page()
    page.goto(f"{url}{picture.view}")
    page.wait_for_function(IS_SHOWN)
    press = page.get_by_role("button", name=picture.button)
    if picture.button and press.count():
        press.first.click()
    page.locator(picture.last).first.wait_for()
    page.wait_for_function(until)
    path = folder / f"{picture.name}.png"
    page.screenshot(path=path, full_page=True, animations="disabled")
    part = find_part(page, picture)
    context.close()
    with Image.open(path) as whole:
        whole.crop(part).convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    say(f"picture   {path}: {path.stat().st_size:,} bytes")


def find_part(page: Page, picture: Picture) -> tuple[int, int, int, int]:
    """From the first to the last element, over the window's whole width: left, top, right, bottom, as `crop` takes it."""
    first, last = (page.locator(one).first.bounding_box() for one in (picture.first, picture.last))
    assert first is not None
    assert last is not None
    top = max(0.0, first["y"] - _MARGIN)
    bottom = last["y"] + last["height"] + _MARGIN_BELOW
    return 0, round(top * _SCALE), round(picture.width * _SCALE), round(bottom * _SCALE)


if __name__ == "__main__":
    main()
