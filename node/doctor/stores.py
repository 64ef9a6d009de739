"""The node's folder: rights, room on its disk, a process that holds it, files that are half written or damaged."""

import os
from itertools import islice
from pathlib import Path
from typing import Final

from ledger.files import opened_regular
from node.doctor.findings import Notebook
from node.operating.disk import measure_room

_LOCKS: Final = Path("/proc/locks")
_ENTRIES_MAX: Final = 100_000
_PID_MAX_BYTES: Final = 32


def look_at_data(notebook: Notebook, path: Path | None) -> None:
    """What a peer trains on. path: of --data, None where none was given: then its task finds its data by itself."""
    if path is None:
        return
    if not path.exists():
        notebook.wrong(
            "data", f"{path} is not there", "name the file or folder that this peer trains on with --data"
        )
    elif not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        notebook.wrong("data", f"{path} cannot be read by this user", "make it readable for the node")
    else:
        notebook.ok("data", f"{path} is there and can be read")


def look_at_folder(notebook: Notebook, folder: Path | None) -> None:
    """folder: of --folder, None where none was given."""
    if folder is None:
        notebook.warn(
            "folder", "no --folder was given", "name the node's folder, or its --config, to have it looked at"
        )
        return
    if not folder.exists():
        _look_above(notebook, folder)
    elif not folder.is_dir():
        notebook.wrong("folder", f"{folder} is no folder", "choose another with --folder")
        return
    else:
        _look_inside(notebook, folder)
    try:
        room = measure_room(folder)
    except OSError as error:
        notebook.wrong(
            "disk", f"the disk of {folder} cannot be looked at ({error.strerror})", "see what is mounted"
        )
        return
    told = f"{room.free_bytes >> 20} of {room.size_bytes >> 20} MiB are free"
    told += "" if room.free_inodes is None else f", {room.free_inodes} more files can be made"
    if room.complaint:
        notebook.wrong("disk", room.complaint, "make room, or choose a folder on another disk with --folder")
    else:
        notebook.ok("disk", told)


def find_holder(folder: Path) -> str | None:
    """Who holds a node's folder, in words; None for nobody. Takes no lock: a node may be starting just now."""
    lock = folder / "lock"
    try:
        with opened_regular(lock) as file:
            found = os.fstat(file.fileno())
            said = file.read(_PID_MAX_BYTES).decode("ascii", "replace").strip()
    except OSError:
        return None
    process = f"process {said}" if said.isdecimal() else "a process"
    try:
        lines = _LOCKS.read_text().splitlines()
    except OSError:
        return process if said.isdecimal() and _is_alive(int(said)) else None
    end = f":{found.st_ino}"
    held = any("FLOCK" in line and any(word.endswith(end) for word in line.split()) for line in lines)
    return process if held else None


def _look_above(notebook: Notebook, folder: Path) -> None:
    place = next(one for one in folder.absolute().parents if one.exists())
    if os.access(place, os.W_OK | os.X_OK):
        notebook.ok("folder", f"{folder} is not there yet and can be made")
    else:
        do = "make it writable for this user or choose another with --folder"
        notebook.wrong("folder", f"{folder} is not there, and {place} is not writable", do)


def _look_inside(notebook: Notebook, folder: Path) -> None:
    holder = find_holder(folder)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        do = "make it readable and writable for this user (chown, chmod u+rwx)"
        notebook.wrong("folder", f"{folder} is not this user's to read and write", do)
        return
    if folder.stat().st_mode & 0o077:
        notebook.warn("folder", f"{folder} is open to other users of this machine", f"run chmod 700 {folder}")
    else:
        notebook.ok("folder", f"{folder} is this user's alone")
    if holder is None:
        notebook.ok("lock", "no process holds the folder")
    else:
        notebook.warn("lock", f"{holder} holds the folder", "a node is running: stop it before another is started")
    _look_at_files(notebook, folder, is_held=holder is not None)


def _look_at_files(notebook: Notebook, folder: Path, *, is_held: bool) -> None:
    closed, torn, damaged = [], [], []
    for path in islice(folder.rglob("*"), _ENTRIES_MAX):
        name = path.name
        if name.endswith(".damaged"):
            damaged.append(path)
        elif name.endswith(".tmp") or path.parent.name == "partial":
            torn.append(path)
        wanted = os.R_OK | os.W_OK | (os.X_OK if path.is_dir() else 0)
        if not path.is_symlink() and not os.access(path, wanted):
            closed.append(path)
    if closed:
        do = f"give the whole folder to this user: chown -R {os.geteuid()} {folder}"
        notebook.wrong("files", f"{len(closed)} files are not this user's, e.g. {closed[0]}", do)
    if damaged:
        do = "keep a copy for whoever looks into it, and see whether the disk is sound"
        notebook.warn("files", f"{len(damaged)} files were set aside as damaged, e.g. {damaged[0]}", do)
    if torn and not is_held:
        do = "nothing: the next start clears them away; where they come again, see whether the node is being killed"
        notebook.warn("files", f"{len(torn)} half-written files of a process that died", do)
    if not (closed or damaged or (torn and not is_held)):
        notebook.ok("files", "none is half written, damaged or of another user")


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
