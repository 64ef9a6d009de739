"""Packages of npm that tests and scripts run: installed once into .cache of this checkout."""

import fcntl
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CACHE = Path(__file__).resolve().parents[2] / ".cache"
NODE_VERSION = 22
_INSTALL_S = 300
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_OPTIONS = ("--ignore-scripts", "--silent", "--no-audit", "--no-fund")


def install(name: str, *packages: str, kind: str = "module", node: str | None = None) -> Path:
    """The folder `name` of the cache, with pinned packages, installed by whoever came first; none of them is run.

    kind: of code beside them, `module` or `commonjs`. node: the Node.js that npm is to run on; what it leaves out
    depends on that. Raises OSError or SubprocessError.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not on the PATH")
    folder = CACHE / name
    stamp = folder / "-".join(["installed", *(re.sub(r"[^\w.@]", "+", package) for package in packages)])
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists():
            (folder / "package.json").write_text(json.dumps({"type": kind}))
            path = (
                os.environ["PATH"]
                if node is None
                else os.pathsep.join([str(Path(node).parent), os.environ["PATH"]])
            )
            command, environment = [npm, "install", *_OPTIONS, *packages], {**os.environ, "PATH": path}
            subprocess.run(
                command, check=True, capture_output=True, timeout=_INSTALL_S, cwd=folder, env=environment
            )
            stamp.touch()
    return folder


def find_node(least: int = 18) -> str:
    """Path of a Node.js at least that new: the system's, or one that npm has. Raises OSError or SubprocessError."""
    found = shutil.which("node")
    if found is not None:
        said = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
        if int(said.strip().lstrip("v").partition(".")[0]) >= least:
            return found
    machine = _MACHINES.get(platform.machine().lower(), platform.machine())
    package = f"node-{platform.system().lower()}-{machine}"
    folder = install(f"node-{NODE_VERSION}", f"{package}@{NODE_VERSION}")
    return str(folder / "node_modules" / package / "bin" / "node")


@contextmanager
def needed(what: str) -> Iterator[None]:
    """Skips the test where the body cannot have what it installs; fails it if CI=true."""
    try:
        yield
    except (OSError, subprocess.SubprocessError) as error:
        reason = f"no {what} here: {error}; install Node.js with npm"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
