"""`folkmoot audit --json-lines`: what a machine that reads along is told, an object a line.

`{"progress": {"done": 3, "total": 60}}`: of rounds. `{"report": {…}}`: what --json prints; with --follow a new one
whenever there is one. `{"note": "…"}`: why it waits.
"""

import argparse
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ledger.errors import UsageError
from node.cli.audit_names import Names
from node.operating.printing import say_json

if TYPE_CHECKING:
    from ledger.audit.findings import Report

_EVERY_S: Final = 0.5


def add_json_lines(parser: argparse.ArgumentParser) -> None:
    """Declare the option."""
    parser.add_argument(
        "--json-lines",
        action="store_true",
        help="print JSON for machines that read along, an object a line: how far it is, and with --follow each"
        " report as there is one",
    )


def check_json_lines(options: argparse.Namespace) -> None:
    """Raises UsageError for what does not go with it."""
    if options.json_lines and (options.json or options.statement is not None):
        raise UsageError("--json-lines prints reports as they come: give it without --json and --statement")


class LinePrinter:
    """Tells of reports and of what keeps them."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def tell_report(self, report: "Report") -> None:
        """A whole one, in place of those before."""
        from node.cli.audit_lines import make_fields

        say_json({"report": make_fields(report, names=self._names)})

    def tell_note(self, sentence: str) -> None:
        """What a person would be told meanwhile."""
        say_json({"note": sentence})


class ProgressEvents:
    """Tells how far an audit is, at most twice a second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: seconds."""
        self._clock, self._last = clock, clock() - _EVERY_S

    def __call__(self, done: int, total: int) -> None:
        if self._clock() - self._last >= _EVERY_S or done == total:
            self._last = self._clock()
            say_json({"progress": {"done": done, "total": total}})
