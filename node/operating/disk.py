"""What room a folder's disk has left."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOM_NEEDED_BYTES: Final = 256 << 20
"""Below it a node is told to have too little: a few rounds of a model of ten million parameters."""
INODES_NEEDED: Final = 1000


@dataclass(frozen=True)
class DiskRoom:
    """One file system, as this user may use it."""

    free_bytes: int
    """Left."""
    size_bytes: int
    """In all."""
    free_inodes: int | None
    """Files that can still be made; None where the file system does not count them."""

    @property
    def complaint(self) -> str | None:
        """What is short, in a sentence's part; None where there is enough."""
        if self.free_bytes < ROOM_NEEDED_BYTES:
            return f"{self.free_bytes >> 20} MiB are free, at least {ROOM_NEEDED_BYTES >> 20} are wanted"
        if self.free_inodes is not None and self.free_inodes < INODES_NEEDED:
            return f"{self.free_inodes} files can still be made, at least {INODES_NEEDED} are wanted"
        return None


def measure_room(folder: Path) -> DiskRoom:
    """Of the disk that a folder is on, or would be on once it is made. Raises OSError."""
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    found = os.statvfs(place)
    inodes = found.f_favail if found.f_files else None
    return DiskRoom(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize, inodes)
