"""The two forms of a log line, over every line that the program has."""

import ast
import json
import logging
import re
import subprocess
import sys
from typing import Any

import pytest

from node.operating.log_lines import RESERVED, JsonFormatter, UtcFormatter, split_event
from node.operating.logs import Bound
from tests.support.log_calls import CALLS, MODULES, find_log_calls

HOSTILE = "\x1b[2J\x1b]0;owned\x07gone\r\nfolkmoot: a line that the program never said"
URL = "https://user:S3cret@node.example/"
VALUES: dict[str, Any] = {"d": 7, "f": 2.5, "g": 0.5, "s": f"{URL} {HOSTILE}", "r": f"{URL} {HOSTILE}"}
FORMS = sorted(
    {
        call.args[CALLS[call.func.attr]].value  # type: ignore[attr-defined]
        for path in MODULES
        for call in find_log_calls(ast.parse(path.read_text()))
        if isinstance(call.func, ast.Attribute)
    }
)


def make_record(form: str, *values: Any, level: int = logging.WARNING, fault: Any = None) -> logging.LogRecord:
    return logging.LogRecord("node.gossip", level, "", 0, form, values, fault)


def test_every_line_of_the_program_is_an_object_with_its_fields_typed() -> None:
    assert len(FORMS) > 60
    for form in FORMS:
        pairs = re.findall(r" ([a-z_]+)=%[.\d]*([dfgrs])", form)
        line = JsonFormatter().format(make_record(form, *(VALUES[kind] for _, kind in pairs)))
        assert line.isascii()
        assert line.isprintable()
        assert "S3cret" not in line
        told = json.loads(line)
        assert list(told)[:4] == ["time", "level", "logger", "event"], form
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["time"])
        assert (told["level"], told["logger"]) == ("WARNING", "node.gossip")
        assert told["event"] == form.partition("=")[0].rpartition(" ")[0] if pairs else form
        assert list(told)[4:] == [name for name, _ in pairs], form
        assert not set(RESERVED) & {name for name, _ in pairs}, f"{form}: a field takes a name of the line's own"
        kinds = {"d": int, "f": float, "g": float, "s": str, "r": str}
        assert all(type(told[name]) is kinds[kind] for name, kind in pairs), form


def test_the_two_forms_say_the_same() -> None:
    record = make_record("update unavailable round=%d seat=%d reason=%s", 3, 1, "nobody has it")
    assert (
        UtcFormatter()
        .format(record)
        .endswith(" WARNING node.gossip update unavailable round=3 seat=1 reason=nobody has it")
    )
    told = json.loads(JsonFormatter().format(record))
    assert UtcFormatter().format(record).startswith(told["time"] + " ")
    assert {name: told[name] for name in ("event", "round", "seat", "reason")} == {
        "event": "update unavailable",
        "round": 3,
        "seat": 1,
        "reason": "nobody has it",
    }


def test_what_is_no_number_is_null_and_what_is_long_is_cut() -> None:
    told = json.loads(JsonFormatter().format(make_record("asked in_s=%.1f reason=%s", float("nan"), "x" * 10_000)))
    assert told["in_s"] is None
    assert 500 < len(told["reason"]) <= 1000


@pytest.mark.parametrize("values", [(), ("one",), ("one", "two")])
def test_a_librarys_line_is_one_event_whatever_it_looks_like(values: tuple[str, ...]) -> None:
    form = f"Unclosed connection to {URL} " + "with %s " * len(values)
    record = make_record(form, *values)
    event, fields = split_event(record)
    assert (event, fields) == (record.getMessage(), {})
    told = json.loads(JsonFormatter().format(record))
    assert "https://…@node.example/" in told["event"]


def test_a_fault_brings_its_traceback_without_anybodys_password() -> None:
    try:
        raise ValueError(f"{HOSTILE} {URL}")
    except ValueError as error:
        fault = (type(error), error, error.__traceback__)
    told = json.loads(JsonFormatter().format(make_record("crashed", level=logging.ERROR, fault=fault)))
    assert told["event"] == "crashed"
    assert told["traceback"][0].startswith("Traceback")
    assert all(line.isprintable() and "S3cret" not in line for line in told["traceback"])


def test_how_many_were_left_out_is_a_field_beside_the_others() -> None:
    now, bound = [0.0], Bound(burst=1, every_s=60.0, clock=lambda: now[0])
    records = [make_record("gossip queue full peer=%s drops=%d", "0x11", number) for number in range(4)]
    written = []
    for record in records:
        now[0] += 25.0
        if bound.admits(record):
            written.append(record)
    first, later = (json.loads(JsonFormatter().format(record)) for record in written)
    assert "left_out" not in first
    assert (later["drops"], later["left_out"]) == (3, 2)
    assert UtcFormatter().format(written[1]).endswith("drops=3 left_out=2")


@pytest.mark.parametrize(("form", "is_json"), [([], False), (["--log-format", "json"], True)])
def test_a_commands_last_words_have_the_form_too(form: list[str], is_json: bool, tmp_path: Any) -> None:
    command = [sys.executable, "-m", "node.cli.main", *form, "status", "--circle", str(tmp_path / "none.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    if is_json:
        (told,) = map(json.loads, done.stderr.splitlines())
        assert (told["level"], told["event"]) == ("ERROR", "complaint")
        assert told["says"].endswith("`folkmoot deploy` writes it")
    else:
        assert done.stderr.startswith("folkmoot: ")
