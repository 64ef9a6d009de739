"""Text that others wrote, made fit to be shown: one line, no control over a terminal, no more than so long."""

from typing import Final

LINE_MAX: Final = 500


def printable(text: str, most: int = LINE_MAX) -> str:
    """The text on one line, whatever is in it.

    Control characters, escapes, line breaks of every kind, bidirectional marks, invisible and unpaired characters
    are written out as in Python (`\\x1b`); what is longer than `most` characters is cut.
    """
    shown = text[: most + 1]
    if not (shown.isascii() and shown.isprintable()):
        shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in shown)
    return shown if len(shown) <= most else shown[: max(most - 1, 0)] + "…"
