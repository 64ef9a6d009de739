"""The first weights that lie beside a circle file, where they are its circle's."""

from pathlib import Path

from ledger.blobs.contents.records import update_max_bytes
from ledger.blobs.unixfs import build_dag
from ledger.circle.manifest import Manifest
from ledger.errors import SetupError
from ledger.files import opened_regular


def read_first_weights(circle: Path, manifest: Manifest) -> bytes | None:
    """circle: its file. None where none lie there. Raises SetupError where they are another circle's, OSError."""
    path, limit = circle.with_suffix(".genesis"), update_max_bytes(manifest)
    try:
        with opened_regular(path) as file:
            blob = file.read(limit + 1)
    except FileNotFoundError:
        return None
    if len(blob) > limit or build_dag(blob).root != manifest.genesis_digest:
        raise SetupError(f"{path} has not the first weights of this circle: move it away, or get the right one")
    return blob
