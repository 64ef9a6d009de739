"""Which pins of a daemon are a peer's own, on disk: a file each, named by the blob's digest, with its CID inside.

    DAEMON/abcd…    DAEMON is the daemon's peer ID

A pin is noted before it is made, so a crash leaves none that nobody knows; what others pinned on the same daemon is
not in here and stays as it is.
"""

import logging
from pathlib import Path

from ledger.blobs.cid import BadCid, Cid, parse_cid
from ledger.files import make_folder, remove, write_whole

_log = logging.getLogger(__name__)


class PinJournal:
    """Of one circle and one daemon. Methods block on the disk and raise OSError."""

    def __init__(self, folder: Path, daemon: str) -> None:
        """folder: of the circle's pins. daemon: its peer ID, letters and digits."""
        make_folder(folder)
        self._folder = folder / daemon
        make_folder(self._folder)

    def read(self) -> dict[bytes, Cid]:
        """Digest → CID of what is noted."""
        found = {}
        for path in self._folder.iterdir():
            try:
                cid = parse_cid(path.read_text())
            # UnicodeDecodeError is a ValueError; what else write_whole left half-done has another name.
            except (BadCid, ValueError):
                continue
            if cid.digest.hex() == path.name:
                found[cid.digest] = cid
        return found

    def note(self, cid: Cid) -> None:
        """A pin is about to be made."""
        write_whole(self._folder / cid.digest.hex(), cid.text.encode())

    def forget(self, digest: bytes) -> None:
        """The pin is no more."""
        remove(self._folder / digest.hex())
