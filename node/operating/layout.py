"""Text in lines of a given width, as a terminal counts it: paragraphs and columns. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.cells import cell_len, chop_cells, set_cell_size

from ledger.untrusted.text import make_printable
from node.operating.printing import SAID_MAX

_LEAST: Final = 8
"""Columns at least are left for text, however deep it stands."""


def wrap(text: str, width: int, first: str = "", later: str = "") -> list[str]:
    """Lines of at most so many cells. first, later: what the first line and the others begin with.

    A word that is longer than a line is broken. What cannot be printed is written out.
    """
    lines, line, begin = [], "", first
    for word in make_printable(text, SAID_MAX).split(" "):
        room = max(width - cell_len(begin), _LEAST)
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= room:
            line = joined
            continue
        if line:
            lines.append(begin + line)
            begin = later
        *full, line = chop_cells(word, max(width - cell_len(begin), _LEAST)) or [""]
        for piece in full:
            lines.append(begin + piece)
            begin = later
    return [*lines, (begin + line).rstrip()]


def cut(text: str, most: int) -> str:
    """The text in at most so many cells, with a sign where something is left out."""
    shown = make_printable(text, SAID_MAX)
    return shown if cell_len(shown) <= most else set_cell_size(shown, most - 1).rstrip() + "…"


def tabulate(rows: Sequence[Sequence[str]], rights: Sequence[int] = (), gap: int = 2) -> Iterator[str]:
    """Columns as wide as what is in them. rights: numbers of the columns that stand to the right."""
    clean = [[make_printable(cell, SAID_MAX) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*clean, strict=True)]
    for row in clean:
        cells = [
            " " * (width - cell_len(cell)) + cell if place in rights else cell + " " * (width - cell_len(cell))
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield (" " * gap).join(cells).rstrip()
