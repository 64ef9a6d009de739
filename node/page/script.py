"""The reader's modules as one script that runs without a server: an inline module cannot import another."""

import re
from functools import cache
from importlib.resources import files
from typing import Final

# In this order; each imports only what stands before it.
READER: Final = (
    "bytes",
    "hashes",
    "draw",
    "events",
    "manifest",
    "fold",
    "zstd",
    "codec",
    "msgpack",
    "blobs",
    "contents",
    "balance",
    "screening",
    "checkpoint",
    "proofs",
    "signatures",
    "verify",
)
_IMPORT: Final = re.compile(r'^import (\{[^}]*\}) from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export ((?:async )?function|class|const) (\w+)", re.MULTILINE)


@cache
def read_source(name: str) -> str:
    """A file of this package, UTF-8."""
    return files("node.page").joinpath(name).read_text("utf-8")


def join_modules(*names: str) -> str:
    """Modules of `node/page/reader` as one script: of each a constant of its name with what it exports."""
    return "".join(_wrap(name, read_source(f"reader/{name}.js")) for name in names)


def _wrap(name: str, source: str) -> str:
    """A module as a function that is called once, so that what it does not export stays its own."""
    exported = ", ".join(match[2] for match in _EXPORT.finditer(source))
    body = _EXPORT.sub(r"\1 \2", _IMPORT.sub(r"const \1 = \2_module;\n", source))
    return f"const {name}_module = (() => {{\n{body}return {{ {exported} }};\n}})();\n"
