"""The audit behind the page: what is taken from it as it goes, and what becomes of it where it fails."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from node.cli.audit_lines import make_fields
from node.operating.figures import dump_json
from node.watch import audit_watch
from node.watch.audit_watch import AuditWatch, make_audit, make_no_audit, make_reported
from node.watch.background import Command, Ending
from node.watch.report_reading import decode_report
from tests.support.audit_reports import liars


class Spoken:
    """In the place of a process: says what it is told to."""

    started: "list[Spoken]" = []  # noqa: RUF012  (one list, emptied by the fixture)

    def __init__(self, command: Command, tell: Any, end: Any) -> None:
        self.command, self.tell, self.end = command, tell, end
        self.is_closed = False
        self.started.append(self)

    def say(self, **said: Any) -> None:
        self.tell(json.dumps(said).encode() + b"\n")

    def report(self, *seats: int) -> None:
        self.say(report=json.loads(dump_json(make_fields(liars(*seats), made_s=0.0))))

    def close(self) -> None:
        self.is_closed = True


class Timer:
    """In the place of a `threading.Timer`: rings when the test says so."""

    rung: "list[Timer]" = []  # noqa: RUF012  (one list, emptied by the fixture)

    def __init__(self, seconds: float, ring: Any) -> None:
        self.seconds, self.ring, self.is_cancelled, self.daemon = seconds, ring, False, False

    def start(self) -> None:
        self.rung.append(self)

    def cancel(self) -> None:
        self.is_cancelled = True


@pytest.fixture(name="audit")
def _audit(monkeypatch: pytest.MonkeyPatch) -> AuditWatch:
    Spoken.started, Timer.rung = [], []
    monkeypatch.setattr(audit_watch, "BackgroundCommand", Spoken)
    monkeypatch.setattr("threading.Timer", Timer)
    return make_audit(Command(("audit", "--contract", "0x11")), is_followed=True)


def test_what_it_says_is_shown_as_it_goes(audit: AuditWatch) -> None:
    changes: list[int | None] = []
    audit.on_change = lambda: changes.append(audit.count)
    audit.start()
    (running,) = Spoken.started
    assert running.command.arguments[:4] == ("audit", "--contract", "0x11", "--follow")
    assert {"--json-lines", "--cache", "--jobs"} <= set(running.command.arguments)
    running.say(progress={"done": 1, "total": 60})
    assert (audit.state.state, audit.state.progress, audit.count) == ("working", (1, 60), None)
    running.report(3)
    assert (audit.state.progress, audit.count) == (None, 35)
    running.say(note="audit: up to block 9, round 60: 35 findings so far; waiting for the next round to settle")
    assert audit.state.says.startswith("up to block 9")
    running.report()
    assert audit.count == 0
    assert changes == [None, 35, 35, 0]
    running.end(Ending(0, ""))
    assert audit.state.state == "done"


@pytest.mark.parametrize(
    "line", [b"\n", b"[]\n", b'{"report": {}}\n', b'{"progress": {"done": "x"}}\n', b'{"progress": 3}\n']
)
def test_words_that_are_none_take_nothing_away(audit: AuditWatch, line: bytes) -> None:
    audit.start()
    Spoken.started[0].report(3)
    before = audit.state
    Spoken.started[0].tell(line)
    assert audit.state == before


def test_one_that_fails_is_tried_again_later_and_later_and_keeps_what_it_had(audit: AuditWatch) -> None:
    audit.start()
    Spoken.started[0].report(3)
    Spoken.started[0].end(Ending(3, "the chain does not answer"))
    assert audit.state.state == "failed"
    assert audit.state.says == "the audit could not go on: the chain does not answer; it begins anew in 30 seconds"
    assert audit.count == 35
    for _ in range(6):
        Timer.rung[-1].ring()
        assert audit.state.state == "working"
        Spoken.started[-1].end(Ending(-9, ""))
    assert [timer.seconds for timer in Timer.rung] == [30, 60, 120, 240, 480, 600, 600]
    Timer.rung[-1].ring()
    Spoken.started[-1].report()
    Spoken.started[-1].end(Ending(3, "gone again"))
    assert Timer.rung[-1].seconds == 30, "it went well in between"


@pytest.mark.parametrize("status", [0, 1])
@pytest.mark.parametrize("seats", [None, (), (3,)])
def test_an_end_without_the_report_that_goes_with_it_is_no_end(
    audit: AuditWatch, status: int, seats: tuple[int, ...] | None
) -> None:
    """A fault of the program exits with 1, as findings do."""
    audit.start()
    if seats is not None:
        Spoken.started[0].report(*seats)
    Spoken.started[0].end(Ending(status, "MemoryError"))
    is_over = seats is not None and status == bool(seats)
    assert audit.state.state == ("done" if is_over else "failed")
    assert is_over or "MemoryError" in audit.state.says


def test_a_newest_report_that_was_not_understood_does_not_let_an_older_one_stand_as_the_last(
    audit: AuditWatch,
) -> None:
    audit.start()
    Spoken.started[0].report()
    Spoken.started[0].tell(b'{"report": {"format": 1}}\n')
    Spoken.started[0].end(Ending(0, ""))
    assert audit.state.state == "failed"
    assert "not understood" in audit.state.says


def test_an_end_of_an_earlier_process_does_not_count_for_the_next(audit: AuditWatch) -> None:
    audit.start()
    Spoken.started[0].report(3)
    Spoken.started[0].end(Ending(3, "gone"))
    Timer.rung[-1].ring()
    Spoken.started[-1].end(Ending(1, "Traceback"))
    assert audit.state.state == "failed"


def test_one_of_a_bundle_that_fails_stays_so() -> None:
    audit = make_audit(Command(("audit", "circle.car")), is_followed=False)
    audit._end(Ending(3, "circle.car is no bundle"))
    assert audit.state.state == "failed"
    assert audit.state.says == "the audit could not be made: circle.car is no bundle"


def test_closing_ends_the_process_and_forgets_what_it_remembered(audit: AuditWatch) -> None:
    audit.start()
    (running,) = Spoken.started
    arguments = running.command.arguments
    folder = Path(arguments[arguments.index("--cache") + 1]).parent
    assert running.command.environment["TMPDIR"] == str(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    running.end(Ending(3, "gone"))
    audit.close()
    assert running.is_closed
    assert Timer.rung[0].is_cancelled
    assert not folder.exists()
    audit.start()
    assert len(Spoken.started) == 1


def test_one_that_cannot_be_begun_is_tried_again(audit: AuditWatch, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(audit_watch, "ScratchFolder", fail)
        audit.start()
    said = "the audit could not go on: it could not be begun: No space left on device; it begins anew in 30 seconds"
    assert (audit.state.state, audit.state.says) == ("failed", said)
    Timer.rung[-1].ring()
    assert len(Spoken.started) == 1
    audit.close()


def test_without_an_audit_nothing_runs() -> None:
    for audit in (
        make_no_audit(),
        make_reported(decode_report(dump_json(make_fields(liars(3))).encode()), "r.json"),
    ):
        audit.start()
        audit.close()
    assert make_no_audit().count is None
    assert audit.count == 35
    assert "r.json" in audit.state.says
