"""Tables and bars on a terminal, with everything in them made printable; see `node.operating.printing`."""

import os
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from ledger.untrusted.text import make_printable
from node.operating.printing import SAID_MAX


class CleanConsole(Console):
    """Rich's console without markup in strings, and with every piece of text made printable."""

    def __init__(self, *, stderr: bool = False, quiet: bool = False) -> None:
        super().__init__(stderr=stderr, quiet=quiet, markup=False, emoji=False, highlight=False)

    def print(self, *objects: Any, **options: Any) -> None:
        """As Console does; a text is one line, whatever is in it."""
        super().print(*map(_one_line, objects), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As Console does; what is not the console's own control codes is cleaned."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            if control or text == "\n" or (text.isascii() and text.isprintable()):
                yield segment
            else:
                lines = "\n".join(make_printable(line, SAID_MAX) for line in text.split("\n"))
                # A terminal of another encoding shows what it cannot spell as an escape.
                spelled = lines.encode(self.encoding, "backslashreplace").decode(self.encoding)
                yield Segment(spelled, style, control)

    def on_broken_pipe(self) -> None:
        """Whoever read our output has gone, e.g. `| head`; Rich would end the command with status 1."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def _one_line(shown: Any) -> Any:
    if isinstance(shown, str):
        return make_printable(shown, SAID_MAX)
    if isinstance(shown, Text) and not shown.plain.isprintable():
        return Text(make_printable(shown.plain, SAID_MAX), shown.style)
    return shown
