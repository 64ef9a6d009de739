"""Every log line of ledger/ and node/ is an event in plain words, then its fields (`node/operating/logs.py`)."""

import ast
import re

import pytest

from tests.support.log_calls import CALLS, MODULES, ROOT, find_log_calls

FIELD = r" [a-z][a-z_]*=%[.\d]*[dfgrs]"
FORM = re.compile(rf"[a-z][a-z' -]*(, [a-z][a-z' -]*)*({FIELD})*")
FREE_TEXT = {"reason", "fault", "says"}


def find_faults(source: str) -> list[str]:
    """What is wrong with the log lines of a module's source, one sentence each."""
    return [f"line {call.lineno}: {fault}" for call in find_log_calls(ast.parse(source)) if (fault := _fault(call))]


def _fault(call: ast.Call) -> str | None:
    assert isinstance(call.func, ast.Attribute)
    first = CALLS[call.func.attr]
    form = call.args[first] if len(call.args) > first else None
    if not isinstance(form, ast.Constant) or not isinstance(form.value, str):
        return "no constant says the event"
    if not FORM.fullmatch(form.value):
        return f"not an event and its fields: {form.value!r}"
    names = re.findall(r" ([a-z_]+)=", form.value)
    if len(names) != len(call.args) - first - 1:
        return f"as many values as fields: {form.value!r}"
    if len(set(names)) < len(names) or FREE_TEXT & set(names[:-1]):
        return f"a field once, free text last: {form.value!r}"
    return None


def test_a_log_line_is_an_event_and_its_fields() -> None:
    found = {str(path.relative_to(ROOT)): find_faults(path.read_text()) for path in MODULES}
    assert {path: faults for path, faults in found.items() if faults} == {}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('_log.info("linked peer=%s links=%d", peer, links)', None),
        ('_log.log(level, "update withheld, asking again in_s=%.1f reason=%s", pause_s, error)', None),
        ('_log.info(f"linked {peer}")', "no constant"),
        ("_log.warning(says)", "no constant"),
        ('_log.info("Linked peer=%s", peer)', "not an event"),
        ('_log.info("linked to %s", peer)', "not an event"),
        ('_log.info("linked peer=%s: at last", peer)', "not an event"),
        ('_log.info("linked peer=%s at last", peer)', "not an event"),
        ('_log.log(level, "gossip.linked peer=%s", peer)', "not an event"),
        ('_log.info("peer=%s", peer)', "not an event"),
        ('_log.info("linked peer=%s")', "as many"),
        ('_log.info("lost reason=%s peer=%s", error, peer)', "free text last"),
        ('_log.info("linked peer=%s peer=%s", peer, peer)', "once"),
        ('logging.getLogger("node").debug("Crashed")', "not an event"),
    ],
)
def test_what_is_no_such_line_is_found(line: str, fault: str | None) -> None:
    found = find_faults(line)
    assert found == [] if fault is None else len(found) == 1 and fault in found[0]


def test_there_are_lines_to_read() -> None:
    assert sum(len(list(find_log_calls(ast.parse(path.read_text())))) for path in MODULES) > 80
