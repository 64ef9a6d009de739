"""A real Chromium that opens a page from a file, as whoever keeps a report does; driven by its own protocol."""

import asyncio
import base64
import itertools
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE_S = 60.0


def find_chromium() -> str:
    """Its path. Skips the test, or fails it if CI=true, where there is none: it comes with the system."""
    path = os.environ.get("FOLKMOOT_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        reason = "no Chromium here: install the package chromium, or set FOLKMOOT_CHROMIUM to its path"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


class Browser:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._numbers = socket, itertools.count(1)
        self.requests: list[str] = []
        """Addresses that the page asked for, its own included."""
        self.complaints: list[str] = []
        """What the browser wrote to its console: errors, and what the policy forbade."""

    async def send(self, method: str, **parameters: Any) -> Any:
        """One call of the protocol, and its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            told = await asyncio.wait_for(self._socket.receive_json(), _PATIENCE_S)
            if told.get("id") == number:
                assert "error" not in told, told
                return told["result"]
            self._note(told)

    def _note(self, told: dict[str, Any]) -> None:
        match told.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(told["params"]["request"]["url"])
            case "Log.entryAdded":
                self.complaints.append(told["params"]["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(told["params"]["exceptionDetails"]))

    async def open(self, page: Path, width: int = 1200) -> None:
        """Load a file, and wait until it is there."""
        for domain in ("Page", "Network", "Log", "Runtime", "DOM"):
            await self.send(f"{domain}.enable")
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        await self.send("Emulation.setDeviceMetricsOverride", **size)
        await self.send("Page.navigate", url=page.as_uri())
        await self.wait_for("document.readyState === 'complete' && location.protocol === 'file:'")

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page."""
        found = await self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        return found["result"].get("value")

    async def wait_for(self, expression: str) -> Any:
        """Its value, once that is true."""
        async with asyncio.timeout(_PATIENCE_S):
            while not (found := await self.evaluate(expression)):  # noqa: ASYNC110 - the page tells nobody
                await asyncio.sleep(0.05)
        return found

    async def choose_file(self, selector: str, path: Path) -> None:
        """As a person does with the file input that a selector names."""
        root = await self.send("DOM.getDocument")
        node = await self.send("DOM.querySelector", nodeId=root["root"]["nodeId"], selector=selector)
        await self.send("DOM.setFileInputFiles", nodeId=node["nodeId"], files=[str(path)])

    async def take_picture(self, path: Path) -> None:
        """Of the whole page, PNG."""
        found = await self.send("Page.captureScreenshot", captureBeyondViewport=True)
        await asyncio.to_thread(path.write_bytes, base64.b64decode(found["data"]))

    async def print_page(self, path: Path) -> None:
        """As PDF, A4."""
        found = await self.send("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, preferCSSPageSize=True)
        await asyncio.to_thread(path.write_bytes, base64.b64decode(found["data"]))


@asynccontextmanager
async def run_browser(folder: Path) -> AsyncIterator[Browser]:
    """A browser while the body runs, with its profile in a folder. Skips without Chromium."""
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0"]
    process = await asyncio.create_subprocess_exec(
        find_chromium(), *options, f"--user-data-dir={folder}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        port = await _read_port(folder / "DevToolsActivePort")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                tab = next(one for one in await answer.json() if one["type"] == "page")
            async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Browser(socket)
    finally:
        process.terminate()
        await process.wait()


async def _read_port(path: Path) -> int:
    async with asyncio.timeout(_PATIENCE_S):
        while (port := await asyncio.to_thread(_find_port, path)) is None:  # noqa: ASYNC110 - it is a file
            await asyncio.sleep(0.05)
    return port


def _find_port(path: Path) -> int | None:
    """None until the file is written whole: the port, and a line behind it."""
    lines = path.read_text().splitlines() if path.exists() else []
    return int(lines[0]) if len(lines) > 1 else None
