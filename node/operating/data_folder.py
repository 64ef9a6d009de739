"""A peer's folder on disk: held by one process, and every file in the place of the circle it belongs to.

    lock                              held while a node runs here
    gossip-tls.pem  blobs/            what belongs to no circle: a certificate, and blocks named by their digests
    circles/CHAIN-CONTRACT/           one contract address of one chain id
        announced.txt                 what was signed for it: signatures hold for whatever circle is found there
        opened-HASH/                  one circle, named by the block in which it was opened
            state.bin  state.bin.vectors/  private.bin  privacy.txt  privacy-budget.txt  pending.json  rounds.txt
            evidence/  pins/

A local chain that was wiped gives the same address again, and another circle is not to be mixed with what was
there: its opening block has another hash, as a block's hash covers all that came before it.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ledger.errors import SetupError
from ledger.files import FolderLock, make_folder
from ledger.identity.network import Network

_log = logging.getLogger(__name__)
_HASH_CHARACTERS: Final = 16
_OPENED: Final = "opened-"


@dataclass(frozen=True)
class FolderPlaces:
    """Where one peer of one circle keeps its files, whether they are there or not."""

    root: Path
    """Above all circles' folders."""
    network: Network
    """The circle's."""
    opened_in: str
    """Hash of the block that the circle was opened in, 0x-prefixed hex."""

    @property
    def blobs(self) -> Path:
        """The block store."""
        return self.root / "blobs"

    @property
    def journal(self) -> Path:
        """What this peer's keys have announced."""
        return self._address / "announced.txt"

    @property
    def state(self) -> Path:
        """What the peer goes on from; its vectors lie in a folder beside it."""
        return self._circle / "state.bin"

    @property
    def private(self) -> Path:
        """The part of the model that stays with the peer."""
        return self._circle / "private.bin"

    @property
    def charges(self) -> Path:
        """What private training has spent."""
        return self._circle / "privacy.txt"

    @property
    def privacy_budget(self) -> Path:
        """What the peer holds itself to."""
        return self._circle / "privacy-budget.txt"

    @property
    def pending(self) -> Path:
        """Transactions under way."""
        return self._circle / "pending.json"

    @property
    def rounds(self) -> Path:
        """What the node reported of its rounds."""
        return self._circle / "rounds.txt"

    @property
    def evidence(self) -> Path:
        """Announcements that convict their authors."""
        return self._circle / "evidence"

    @property
    def pins(self) -> Path:
        """Which pins at IPFS daemons are this peer's own."""
        return self._circle / "pins"

    @property
    def others(self) -> list[Path]:
        """Folders of other circles that were at this address."""
        return sorted(path for path in self._address.glob(f"{_OPENED}*") if path != self._circle)

    @property
    def _address(self) -> Path:
        return self.root / "circles" / f"{self.network.chain_id}-{self.network.contract.lower()}"

    @property
    def _circle(self) -> Path:
        return self._address / f"{_OPENED}{self.opened_in.removeprefix('0x')[:_HASH_CHARACTERS]}"


@dataclass(frozen=True)
class DataFolder(FolderPlaces):
    """The files of one peer of one circle, held by this process. `open` makes one."""

    lock: FolderLock
    """Held while the folder is in use."""

    @classmethod
    def open(cls, root: Path, network: Network, opened_in: str) -> "DataFolder":
        """Take the folder, made where it is missing. Raises SetupError where another process holds it."""
        try:
            make_folder(root)
            lock = FolderLock(root, "another node")
            return cls(root, network, opened_in, lock)._made()
        except OSError as error:
            raise SetupError(
                f"the folder {root} cannot be used ({error.strerror}): make it writable for this user or choose "
                "another with --folder"
            ) from error

    def __enter__(self) -> "DataFolder":
        return self

    def __exit__(self, *_: object) -> None:
        self.lock.release()

    def of_circle(self, opened_in: str) -> "DataFolder":
        """The same folder for the circle at this address that another block opened. Raises OSError."""
        return DataFolder(self.root, self.network, opened_in, self.lock)._made()

    def _made(self) -> "DataFolder":
        for folder in (self._address.parent, self._address, self._circle):
            make_folder(folder)
        if self.others:
            _log.warning(
                "another circle was at this address, its files kept and not used circle=%s others=%s",
                self._circle.name,
                ",".join(path.name for path in self.others),
            )
        return self
