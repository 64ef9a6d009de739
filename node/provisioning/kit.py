"""A kit as files: an archive of the same bytes at every making, and a folder that is never overwritten unasked."""

import hashlib
import io
import os
import re
import secrets
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ledger.errors import SetupError, UsageError
from ledger.files import PUBLIC, sync_folder, write_whole

SUMS: Final = "SHA256SUMS"
OWN_TO_CHANGE: Final = ("node.toml", "node.env")
"""A member may change these: they are not in SHA256SUMS."""
KIT_MAX_BYTES: Final = 256 << 20
# The names of a project and of a member, with a dash between.
_FOLDER_MAX: Final = 81
_PLAIN, _PROGRAM = 0o644, 0o755
# A keystore has a cipher in it; a private key stands alone, or in PEM.
_SECRET: Final = re.compile(
    rb'"ciphertext"\s*:|-----BEGIN [A-Z ]*PRIVATE KEY-----|\A\s*(0x)?[0-9a-fA-F]{64}\s*\Z', re.IGNORECASE
)


@dataclass(frozen=True)
class Kit:
    """What one member is sent."""

    member: str
    """Its name, and that of its folder."""
    files: Mapping[str, bytes]
    """Path in the folder, with / between its parts → what is in it."""
    programs: frozenset[str] = frozenset()
    """Those of them that are run."""

    def check(self) -> None:
        """Raises UsageError where a secret or too much is in it."""
        for name, data in self.files.items():
            if _SECRET.search(data):
                raise UsageError(
                    f"{name} of the kit of {self.member} looks like a key: no key goes into a kit, so leave it out"
                )
            _check_file_name(self.member, name)
        if (size := sum(map(len, self.files.values()))) > KIT_MAX_BYTES:
            raise UsageError(
                f"the kit of {self.member} has {size >> 20} MiB, more than {KIT_MAX_BYTES >> 20}: leave the large "
                "file out, and send it by another way"
            )


def _check_file_name(member: str, name: str) -> None:
    """An archive and SHA256SUMS can hold it. Raises UsageError."""
    try:
        tarfile.TarInfo(f"{'x' * _FOLDER_MAX}/{name}").tobuf(tarfile.USTAR_FORMAT)
    except ValueError:
        is_short = False
    else:
        is_short = True
    if not is_short or not name.isprintable() or "\\" in name:
        raise UsageError(
            f"{name[:100]!r} of the kit of {member} is too long a name for an archive, or has a character that a"
            " list of files cannot have: give it another name"
        )


def add_sums(kit: Kit) -> Kit:
    """The same with the digests of all that the member is not to change."""
    told = {name: data for name, data in kit.files.items() if name not in OWN_TO_CHANGE}
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(told.items())]
    return Kit(kit.member, {**kit.files, SUMS: "".join(lines).encode()}, kit.programs)


def pack(kit: Kit, folder: str) -> bytes:
    """The kit as a tar archive: the same bytes for the same kit on every machine. folder: that it unpacks to."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in sorted(kit.files.items()):
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mode = len(data), _PROGRAM if name in kit.programs else _PLAIN
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


@dataclass(frozen=True)
class Difference:
    """How a folder that is there differs from a kit."""

    changed: tuple[str, ...]
    """Files of the kit that are there with other bytes."""
    missing: tuple[str, ...]
    """Files of the kit that are not there."""
    gone: tuple[str, ...]
    """Files of the kit that was there, which this one has not."""

    @property
    def is_none(self) -> bool:
        """The folder is the kit."""
        return not (self.changed or self.missing or self.gone)

    def describe(self) -> str:
        """In a line."""
        told = {"changed": self.changed, "new": self.missing, "gone": self.gone}
        return "; ".join(f"{what} {', '.join(names)}" for what, names in told.items() if names)


def compare(kit: Kit, folder: Path) -> Difference:
    """Raises OSError. What was added to the folder by others, and was in no SHA256SUMS, is not looked at."""
    changed, missing = list[str](), list[str]()
    for name, data in sorted(kit.files.items()):
        path = folder / name
        if not path.is_file():
            missing.append(name)
        elif not _has(path, data):
            changed.append(name)
    gone = sorted(name for name in _read_summed(folder) - set(kit.files) if (folder / name).is_file())
    return Difference(tuple(changed), tuple(missing), tuple(gone))


def _has(path: Path, data: bytes) -> bool:
    if path.stat().st_size != len(data):
        return False
    with path.open("rb") as file:
        return file.read(len(data) + 1) == data


def _read_summed(folder: Path) -> set[str]:
    """The names in its SHA256SUMS that are within the folder; none where it cannot be read."""
    if not (folder / SUMS).is_file():
        return set()
    try:
        with (folder / SUMS).open("rb") as file:
            lines = file.read(1 << 20).decode("utf-8", "replace").splitlines()
    except OSError:
        return set()
    names = {line[66:] for line in lines if re.fullmatch("[0-9a-f]{64}  .+", line)}
    return {name for name in names if not name.startswith("/") and ".." not in Path(name).parts}


def place(kit: Kit, kits: Path, folder: str, *, replace: bool) -> tuple[str, str, Path]:
    """Write folder and archive. Returns what was done, in a line, the archive's SHA-256 and where it lies.

    Raises SetupError where another kit is there and `replace` is not given, OSError.
    """
    packed = pack(kit, folder)
    target, archive = kits / folder, kits / f"{folder}.tar"
    done = f"written, {len(kit.files)} files"
    if target.exists() or target.is_symlink():
        if target.is_symlink() or not target.is_dir():
            raise SetupError(f"{target} is there already and is no folder: move it away")
        difference = compare(kit, target)
        if difference.is_none:
            done = "unchanged"
        elif replace:
            done = f"replaced: {difference.describe()}"
        else:
            raise SetupError(
                f"{target} is there and would be another kit now ({difference.describe()}): give --replace to "
                "write it anew, or name another folder in `kits`"
            )
        if not difference.is_none:
            for name in difference.gone:
                (target / name).unlink()
            for name in (*difference.changed, *difference.missing):
                _write(target / name, kit.files[name], name in kit.programs)
    else:
        _make_folder(kit, kits, target)
    if not archive.is_file() or not _has(archive, packed):
        if archive.exists() and not replace and done == "unchanged":
            raise SetupError(f"{archive} is another archive than this kit's: give --replace to write it anew")
        write_whole(archive, packed, mode=PUBLIC)
    return done, hashlib.sha256(packed).hexdigest(), archive


def _make_folder(kit: Kit, kits: Path, target: Path) -> None:
    """The folder appears under its name with all of its files or not at all."""
    kits.mkdir(parents=True, exist_ok=True)
    unfinished = kits / f".{target.name}.{secrets.token_hex(4)}"
    try:
        for name, data in kit.files.items():
            _write(unfinished / name, data, name in kit.programs)
        os.rename(unfinished, target)
    finally:
        if unfinished.exists():
            shutil.rmtree(unfinished)
    sync_folder(kits)


def _write(path: Path, data: bytes, is_program: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data, mode=PUBLIC)
    path.chmod(_PROGRAM if is_program else _PLAIN)
