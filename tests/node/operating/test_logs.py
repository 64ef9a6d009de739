"""Log lines: when, in which clock, and how many of them a stranger can cause."""

import logging
import re
import subprocess
import sys
import time

import pytest

from node.operating.log_lines import UtcFormatter
from node.operating.logs import Bound, bound_noise


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(UtcFormatter("%(asctime)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def test_a_line_begins_with_its_time_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    record = logging.LogRecord("a", logging.INFO, "", 0, "said", (), None)
    record.created, record.msecs = 1_700_000_000.25, 250.0
    try:
        monkeypatch.setenv("TZ", "JST-9")
        time.tzset()
        assert UtcFormatter("%(asctime)s %(message)s").format(record) == "2023-11-14T22:13:20.250Z said"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_of_one_kind_a_few_lines_are_written_and_then_how_many_were_not() -> None:
    now, logger, lines = [0.0], logging.getLogger("test.bound"), Lines()
    logger.addHandler(lines)
    logger.propagate = False
    bound = Bound(burst=2, every_s=60.0, clock=lambda: now[0])
    logger.addFilter(bound)
    for at in (0.0, 1.0, 2.0, 59.0, 60.0, 61.0):
        now[0] = at
        try:
            raise OSError("line\nand \x1b[31m" + "x" * 1000)
        except OSError:
            logger.exception("asked by %s", "somebody")
        logger.error("another kind at %d", at)
    asked = [line for line in lines.lines if "asked by" in line]
    assert len(asked) == 4
    assert ["left_out=2" in line for line in asked] == [False, False, True, False]
    assert all("\n" not in line and "\x1b" not in line and len(line) < 500 for line in asked)
    assert "OSError" in asked[0]
    assert len([line for line in lines.lines if "another kind" in line]) == 4, "each kind has its own bound"
    for number in range(1000):
        logger.error(f"kind {number}")
    assert len(bound._kinds) <= 64


def test_noise_is_bounded_once() -> None:
    bound_noise()
    before = [list(logging.getLogger(name).filters) for name in ("aiohttp.server", "asyncio")]
    bound_noise()
    assert [logging.getLogger(name).filters for name in ("aiohttp.server", "asyncio")] == before
    assert all(len([one for one in filters if isinstance(one, Bound)]) == 1 for filters in before)


def test_what_a_command_sets_up_writes_the_time_to_stderr() -> None:
    said = "log_to_stderr('info'); logging.getLogger('node').info('said')"
    program = f"import logging; from node.operating.logs import log_to_stderr; {said}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO node said\n", done.stderr)


def test_a_bug_of_ours_is_told_in_full_and_as_seldom(caplog: pytest.LogCaptureFixture) -> None:
    logger, lines = logging.getLogger("test.bug"), Lines()
    logger.addHandler(lines)
    logger.propagate = False
    logger.addFilter(Bound(burst=1, clock=lambda: 0.0))
    for number in range(3):
        try:
            raise KeyError(number)
        except KeyError:
            logger.exception("handling failed\nof task %d", number)
    assert len(lines.lines) == 1
    assert "Traceback" in lines.lines[0]
