"""The one way to a terminal, with `console` for tables. Whatever a command, a log or a library says goes here.

Endpoints, peers, circles and libraries have strings of their own in what is said. None of them gets to move the
cursor, forge a line or hide text: control characters are written out, and lines have a length.
"""

import os
import sys
import time
from collections.abc import Mapping
from typing import Any, Final, TextIO

from ledger.untrusted.text import make_printable
from node.operating.figures import dump_json
from node.operating.log_lines import make_json_line, show

SAID_MAX: Final = 4000
_ANSWER_MAX: Final = 100
_form: dict[str, bool] = {"json": False}


def speak_json(is_json: bool) -> None:
    """Whether what goes to stderr is one JSON object a line from now on, as log lines are."""
    _form["json"] = is_json


def say(text: str = "") -> None:
    """A line of a result, on stdout, seen at once."""
    _write(sys.stdout, make_printable(text, SAID_MAX))


def say_lines(text: str) -> None:
    """Several lines at once, e.g. a table that the program made."""
    _write(sys.stdout, "\n".join(make_printable(line, SAID_MAX) for line in text.removesuffix("\n").split("\n")))


def say_json(value: Mapping[str, Any]) -> None:
    """One JSON object, a line on stdout; null for figures that are no numbers.

    JSON writes control characters out by itself, and is not cut.
    """
    _write(sys.stdout, dump_json(value))


def caution(sentence: str) -> None:
    """What is not as it should be and ends nothing, on stderr."""
    _complain("WARNING", "caution", sentence, "folkmoot: caution: ")


def say_progress(sentence: str) -> None:
    """How far a command is, on stderr, where no terminal shows a bar."""
    _complain("INFO", "progress", sentence)


def complain(sentence: str) -> None:
    """Why a command ends, on stderr."""
    _complain("ERROR", "complaint", sentence, "folkmoot: ")


def ask(question: str) -> str:
    """What a person answers, in lower case without blanks around it; the question is a line on stderr."""
    _write(sys.stderr, make_printable(question, SAID_MAX))
    return sys.stdin.readline(_ANSWER_MAX).strip().lower()


def _complain(level: str, event: str, sentence: str, before: str = "") -> None:
    if _form["json"]:
        _write(
            sys.stderr, make_json_line(time.time(), level, "folkmoot", event, {"says": show(sentence, SAID_MAX)})
        )
    else:
        _write(sys.stderr, before + make_printable(sentence, SAID_MAX))


def _write(stream: TextIO, line: str) -> None:
    try:
        # A terminal of another encoding shows what it cannot spell as an escape.
        spelled = line.encode(stream.encoding or "utf-8", "backslashreplace").decode(stream.encoding or "utf-8")
        stream.write(spelled + "\n")
        stream.flush()
    except BrokenPipeError:
        # Whoever read our output has gone, e.g. `| head`; how the command ends is its own affair.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
