"""A real Kubo for tests: it speaks bitswap on loopback, and is told what to do without an RPC API."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.daemons.installing import find_kubo
from tests.support.daemons.js_ipfs_daemon import refuse

_PROGRAM = Path(__file__).parent / "kubo_program.py"
_END_S = 60.0


class KuboNode:
    """One Kubo, until the body of `kubo` ends."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._take()

    def connect(self, address: str) -> None:
        """To the peer at a multiaddr with its ID."""
        assert self._ask("connect", address) >= 0, f"Kubo does not reach {address}"

    def download(self, cid: str, path: Path) -> bytes:
        """The file with this CID, from its peers where it is not here."""
        assert self._ask("download", cid, str(path)) >= 0, f"Kubo does not get {cid}"
        return path.read_bytes()

    def pin(self, cid: str) -> None:
        """Fetch all of it, and keep it."""
        assert self._ask("pin", cid) >= 0, f"Kubo does not pin {cid}"

    @property
    def address(self) -> str:
        """Where others reach it: a multiaddr on loopback with its ID."""
        places = json.loads(self._ask("addresses"))
        return f"{places[0]}/p2p/{self._ask('id').removeprefix('ID:')}"

    def _ask(self, *command: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._take()

    def _take(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "Kubo ended"
        return json.loads(line)


@contextmanager
def kubo(folder: Path) -> Iterator[KuboNode]:
    """Run a Kubo while the body runs. Skips the test where it is not to be had (fails it if CI=true)."""
    try:
        library = find_kubo()
    except (OSError, subprocess.SubprocessError) as error:
        refuse("Kubo", error)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(_PROGRAM), str(library), str(folder / "repo")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "HOME": str(folder)},
            # It writes its log where it runs.
            cwd=folder,
        )
    try:
        yield KuboNode(process)
    finally:
        process.kill()
        process.wait(_END_S)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
