"""The machine and the program: versions, memory, cores, open files."""

import os
import platform
import re
import resource
import sys
from importlib import metadata
from pathlib import Path
from typing import Final

from node.doctor.findings import Notebook
from node.operating.descriptors import NEEDED

_PYTHON: Final = (3, 11)
_MEMORY_WANTED: Final = 1 << 30
_REQUIREMENT: Final = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*\(?([^;)]*)\)?\s*(?:;\s*(.*))?$")
_BOUND: Final = re.compile(r"(>=|<)\s*([0-9][0-9a-zA-Z.]*)")
_OTHERS: Final = 1024


def look_at_program(notebook: Notebook) -> None:
    """Python's version, this program's, and its packages against what it asks for."""
    here = platform.python_version()
    if sys.version_info < _PYTHON:
        notebook.wrong("python", f"Python {here}", "install Python 3.11 or newer")
    else:
        notebook.ok("python", f"Python {here}")
    try:
        wanted = metadata.requires("folkmoot") or []
        own = metadata.version("folkmoot")
    except metadata.PackageNotFoundError:
        notebook.warn("packages", "this program is not installed as a package", "install it with pip")
        return
    missing, other = [], []
    for text in wanted[:_OTHERS]:
        name, bounds, marker = parse_requirement(text)
        if "extra" in marker:
            continue
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if not fits(found, bounds):
            other.append(f"{name} {found} (wanted {bounds})")
    if missing or other:
        saw = "; ".join([*(f"{name} is missing" for name in missing), *other])
        notebook.wrong("packages", saw, "install what pyproject.toml asks for: pip install --upgrade folkmoot")
    else:
        notebook.ok("packages", f"folkmoot {own}, torch {metadata.version('torch')}, and all that it asks for")


def parse_requirement(text: str) -> tuple[str, str, str]:
    """Name, bounds and marker of a requirement as package metadata has it."""
    found = _REQUIREMENT.match(text)
    return (found[1], found[2].strip(), found[3] or "") if found else (text, "", "")


def fits(version: str, bounds: str) -> bool:
    """Whether a version keeps to `>=` and `<`; other kinds of bounds are not looked at."""
    mine = _numbers(version)
    for kind, text in _BOUND.findall(bounds):
        bound = _numbers(text)
        if (kind == ">=" and mine < bound) or (kind == "<" and mine >= bound):
            return False
    return True


def _numbers(version: str) -> list[int]:
    """The release's numbers, without zeros at the end: 2.0 is 2."""
    head = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(one) for one in head[0].split(".")] if head else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers


def look_at_machine(notebook: Notebook, meminfo: Path = Path("/proc/meminfo")) -> None:
    """Memory, cores and open files. meminfo: where the system tells of its memory."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    notebook.ok("cores", f"{cores} for this process, of which a node's training uses one")
    free = _read_available(meminfo)
    if free is None:
        notebook.warn("memory", "how much is free is not known here", "see that 1 GiB is free for a small model")
    elif free < _MEMORY_WANTED:
        saw = f"{free >> 20} MiB are free"
        notebook.warn("memory", saw, "free some: a node of a small model takes about 300 MiB, larger models more")
    else:
        notebook.ok("memory", f"{free >> 20} MiB are free")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < NEEDED:
        notebook.wrong(
            "open files", f"{hard} at most, a node needs {NEEDED}", f"raise the limit: ulimit -n {NEEDED}"
        )
    else:
        told = "without a limit" if hard == resource.RLIM_INFINITY else f"{hard} at most"
        notebook.ok("open files", f"{told}, {NEEDED} are needed")


def _read_available(meminfo: Path) -> int | None:
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo.read_text()[:8192], re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) << 10 if found else None
