"""What is shown to people: text that others wrote, made fit for a terminal, and amounts of coin."""

from typing import Final

LINE_MAX: Final = 500


def make_printable(text: str, most: int = LINE_MAX) -> str:
    """The text on one line, whatever is in it.

    Control characters, escapes, line breaks of every kind, bidirectional marks, invisible and unpaired characters
    are written out as in Python (`\\x1b`); what is longer than `most` characters is cut.
    """
    shown = text[: most + 1]
    if not (shown.isascii() and shown.isprintable()):
        shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in shown)
    return shown if len(shown) <= most else shown[: max(most - 1, 0)] + "…"


def format_ether(wei: int) -> str:
    """An amount of coin: 18 decimals cut to 6 digits that count."""
    return f"{wei / 10**18:.6g} ETH"
