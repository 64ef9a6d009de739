"""What the documentation's site has beyond docs/: mkdocs calls this module's `on_…` functions (`mkdocs.yml`, hooks).

The README and its companions become pages, each room of `ledger` and `node` gets a page of its reference, formulas
become MathML, and pages with a picture get Mermaid. It and the font of the formulas come out of installed packages,
so that no page asks another site for anything.
"""

import ast
import hashlib
import html
import posixpath
import re
from importlib.metadata import files as files_of
from pathlib import Path
from typing import Any, Final

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).resolve().parents[2]
# A file at the root → the page that it becomes.
_PAGES: Final = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
}
_PACKAGES: Final = ("ledger", "node")
_LINK: Final = re.compile(r"\[([^\]]*)\]\(([^)#\s:]+)(#[^)\s]*)?\)")
_MERMAID: Final = "assets/mermaid.min.js"
# As its makers publish version 11.16.0.
_MERMAID_SHA256: Final = "74d7c46dabca328c2294733910a8aa1ed0c37451776e8d5295da38a2b758fb9b"
_FONT: Final = "assets/STIXTwoMath-Regular.ttf"
_PICTURE: Final = re.compile(r'<pre class="mermaid">.*?</pre>', re.DOTALL)
_FORMULA: Final = re.compile(r'<div class="arithmatex">\s*\\\[(.*?)\\\]\s*</div>', re.DOTALL)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the reference, a page for each room, at the navigation's end."""
    assert config.nav is not None
    config.nav.append({"Reference": [{name: [_page(room) for room in rooms(name)]} for name in _PACKAGES]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside docs/ or are made here, Mermaid, and the font of the formulas."""
    for source, page in _PAGES.items():
        files.append(File.generated(config, page, content=_moved((ROOT / source).read_text(), "", "")))
    for name in _PACKAGES:
        for room in rooms(name):
            files.append(File.generated(config, _page(room), content=_reference(room)))
    files.append(File.generated(config, _MERMAID, content=_mermaid()))
    files.append(File.generated(config, _FONT, content=_brought("ziamath", posixpath.basename(_FONT))))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Turn links that leave docs/ to the pages made here."""
    folder = posixpath.dirname(page.file.src_uri)
    return markdown if page.file.generated_by else _moved(markdown, posixpath.join("docs", folder), folder)


def on_page_content(content: str, page: Page, **_: Any) -> str:
    """Formulas as MathML; Mermaid where there is a picture."""
    content = _FORMULA.sub(lambda found: convert(html.unescape(found[1]).strip(), display="block"), content)
    content, pictures = _PICTURE.subn(r'<div class="picture">\g<0></div>', content)
    if pictures:
        where = posixpath.relpath(_MERMAID, posixpath.dirname(page.file.dest_uri) or ".")
        content = f'<script src="{where}"></script>\n{content}'
    return content


def rooms(name: str) -> list[Path]:
    """The packages in and under this one, itself first, from the root."""
    return sorted(path.parent.relative_to(ROOT) for path in (ROOT / name).rglob("__init__.py"))


def _page(room: Path) -> str:
    return f"reference/{room}.md"


def _reference(room: Path) -> str:
    """A page with everything that a room's modules say of themselves."""
    parts = [f"# {room}\n\n{ast.get_docstring(ast.parse((ROOT / room / '__init__.py').read_text()))}\n"]
    for path in sorted((ROOT / room).glob("*.py")):
        if not path.name.startswith("__"):
            parts.append(f"## {path.stem}\n\n::: {'.'.join(room.parts)}.{path.stem}\n")
    return "\n".join(parts)


def _moved(markdown: str, folder: str, page_folder: str) -> str:
    """Relative links from a file in a folder of the repository, as links from a page in a folder of the site.

    What the site does not have, but the repository, is no link there.
    """

    def moved(found: re.Match[str]) -> str:
        text, link, anchor = found.groups(default="")
        target = posixpath.normpath(posixpath.join(folder, link))
        page = _PAGES.get(target, target.removeprefix("docs/"))
        if page == target and (ROOT / target).exists():
            return text
        return f"[{text}]({posixpath.relpath(page, page_folder or '.')}{anchor})"

    return _LINK.sub(moved, markdown)


def _mermaid() -> bytes:
    """The library. Raises ValueError where the package brings another one along."""
    content = _brought("mermaidx", "mermaid.js")
    if hashlib.sha256(content).hexdigest() != _MERMAID_SHA256:
        raise ValueError("mermaidx brings along another Mermaid than this site was made with")
    return content


def _brought(package: str, name: str) -> bytes:
    """A file that an installed package has beside its code."""
    return next(path.read_binary() for path in files_of(package) or () if path.name == name)
