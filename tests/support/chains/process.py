"""A chain running as a process of its own, started and ended by a test: what our chain and Anvil have in common."""

import itertools
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from node.demo.nursery import ForkedProcess
from tests.support.warm_start import nursery

READY_S = 60.0
ANSWER_S = 60.0
_POLL_S = 0.02
_START_ATTEMPTS = 3


class RpcFailure(Exception):
    """The chain answered with an error object. code: JSON-RPC's; data: what came with it, or None."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error.get("message")))
        self.code, self.data = error.get("code"), error.get("data")


class ChainProcess:
    """One node: `command(port)` says how to start it. Starts on construction; a free port, kept over restarts.

    keys: private keys of funded accounts, 0x-prefixed hex. folder: where its files and its output go. is_warm: the
    command is one for a warm start.
    """

    def __init__(
        self,
        name: str,
        command: Callable[[int], Sequence[str]],
        keys: Sequence[str],
        chain_id: int,
        folder: Path,
        *,
        is_warm: bool = False,
    ) -> None:
        self.name, self.keys, self.chain_id, self.folder = name, list(keys), chain_id, folder
        self._command, self._is_warm, self._ids = command, is_warm, itertools.count(1)
        self._process: subprocess.Popen[bytes] | ForkedProcess | None = None
        for attempt in range(1, _START_ATTEMPTS + 1):
            self._port = free_port()
            try:
                self.start()
                break
            except OSError:
                # Somebody else may have taken the port in between.
                if attempt == _START_ATTEMPTS:
                    raise

    @property
    def url(self) -> str:
        """Of JSON-RPC over HTTP."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def ws_url(self) -> str:
        """Of JSON-RPC over WebSocket."""
        return f"ws://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers. Raises OSError with the end of its output if it does not."""
        assert self._process is None
        with (self.folder / "output.txt").open("ab") as output:
            start = nursery().start if self._is_warm else _start_cold
            self._process = start(
                self._command(self._port),
                stdout=output,
                stderr=output,
                env={**os.environ, "HOME": str(self.folder)},
                cwd=self.folder,
            )
        deadline = time.monotonic() + READY_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise OSError(f"{self.name} did not start: {self.output()[-2000:]}")
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """End it in order (SIGTERM) and wait."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once (SIGKILL) and wait."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it if it runs and start it again on the same port with the same files."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Let it hang (SIGSTOP): it takes connections and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)
        # Its last thread may still answer something until the whole process is stopped.
        if isinstance(self._process, ForkedProcess):
            self._process.wait_stopped()
        else:
            os.waitid(os.P_PID, self.pid, os.WSTOPPED)

    def resume(self) -> None:
        """Let a paused one go on."""
        os.kill(self.pid, signal.SIGCONT)

    def output(self) -> str:
        """What it printed so far."""
        return (self.folder / "output.txt").read_text(errors="replace")

    def post(self, body: bytes, timeout_s: float = ANSWER_S) -> tuple[int, bytes]:
        """Raw HTTP. Returns status and body. Raises OSError if nobody answers."""
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def rpc(self, method: str, *params: Any) -> Any:
        """The result of one call. Raises RpcFailure if the chain refuses, OSError if it does not answer."""
        call = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        _, body = self.post(json.dumps(call).encode())
        answer = json.loads(body)
        if "error" in answer:
            raise RpcFailure(answer["error"])
        return answer["result"]

    def receipt(self, transaction_hash: str, timeout_s: float = ANSWER_S) -> Any:
        """The receipt of a transaction, once it is mined."""
        deadline = time.monotonic() + timeout_s
        while (receipt := self.rpc("eth_getTransactionReceipt", transaction_hash)) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{transaction_hash} was not mined in {timeout_s} s")
            time.sleep(_POLL_S)
        return receipt

    def _is_ready(self) -> bool:
        try:
            # The answer must come from this chain, not from whoever else may hold the port.
            return int(self.rpc("eth_chainId"), 16) == self.chain_id
        except (OSError, ValueError, KeyError):
            return False

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(number)
        try:
            process.wait(READY_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(READY_S)


def _start_cold(command: Sequence[str], **options: Any) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
