"""Where figures go, as a person says it: KIND:PLACE."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ledger.errors import SetupError, UsageError

# Each kind, and the packages without which it cannot be.
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "tensorboard": ("tensorboard",),
    "mlflow": ("mlflow",),
    "wandb": ("wandb",),
}
_OF_A_DATABASE: Final = ("sqlalchemy", "alembic")


@dataclass(frozen=True)
class Destination:
    """A tracker and where it keeps figures."""

    kind: str
    """One of KINDS."""
    place: str
    """An absolute path of a folder, or the address of an MLflow server."""

    @classmethod
    def parse(cls, text: str) -> "Destination":
        """Of `KIND:PLACE`. Raises UsageError, and SetupError where the tracker's package is not installed."""
        kind, _, place = text.partition(":")
        if kind not in KINDS or not place:
            raise UsageError(
                f"--track {text[:60]!r}: give tensorboard:FOLDER, mlflow:FOLDER, mlflow:http://HOST:PORT or"
                " wandb:FOLDER"
            )
        found = cls(kind, place if is_server(place) else str(Path(place).absolute()))
        if is_server(place) and (kind != "mlflow" or not urlsplit(place).hostname):
            raise UsageError(f"--track {kind}: {place[:60]!r} is no folder: only mlflow takes a server's address")
        needed = KINDS[kind] + (_OF_A_DATABASE if kind == "mlflow" and not is_server(place) else ())
        missing = [name for name in needed if importlib.util.find_spec(name) is None]
        if missing:
            raise SetupError(
                f"--track {kind} needs {' and '.join(missing)}, not installed: pip install 'folkmoot[tracking]'"
            )
        return found


def is_server(place: str) -> bool:
    """Whether a place is a server's address and no folder."""
    return place.startswith(("http://", "https://"))
