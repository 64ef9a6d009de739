"""The audit behind the page: the program's own, in a process of its own, whose reports are taken as they come."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

from node.operating.wording import format_duration
from node.watch.background import BackgroundCommand, Command, Ending
from node.watch.report_reading import BadReport, ReadReport, decode_report, split_line
from node.watch.scratch import ScratchFolder

_log = logging.getLogger(__name__)
_AGAIN_S: Final = 30.0
_AGAIN_MAX_S: Final = 600.0
_CLEAN, _FOUND = 0, 1

State = Literal["off", "working", "done", "failed", "report"]


@dataclass(frozen=True)
class AuditState:
    """Where the audit is."""

    state: State
    """off: there is none. working: it goes on. done: it is over. failed: it could not be made. report: it was made
    elsewhere, and is shown as it is."""
    says: str
    """A sentence for people."""
    progress: tuple[int, int] | None = None
    """Rounds gone through, and how many there are; None where nothing is being gone through."""
    found: ReadReport | None = None
    """The newest whole report; None before the first."""
    version: int = 0
    """Rises with every change."""


class AuditWatch:
    """One audit. Any thread may read `state`, which is replaced as a whole.

    on_change: called after each change, in any thread.
    """

    def __init__(self, state: AuditState, command: Command | None = None, *, is_followed: bool = False) -> None:
        """command: of the audit, without how it is told of; None for none.

        is_followed: of a circle that goes on, so that it is tried again where it fails.
        """
        self.state = state
        self.on_change: Callable[[], None] = lambda: None
        self._command, self._is_followed = command, is_followed
        self._lock = threading.Lock()
        self._running: BackgroundCommand | None = None
        self._timer: threading.Timer | None = None
        self._scratch: ScratchFolder | None = None
        self._pause_s, self._is_closed = _AGAIN_S, False
        # Of the process that runs now: the exit status that goes with its newest report, and what was no report.
        self._due: int | None = None
        self._misheard = ""

    @property
    def count(self) -> int | None:
        """How many findings the newest report has; None where there is none."""
        found = self.state.found
        return None if found is None else len(found.report.findings)

    def start(self) -> None:
        """Begin, where there is anything to do."""
        if self._command is None:
            return
        try:
            self._begin(self._command)
        except OSError as error:
            # No room on the disk, or too many processes: as an audit that failed at once.
            self._end(Ending(-1, f"it could not be begun: {error.strerror or error}"))

    def _begin(self, command: Command) -> None:
        """Raises OSError."""
        with self._lock:
            if self._is_closed:
                return
            self._due, self._misheard = None, ""
            self._scratch = self._scratch or ScratchFolder()
            # Its temporary files lie there too: who kills this process leaves it no time to remove them.
            scratch = str(self._scratch.path)
            command = Command(command.arguments, {**command.environment, "TMPDIR": scratch})
            if self._is_followed:
                command = command.extend("--follow", "--cache", f"{scratch}/cache")
            self._running = BackgroundCommand(command.extend("--json-lines", "--jobs", "1"), self._hear, self._end)

    def close(self) -> None:
        """End it, and forget what it remembered."""
        with self._lock:
            self._is_closed = True
            running, timer = self._running, self._timer
        if timer is not None:
            timer.cancel()
        if running is not None:
            running.close()
        if self._scratch is not None:
            self._scratch.remove()
            self._scratch = None

    def _hear(self, line: bytes) -> None:
        try:
            kind, value = split_line(line)
            if kind == "report":
                self._take_report(decode_report(value))
            elif kind == "progress":
                self._change(progress=(int(value["done"]), int(value["total"])))
            elif kind == "note":
                self._change(says=str(value).removeprefix("audit: "), progress=None)
        except (BadReport, KeyError, TypeError, ValueError) as error:
            # This program's own words: whatever is wrong with them is no reason to show nothing any more.
            _log.error("audit not understood reason=%s", error)
            self._due, self._misheard = None, f"what it said was not understood: {error}"

    def _take_report(self, found: ReadReport) -> None:
        self._pause_s = _AGAIN_S
        self._due, self._misheard = _CLEAN if found.report.clean else _FOUND, ""
        self._change(found=found, progress=None)

    def _end(self, ending: Ending) -> None:
        # A status alone is no end: whatever breaks off with a fault of the program has that of findings.
        if ending.status == self._due:
            over = "the circle is over, and so is its audit" if self._is_followed else "the bundle is audited"
            self._change(state="done", says=over, progress=None)
            return
        why = self._misheard or ending.said or f"it ended with status {ending.status}"
        if not self._is_followed:
            self._change(state="failed", says=f"the audit could not be made: {why}", progress=None)
            return
        again = f"it begins anew in {format_duration(self._pause_s)}"
        self._change(state="failed", says=f"the audit could not go on: {why}; {again}", progress=None)
        with self._lock:
            if not self._is_closed:
                self._timer = threading.Timer(self._pause_s, self._begin_anew)
                self._timer.daemon = True
                self._timer.start()
        self._pause_s = min(2 * self._pause_s, _AGAIN_MAX_S)

    def _begin_anew(self) -> None:
        self._change(state="working", says="the audit begins anew")
        self.start()

    def _change(self, **fields: object) -> None:
        self.state = replace(self.state, version=self.state.version + 1, **fields)  # type: ignore[arg-type]  # fields of AuditState
        self.on_change()


def make_no_audit() -> AuditWatch:
    """Of `--no-audit`."""
    return AuditWatch(
        AuditState("off", "this page runs no audit: `folkmoot audit` does, and so does a page without --no-audit")
    )


def make_reported(found: ReadReport, name: str) -> AuditWatch:
    """Of `--report`. name: the file's."""
    says = f"the report in {name}, as it was made; this page audits nothing itself"
    return AuditWatch(AuditState("report", says, found=found))


def make_audit(command: Command, *, is_followed: bool) -> AuditWatch:
    """One that is to run. command: `audit` and what it is of. is_followed: of a circle that goes on."""
    return AuditWatch(AuditState("working", "the audit begins"), command, is_followed=is_followed)
