"""Tells a tracker figures and never waits for it longer than agreed."""

import json
import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from math import isfinite
from types import TracebackType
from typing import Any, Final

from ledger.untrusted.text import make_printable
from node.tracking.destination import Destination

_log = logging.getLogger(__name__)

_NAME_MAX: Final = 80
_FIGURES_MAX: Final = 200
_REASON_MAX: Final = 300
_SETTING_MAX: Final = 200
_PIPE_BYTES: Final = 1 << 20
# What every tracker takes in a name.
_PUNCTUATION: Final = "_-. /"
# A tracker's process knows of this one's environment what finds programs and reaches a server.
_INHERITED: Final = (
    *(
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "TMPDIR",
        "PYTHONPATH",
        "VIRTUAL_ENV",
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
    ),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"),
)
WRITER: Final = ("-m", "node.tracking.writer")


class Tracker:
    """One tracker's process. Trouble with it is one line in the log, and figures are lost; nothing is raised."""

    def __init__(
        self,
        destination: Destination,
        *,
        patience_s: float = 0.0,
        end_patience_s: float = 5.0,
        writer: tuple[str, ...] = WRITER,
    ) -> None:
        """patience_s: wait so long where the tracker is behind; end_patience_s: for it to end, before it is killed.

        writer: what Python runs.
        """
        self._patience_s, self._end_patience_s, self._kind = patience_s, end_patience_s, destination.kind
        self._is_lost = False
        self._rest = b""
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, *writer],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={name: os.environ[name] for name in _INHERITED if name in os.environ},
                # A signal from the terminal ends what is tracked, and what was told is still written down.
                start_new_session=True,
            )
        except OSError as error:
            self._lose(str(error))
            return
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
        _widen(self._process)
        self._tell({"kind": destination.kind, "place": destination.place})

    def start_run(self, name: str, settings: Mapping[str, Any]) -> None:
        """What follows is of this run. settings: what it was started with, texts, numbers or truths."""
        shown = {_clean(key): make_printable(str(value), _SETTING_MAX) for key, value in settings.items()}
        self._tell({"run": _clean(name), "settings": shown})

    def log(self, step: int, figures: Mapping[str, float | None]) -> None:
        """Figures of a round by name; what is no number is left out."""
        found = {
            _clean(name): float(value)
            for name, value in list(figures.items())[:_FIGURES_MAX]
            if value is not None and isfinite(value)
        }
        if found:
            self._tell({"step": step, "figures": found})

    def close(self) -> None:
        """Have what was told written down, as long as that does not take too long."""
        process = self._process
        if process is None:
            return
        if not self._is_lost:
            self._flush(self._end_patience_s)
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.close()
        try:
            status = process.wait(self._end_patience_s)
            if status and not self._is_lost:
                self._lose(self._read_reason())
        except subprocess.TimeoutExpired:
            if not self._is_lost:
                self._lose(f"it did not end within {self._end_patience_s:g} s")
        # What it has started itself goes too.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        self._process = None

    def __enter__(self) -> "Tracker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def _tell(self, message: Mapping[str, Any]) -> None:
        if self._is_lost or self._process is None:
            return
        if self._rest and not self._flush(self._patience_s):
            self._lose("it does not keep up")
            return
        self._rest = json.dumps(message, allow_nan=False).encode() + b"\n"
        self._flush(self._patience_s)

    def _flush(self, patience_s: float) -> bool:
        """Write what is left of the last message; what does not fit now is tried again before the next one."""
        assert self._process is not None
        assert self._process.stdin is not None
        pipe, until = self._process.stdin.fileno(), time.monotonic() + patience_s
        while self._rest and not self._is_lost:
            try:
                self._rest = self._rest[os.write(pipe, self._rest) :]
            except BlockingIOError:
                left = until - time.monotonic()
                if left <= 0 or not select.select([], [pipe], [], left)[1]:
                    return False
            except OSError:
                self._lose(self._read_reason())
        return not self._rest

    def _read_reason(self) -> str:
        """What the process said when it gave up."""
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            said = os.read(self._process.stdout.fileno(), _REASON_MAX)
        except OSError:
            said = b""
        return said.decode(errors="replace").strip() or "its process has ended"

    def _lose(self, reason: str) -> None:
        self._is_lost = True
        _log.warning(
            "tracking given up, its figures are lost from here on tracker=%s reason=%s",
            self._kind,
            make_printable(reason, _REASON_MAX),
        )


def _clean(name: str) -> str:
    return "".join(c if c.isalnum() or c in _PUNCTUATION else "_" for c in make_printable(str(name), _NAME_MAX))


def _widen(process: "subprocess.Popen[bytes]") -> None:
    """Room for some thousand rounds, while the tracker is imported."""
    import fcntl

    assert process.stdin is not None
    with suppress(OSError, AttributeError):
        fcntl.fcntl(process.stdin, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
