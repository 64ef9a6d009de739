"""What others wrote reaches a terminal on one line, without control over it: from every command, and in logs."""

import ast
import io
import json
import logging
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from ledger.untrusted.text import make_printable
from node.operating import printing
from node.operating.console import CleanConsole
from node.operating.log_lines import UtcFormatter

HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J\x1b[31mAll is well\r\nfolkmoot: never said"
    "\u202eright to left\u2028\x9b1A[bold]b[/bold]:smile:"
)
ROOT = Path(__file__).resolve().parents[3]
# These write: one line of text, tables, log lines. Everything else asks them to.
WRITERS = {"node/operating/printing.py", "node/operating/console.py", "node/operating/logs.py"}


def is_clean(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n")) and "\nfolkmoot: never" not in text


@given(st.text())
def test_any_text_becomes_one_printable_line_of_bounded_length(text: str) -> None:
    assert make_printable(text, 50).isprintable()
    assert len(make_printable(text, 50)) <= 50


def test_plain_text_stays_as_it_is_and_what_is_left_out_is_seen() -> None:
    assert make_printable("größer than 5 – 北京") == "größer than 5 – 北京"
    assert make_printable("a\x1b[2Jb\nc\u202ed\ud800") == r"a\x1b[2Jb\nc\u202ed\ud800"
    assert make_printable("x" * 600) == "x" * 499 + "…"
    assert make_printable("\n" * 600, 10) == r"\n\n\n\n\n"[:9] + "…"


def test_lines_cautions_and_complaints_are_clean(capsys: pytest.CaptureFixture[str]) -> None:
    printing.say(HOSTILE)
    printing.say_lines("| one |\n| " + HOSTILE.replace("\n", "") + " |\n")
    printing.caution(HOSTILE)
    printing.complain(HOSTILE)
    out, err = capsys.readouterr()
    assert is_clean(out)
    assert is_clean(err)
    assert "[bold]" in out
    # A line break of the table's own is one; those in what others wrote are not.
    assert out.count("\n") == 3


def test_json_is_one_line_of_ascii_and_null_for_what_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    printing.say_json(
        {"said": HOSTILE, "figures": [float("nan"), float("inf"), 1.5], "inner": {"x": -float("inf")}}
    )
    out = capsys.readouterr().out
    assert out.isascii()
    assert is_clean(out)
    assert json.loads(out) == {"said": HOSTILE, "figures": [None, None, 1.5], "inner": {"x": None}}


@pytest.mark.parametrize("is_terminal", [True, False])
def test_tables_and_texts_are_clean_and_markup_is_text(is_terminal: bool) -> None:
    console = CleanConsole()
    console.file, console._force_terminal, console._width = io.StringIO(), is_terminal, 200
    table = Table("name", title=HOSTILE)
    table.add_row(HOSTILE)
    table.add_row(Text(HOSTILE, "red"))
    console.print(table)
    console.print(HOSTILE)
    console.print(Text(HOSTILE))
    said = console.file.getvalue()
    # The console's own colours are escapes, and the only ones.
    for own in ("\x1b[0m", "\x1b[1m", "\x1b[3m", "\x1b[31m"):
        said = said.replace(own, "")
    assert "\x1b" not in said.replace(r"\x1b", "")
    assert not {"\x07", "\x9b", "\r", "\u202e", "\u2028"} & set(said)
    assert "[bold]b[/bold]:smile:" in said.replace("\n", "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_table_is_shown_on_a_terminal_that_cannot_spell_it(encoding: str) -> None:
    console, raw = CleanConsole(), io.BytesIO()
    console.file = io.TextIOWrapper(raw, encoding, write_through=True)
    console.print(Text("at 北京: …"))
    assert raw.getvalue() == rb"at \u5317\u4eac: \u2026" + b"\n"


def test_a_table_whose_reader_has_gone_ends_no_command() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    console = CleanConsole()
    with open(writing, "w") as console.file:
        console.print("one line")
        console.print("another")


@pytest.mark.parametrize("has_fault", [True, False])
def test_log_lines_are_clean_and_hold_no_credentials(has_fault: bool) -> None:
    url = "https://user:S3cret@node.example/"
    try:
        raise ValueError(f"{HOSTILE} {url}")
    except ValueError as error:
        fault = (type(error), error, error.__traceback__)
    record = logging.LogRecord(
        "ledger", 30, "", 0, "asked url=%s said=%s", (url, HOSTILE), fault if has_fault else None
    )
    line, *more = UtcFormatter().format(record).split("\n")
    assert line.isprintable()
    assert "https://…@node.example/" in line
    assert all(one.startswith("    ") and one.isprintable() for one in more)
    assert bool(more) == has_fault
    assert "S3cret" not in line + "".join(more)


def test_nothing_else_writes_to_a_terminal() -> None:
    """A sweep over all code that commands run: no print, no console and no stream but through these modules."""
    found = []
    for path in [*ROOT.glob("node/**/*.py"), *ROOT.glob("ledger/**/*.py")]:
        name = path.relative_to(ROOT).as_posix()
        if name in WRITERS:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and writes(node):
                found.append(f"{name}:{node.lineno}")
    assert found == []


def writes(call: ast.Call) -> bool:
    if isinstance(call.func, ast.Name):
        return call.func.id in ("print", "Console", "pprint")
    if isinstance(call.func, ast.Attribute):
        is_stream = ast.unparse(call.func.value) in ("sys.stdout", "sys.stderr", "traceback", "rich")
        return is_stream and call.func.attr.startswith(("write", "print"))
    return False
