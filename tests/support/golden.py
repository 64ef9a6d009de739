"""Golden files: what once was written down must come out the same on every machine and in every release.

FOLKMOOT_WRITE_VECTORS=1 writes them anew; the difference then has to be explained in the commit.
"""

import json
import os
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[1] / "vectors"


def expect(file: str, found: Any) -> None:
    """Compare JSON values with tests/vectors/<file>.json."""
    path = VECTORS / f"{file}.json"
    if os.environ.get("FOLKMOOT_WRITE_VECTORS") == "1":
        path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    assert json.loads(path.read_text()) == json.loads(json.dumps(found))


def load(file: str) -> Any:
    """The values of tests/vectors/<file>.json."""
    return json.loads((VECTORS / f"{file}.json").read_text())
