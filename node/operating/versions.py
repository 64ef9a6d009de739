"""Which program this is, and on what it runs."""

import platform
import subprocess
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

PROGRAM: Final = "folkmoot"
_UNKNOWN: Final = "that is not installed as a package"
_TOLD: Final = ("torch", "numpy", "numba", "safe-pysha3", "web3", "py-evm", "aiohttp")
"""Packages on which figures, or what the program can do, depend."""
_GIT_TIMEOUT_S: Final = 5.0
_COMMIT_DIGITS: Final = 12


def find_version(package: str = PROGRAM) -> str:
    """Of this program, or of a package; words where it is not installed as one."""
    try:
        return version(package)
    except PackageNotFoundError:
        return _UNKNOWN


def describe_versions() -> Iterator[str]:
    """A line for each thing that somebody has to know who is to find out why this program does what it does."""
    yield f"{PROGRAM} {find_version()}"
    if (commit := find_commit()) is not None:
        yield f"commit {commit}"
    yield f"{platform.python_implementation()} {platform.python_version()} on {platform.platform()}"
    for package in _TOLD:
        found = find_version(package)
        yield f"{package} {'not installed' if found == _UNKNOWN else found}"


def find_commit() -> str | None:
    """The commit of the checkout that the program runs from, and whether files in it have been changed.

    None where it runs from no checkout, or git does not say.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    # What git itself says is true of packed, linked and changed checkouts alike.
    asked = ["git", "-C", str(root), "describe", "--always", "--dirty= (with changes)", "--exclude=*"]
    try:
        done = subprocess.run(  # noqa: S603  (a list of our own words, never through a shell)
            [*asked, f"--abbrev={_COMMIT_DIGITS}"],
            capture_output=True,
            text=True,
            timeout=_GIT_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
