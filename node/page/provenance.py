"""Whose updates the circle's last model is made of, as a part of a page."""

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from node.operating.html_page import Part, make_element, make_table

ROWS_MAX: Final = 300
PICTURE_MAX: Final = 4_000_000
"""Bytes of a picture that a page takes."""
HEADS: Final = ("seat", "peer", "updates in it", "coefficients", "put in", "of the way")


@dataclass(frozen=True)
class Provenance:
    """An account of a model, or why there is none."""

    sentence: str
    """Which model it is and what rounding left; or the reason."""
    rows: Sequence[Sequence[str]] = ()
    """A row for each author, with a cell for each of HEADS; the second one is an address."""
    picture: bytes = b""
    """Who was mixed into whom: an SVG file; empty for none."""


def tell_provenance(told: Provenance, describe: Callable[[str], str]) -> Iterator[Element]:
    """The part of the page. describe: an address, with its name where there is one."""
    yield make_element("h2", "Provenance", id="provenance")
    yield make_element("p", told.sentence)
    if not told.rows:
        return
    rows: list[Sequence[Part]] = [
        (seat, make_element("code", describe(peer)), *more) for seat, peer, *more in told.rows[:ROWS_MAX]
    ]
    yield make_table(HEADS, rows)
    if len(told.rows) > ROWS_MAX:
        yield make_element("p", f"And {len(told.rows) - ROWS_MAX} more: folkmoot trace lists them.")
    yield make_element(
        "p",
        "A share says how much of the way from the genesis to the model is a peer's own steps. It does not say how"
        " much the model behaves as it does because of them: others trained on top of them.",
        class_="faint",
    )
    if 0 < len(told.picture) <= PICTURE_MAX:
        source = "data:image/svg+xml;base64," + base64.b64encode(told.picture).decode()
        text = "Updates by round, and who was mixed into whom"
        yield make_element("figure", Element("img", {"src": source, "alt": text, "class": "graph"}))
