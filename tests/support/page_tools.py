"""What the live page is built with, as `make page` installs it: npm's pinned packages beside its sources."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parents[2] / "node" / "watch" / "app"
_CACHE = APP.parents[2] / ".cache"
_INSTALL_S = 300


def install_page_tools() -> Path:
    """The folder of packages, installed if need be. Skips the test, or fails it if CI=true, where it cannot be."""
    try:
        return _install()
    except (OSError, subprocess.SubprocessError) as error:
        reason = f"the page's tools cannot be installed: {error}; install Node.js with npm"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


def run_tool(*command: str) -> "subprocess.CompletedProcess[str]":
    """Run one of them in the page's folder."""
    install_page_tools()
    return subprocess.run(command, check=False, cwd=APP, capture_output=True, text=True, timeout=_INSTALL_S)


def _install() -> Path:
    """Once for each set of versions, whichever process comes first. Raises OSError or SubprocessError."""
    packages = APP / "node_modules"
    wanted = hashlib.sha256((APP / "package.json").read_bytes()).hexdigest()[:16]
    stamp = packages / f".installed-{wanted}"
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not on the PATH")
    _CACHE.mkdir(exist_ok=True)
    with (_CACHE / "page-tools.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists():
            command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
            subprocess.run(command, check=True, capture_output=True, timeout=_INSTALL_S, cwd=APP)
            stamp.touch()
    return packages
