"""An HTML page as a browser takes it, and what no page of ours may hold."""

import base64
import hashlib
from html.parser import HTMLParser
from pathlib import Path


class Page(HTMLParser):
    """Elements, their attributes, and the text between them."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.style = ""
        self._within = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._within = tag

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "style":
            self.style += data
        else:
            self.text += data

    def count(self, tag: str, attribute: str = "", value: str | None = None) -> int:
        """Elements of that name, with that attribute, of that value."""
        return sum(
            name == tag and (not attribute or attribute in had) and value in (None, had.get(attribute))
            for name, had in self.elements
        )


def read_page(path: Path) -> Page:
    """The page, which runs no script, loads nothing, and allows its own style alone."""
    source = path.read_text(encoding="utf-8")
    assert source.startswith("<!DOCTYPE html>")
    page = Page(source)
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    [policy] = [had["content"] for _, had in page.elements if had.get("http-equiv") == "Content-Security-Policy"]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    loading = {"script", "link", "img", "iframe", "object", "embed", "image", "use", "a", "form", "foreignobject"}
    assert not loading & {name for name, _ in page.elements}
    attributes = {name for _, had in page.elements for name in had}
    assert not attributes & {"src", "href", "xlink:href", "style", "srcset", "action"}
    assert not [name for name in attributes if name.startswith("on")]
    assert "url(" not in page.style
    assert "@import" not in page.style
    return page
