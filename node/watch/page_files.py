"""The page's files, read once: what a browser loads is what was there when the server began."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ledger.errors import SetupError

FOLDER: Final = Path(__file__).parent / "app" / "dist"
_TYPES: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}
_FILE_MAX_BYTES: Final = 4 << 20
_FILES_MAX: Final = 64
_PLAIN_PAGE: Final = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Folkmoot</title>
<h1>Folkmoot</h1>
<p>This copy of the program has no page built in. What it would show is under
<a href="/api/now">/api/now</a> and <a href="/api/circle">/api/circle</a>.</p>
</html>
"""


@dataclass(frozen=True)
class PageFile:
    """One file of the page."""

    content_type: str
    """For the header of that name."""
    data: bytes
    """The file's bytes."""
    etag: str
    """Follows from the bytes."""

    @classmethod
    def of(cls, suffix: str, data: bytes) -> "PageFile":
        """A file with its headers."""
        return cls(_TYPES[suffix], data, f'"{hashlib.sha256(data).hexdigest()[:32]}"')


def read_page_files(folder: Path = FOLDER) -> dict[str, PageFile]:
    """Path → file; `/` is the page itself. Files of other kinds are not served. Raises SetupError."""
    found = {"/": PageFile.of(".html", _PLAIN_PAGE)}
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    chosen = [path for path in paths if path.suffix in _TYPES and path.is_file() and not path.is_symlink()]
    if len(chosen) > _FILES_MAX or any(path.stat().st_size > _FILE_MAX_BYTES for path in chosen):
        raise SetupError(f"{folder} does not hold this program's page: install it again")
    for path in chosen:
        found["/" if path.name == "index.html" else f"/{path.name}"] = PageFile.of(path.suffix, path.read_bytes())
    return found
