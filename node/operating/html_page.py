"""One HTML page that needs nothing beside it: text is escaped, and the page may load and send nothing, and
run nothing but this program's own script.

A page is a tree of the standard library's elements, so whatever stands in it as text is escaped when it is written.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element, tostring

from ledger.untrusted.text import make_printable

_TEXT_MAX: Final = 4000
_STYLE: Final = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c1c1e; --faint: #5f6368; --line: #d5d7db;
  --shade: #f3f4f6; --first: #b3261e; --second: #1a5fb4; }
@media screen and (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #e7e8ea; --faint: #a2a7af;
  --line: #3b4048; --shade: #20242a; --first: #ff8a7d; --second: #8ab8ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 66rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .6rem; border-bottom: 1px solid var(--line); padding-bottom: .25rem; }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
p, ul, dl { margin: .5rem 0; max-width: 46rem; }
li { margin: .25rem 0; }
dt { font-weight: 600; margin-top: .5rem; }
dd { margin: 0; }
code { font: .9em ui-monospace, "DejaVu Sans Mono", monospace; background: var(--shade); padding: .1em .3em;
  overflow-wrap: anywhere; }
.faint, figcaption { color: var(--faint); font-size: .92rem; }
.notice { background: var(--shade); border-left: 4px solid var(--first); padding: .6rem .9rem; max-width: 46rem; }
.wide { overflow-x: auto; margin: .6rem 0; }
table { border-collapse: collapse; min-width: 40rem; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0;
  border-bottom: 1px solid var(--line); }
thead th { color: var(--faint); font-weight: 600; }
figure { margin: .8rem 0; }
.panels { display: flex; flex-wrap: wrap; gap: 1rem; }
.panels svg { flex: 1 1 17rem; max-width: 26rem; height: auto; }
svg text { fill: var(--ink); font: 11px system-ui, "Noto Sans", sans-serif; }
svg .title { font-weight: 600; font-size: 13px; }
svg .frame, svg .grid, svg .chance, svg .curve, svg .whisker { fill: none; stroke: var(--line); }
svg .frame, svg .chance { stroke: var(--faint); }
svg .chance { stroke-dasharray: 2 4; }
svg .curve { stroke-width: 2; stroke-linejoin: round; }
svg .whisker { stroke-width: 1.5; }
svg .first { stroke: var(--first); }
svg .second { stroke: var(--second); stroke-dasharray: 7 3; }
svg .whisker.second { stroke-dasharray: none; }
.key { display: inline-block; margin-right: 1.5rem; }
.key svg { width: 2.4rem; height: .8rem; vertical-align: middle; margin-right: .4rem; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } table { min-width: 0; }
  .wide { overflow: visible; } h2, h3, thead { break-after: avoid; }
  tr, figure, .notice, dd, li { break-inside: avoid; } .panels svg { flex: 1 1 30%; min-width: 0; } }
@page { size: A4; margin: 18mm 15mm; }
"""

Part = Element | str


def make_element(name: str, /, *parts: Part, **attributes: str) -> Element:
    """An element with text and elements in it. attributes: `class_` for `class`, and a `_` within for a `-`."""
    element = Element(name, {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()})
    last: Element | None = None
    for part in parts:
        if isinstance(part, Element):
            element.append(part)
            last = part
        elif last is None:
            element.text = (element.text or "") + make_printable(part, _TEXT_MAX)
        else:
            last.tail = (last.tail or "") + make_printable(part, _TEXT_MAX)
    return element


def make_list(items: Sequence[Part]) -> Element:
    """With bullets."""
    return make_element("ul", *(make_element("li", one) for one in items))


def make_table(heads: Sequence[str], rows: Sequence[Sequence[Part]]) -> Element:
    """A table that a narrow screen can move sideways; the first cell of a row heads it."""
    head = make_element("tr", *(make_element("th", one, scope="col") for one in heads))
    body = [
        make_element("tr", make_element("th", row[0], scope="row"), *(make_element("td", one) for one in row[1:]))
        for row in rows
    ]
    table = make_element("table", make_element("thead", head), make_element("tbody", *body))
    return make_element("div", table, class_="wide")


def encode_page(
    title: str, parts: Sequence[Part], style: str = "", script: str = "", *, holds_pictures: bool = False
) -> bytes:
    """The whole file, UTF-8. Its policy lets a browser load nothing, and use this style and run this script alone.

    holds_pictures: files of pictures stand in it, as addresses of their own bytes.

    style: added to the one of all pages. script: JavaScript of this program's own, without `</`; none where empty.
    """
    style = _STYLE + style
    policy = f"default-src 'none'; style-src '{_name_source(style)}'; base-uri 'none'; form-action 'none'"
    if holds_pictures:
        policy += "; img-src data:"
    if script:
        policy += f"; script-src '{_name_source(script)}'"
    head = make_element(
        "head",
        make_element("meta", charset="utf-8"),
        Element("meta", {"http-equiv": "Content-Security-Policy", "content": policy}),
        make_element("meta", name="referrer", content="no-referrer"),
        make_element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        make_element("title", title),
        _make_raw("style", style),
    )
    last = [_make_raw("script", script)] if script else []
    page = make_element("html", head, make_element("body", make_element("main", *parts), *last), lang="en")
    return f"<!DOCTYPE html>\n{tostring(page, encoding='unicode', method='html')}\n".encode()


def make_data(name: str, values: object) -> Element:
    """JSON that a page's script finds by its id; what strangers wrote in it cannot end the element."""
    text = json.dumps(values, separators=(",", ":"), ensure_ascii=True).replace("<", "\\u003c")
    element = _make_raw("script", text)
    element.attrib.update({"type": "application/json", "id": name})
    return element


def _make_raw(name: str, text: str) -> Element:
    """An element whose text is written as it stands."""
    if "</" in text:
        raise ValueError(f"what stands in a {name} would end it")
    element = Element(name)
    element.text = text
    return element


def _name_source(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
