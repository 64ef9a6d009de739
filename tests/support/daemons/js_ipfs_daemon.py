"""js-ipfs as a process of its own: a daemon with the RPC API that Kubo has, /api/v0, on loopback."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ledger.blobs.cid import parse_cid
from ledger.fetch.daemon_address import parse_daemon_api
from tests.support.chains.process import free_port
from tests.support.daemons.installing import find_js_ipfs

_READY_S = 60.0


class JsIpfs:
    """One daemon. It keeps its port and its repository over restarts."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.folder, self._command = folder, command
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.api, self.swarm = "", ""

    def start(self) -> None:
        """Start it and wait until it listens."""
        assert self._process is None
        self.folder.mkdir(parents=True, exist_ok=True)
        # A killed one leaves its lock, which holds for ten seconds more.
        shutil.rmtree(self.folder / "repo" / "repo.lock", ignore_errors=True)
        with (self.folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, str(self.folder / "repo"), str(self._port)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "HOME": str(self.folder), "NODE_NO_WARNINGS": "1"},
                cwd=Path(self._command[-1]).parent,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.kill()
            raise OSError(f"js-ipfs did not start: {(self.folder / 'log.txt').read_text()[-2000:]}")
        where = json.loads(line)
        # js-ipfs may name all of the machine's addresses; nobody but this machine is to come.
        self.api, self.swarm = where["api"], next(one for one in where["swarm"] if "/ip4/127.0.0.1/" in one)

    def kill(self) -> None:
        """End it at once and wait."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait(_READY_S)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def pause(self) -> None:
        """Let it hang: it takes connections and answers nothing."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    async def call(self, command: str, data: bytes | None = None, **query: str) -> Any:
        """One call of its API, read as JSON where it is, else the bytes. data: a file to go with it."""
        form = None if data is None else aiohttp.FormData()
        if form is not None and data is not None:
            form.add_field("file", BytesIO(data), filename="blob")
        url = parse_daemon_api(self.api).joinpath(*command.split("/"))
        async with aiohttp.ClientSession() as session, session.post(url, params=query, data=form) as response:
            body = await response.read()
            if response.status != 200:
                raise OSError(f"{command}: status {response.status} {body[:300]!r}")
        try:
            return json.loads(body)
        except ValueError:
            return body

    async def list_pins(self) -> set[str]:
        """The CIDs of all recursive pins, in base32."""
        return {parse_cid(text).text for text in (await self.call("pin/ls", type="recursive"))["Keys"]}


@contextmanager
def js_ipfs(folder: Path) -> Iterator[JsIpfs]:
    """Run a daemon while the body runs. Skips the test where it is not to be had (fails it if CI=true)."""
    try:
        command = find_js_ipfs()
    except (OSError, subprocess.SubprocessError) as error:
        refuse("js-ipfs", error)
    daemon = JsIpfs(command, folder)
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.kill()


def refuse(what: str, error: Exception) -> None:
    """End a test whose real part is missing: skipped here, failed in continuous integration."""
    reason = f"no {what} here: {error}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
