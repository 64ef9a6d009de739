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
        self.scripts: list[str] = []
        self._within = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")
        self._within = tag

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "style":
            self.style += data
        elif self._within == "script":
            self.scripts[-1] += data
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
    page = _read_harmless(path, "")
    assert not {"script", "a"} & {name for name, _ in page.elements}
    return page


def read_page_with_script(path: Path, pictures: int = 0) -> Page:
    """The page: it loads nothing, allows its own style and one script, and has links within itself alone.

    pictures: so many files of pictures stand in it.
    """
    page = Page(path.read_text(encoding="utf-8"))
    digest = base64.b64encode(hashlib.sha256(page.scripts[-1].encode()).digest()).decode()
    allowed = "; img-src data:" if pictures else ""
    page = _read_harmless(path, f"{allowed}; script-src 'sha256-{digest}'", pictures)
    kinds = [had.get("type") for name, had in page.elements if name == "script"]
    # What is no JavaScript is data, and runs nowhere.
    assert kinds == ["application/json"] * (len(kinds) - 1) + [None]
    assert all(str(had["href"]).startswith("#") for name, had in page.elements if name == "a")
    return page


def _read_harmless(path: Path, more_policy: str, pictures: int = 0) -> Page:
    source = path.read_text(encoding="utf-8")
    assert source.startswith("<!DOCTYPE html>")
    page = Page(source)
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    [policy] = [had["content"] for _, had in page.elements if had.get("http-equiv") == "Content-Security-Policy"]
    expected = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert policy == expected + more_policy
    held = [had["src"] or "" for name, had in page.elements if name == "img"]
    assert len(held) == pictures
    assert all(source.startswith("data:image/svg+xml;base64,") for source in held)
    loading = {"link", "iframe", "object", "embed", "image", "use", "form", "foreignobject", "base"}
    assert not loading & {name for name, _ in page.elements}
    attributes = {name for name_, had in page.elements if name_ not in ("a", "img") for name in had}
    assert not attributes & {"src", "href", "xlink:href", "style", "srcset", "action"}
    assert not [name for name in attributes if name.startswith("on")]
    assert "url(" not in page.style
    assert "@import" not in page.style
    return page
