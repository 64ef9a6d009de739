"""What is on the disk when: whole or not at all, synced before it counts, and nobody else's to read."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.errors import SetupError
from ledger.files import (
    PUBLIC,
    FolderLock,
    append,
    make_folder,
    opened_regular,
    remove,
    set_aside,
    sweep,
    write_new,
    write_whole,
)
from tests.support.disk_steps import DiskSteps


@pytest.fixture(params=[0o022, 0o000, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_written_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    make_folder(tmp_path / "folder")
    write_whole(tmp_path / "folder" / "whole", b"1")
    write_new(tmp_path / "folder" / "new", b"1")
    append(tmp_path / "folder" / "appended", b"1")
    FolderLock(tmp_path / "folder", "another").release()
    assert mode_of(tmp_path / "folder") == 0o700
    assert {path.name: mode_of(path) for path in (tmp_path / "folder").iterdir()} == dict.fromkeys(
        ("whole", "new", "appended", "lock"), 0o600
    )
    write_whole(tmp_path / "public", b"1", mode=PUBLIC)
    append(tmp_path / "lines", b"1", mode=PUBLIC)
    assert {mode_of(tmp_path / name) for name in ("public", "lines")} == {0o666 & ~umask}


def test_a_file_that_others_could_read_is_private_after_the_next_write(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for name in (path, path.with_name("file.tmp")):
        name.write_bytes(b"old")
        name.chmod(0o644)
    write_whole(path, b"new")
    assert (mode_of(path), path.read_bytes(), list(tmp_path.iterdir())) == (0o600, b"new", [path])


def test_a_file_is_synced_before_it_has_its_name_and_its_folder_after(tmp_path: Path, disk: DiskSteps) -> None:
    write_whole(tmp_path / "file", bytes(100))
    assert disk.steps == [("fsync", "file.tmp", 100), ("replace", "file", 0), ("fsync", tmp_path.name, 0)]


def test_a_new_file_is_synced_before_it_has_its_name_and_its_folder_after(tmp_path: Path, disk: DiskSteps) -> None:
    write_new(tmp_path / "file", bytes(100))
    (synced, _, size), (linked, name, _), folder = disk.steps
    assert (synced, size, linked, name, folder) == ("fsync", 100, "link", "file", ("fsync", tmp_path.name, 0))


def test_what_is_appended_is_synced_and_so_is_the_name_of_a_new_file(tmp_path: Path, disk: DiskSteps) -> None:
    append(tmp_path / "file", bytes(10))
    append(tmp_path / "file", bytes(10))
    assert disk.steps == [("fsync", "file", 10), ("fsync", tmp_path.name, 0), ("fsync", "file", 20)]


def test_a_folder_a_removal_and_a_file_set_aside_are_synced(tmp_path: Path, disk: DiskSteps) -> None:
    (tmp_path / "file").write_bytes(b"damaged")
    make_folder(tmp_path / "folder")
    make_folder(tmp_path / "folder")
    assert set_aside(tmp_path / "file").read_bytes() == b"damaged"
    remove(tmp_path / "file.damaged")
    remove(tmp_path / "file.damaged")
    synced = f"fsync {tmp_path.name}"
    assert disk.kinds == [synced, "replace file.damaged", synced, synced]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_folder_is_synced_into_the_ones_above_it_that_were_made_for_it(tmp_path: Path, disk: DiskSteps) -> None:
    make_folder(tmp_path / "above" / "between" / "folder")
    assert disk.kinds == [f"fsync {tmp_path.name}", "fsync above", "fsync between"]
    make_folder(tmp_path / "above" / "between" / "other")
    assert disk.kinds[3:] == ["fsync between"]


@pytest.mark.parametrize("step", [0, 1, 2])
@pytest.mark.parametrize("write", [write_whole, write_new])
def test_a_disk_that_fails_at_any_step_leaves_the_old_file_or_the_new_one(
    tmp_path: Path, disk: DiskSteps, step: int, write: Callable[[Path, bytes], None]
) -> None:
    old = None if write is write_new else b"old"
    if old is not None:
        (tmp_path / "file").write_bytes(old)
    disk.fail_at = step
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "file", b"new")
    found = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert found == ({"file": b"new"} if step == 2 else {} if old is None else {"file": old})


def test_a_name_that_is_taken_is_never_written_over(tmp_path: Path) -> None:
    write_new(tmp_path / "file", b"first")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "file", b"second")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"file": b"first"}


def test_a_folder_where_a_file_lies_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "file")


# Takes a folder, says so and waits.
HOLD = """
import sys
from pathlib import Path
from ledger.files import FolderLock
lock = FolderLock(Path(sys.argv[1]), "another holder")
print("held", flush=True)
sys.stdin.read()
"""


def holder(folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", HOLD, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_a_folder_is_held_by_one_process_until_that_ends_however_it_ends(
    tmp_path: Path, ending: signal.Signals
) -> None:
    with holder(tmp_path) as process:
        with pytest.raises(SetupError) as refused:
            FolderLock(tmp_path, "another holder")
        process.send_signal(ending)
    said = f"the folder {tmp_path} is in use by another holder (process {process.pid}): stop that one"
    assert str(refused.value).startswith(said)
    FolderLock(tmp_path, "another holder").release()


def test_a_folder_that_was_let_go_can_be_taken_in_the_same_process(tmp_path: Path) -> None:
    first = FolderLock(tmp_path, "another holder")
    with pytest.raises(SetupError, match=f"process {os.getpid()}"):
        FolderLock(tmp_path, "another holder")
    first.release()
    FolderLock(tmp_path, "another holder").release()


def test_a_sweep_leaves_a_living_writers_file_alone(tmp_path: Path) -> None:
    held = tmp_path / "held"
    (tmp_path / "dead").touch()
    process = "import fcntl, sys; f = open(sys.argv[1], 'wb'); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True)"
    command = [sys.executable, "-c", f"{process}; sys.stdin.read()", str(held)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "1\n"
        sweep(tmp_path)
        assert list(tmp_path.iterdir()) == [held]


def test_a_file_that_somebody_named_is_read_and_whatever_would_wait_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"a file")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")
    for name in ("file", "link"):
        with opened_regular(tmp_path / name) as file:
            assert file.read() == b"a file"
    before = len(os.listdir("/proc/self/fd"))
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(OSError, match="it is a pipe or a device, no file"), opened_regular(path):
            raise AssertionError
    for path, error in ((tmp_path, IsADirectoryError), (tmp_path / "none", FileNotFoundError)):
        with pytest.raises(error), opened_regular(path):
            raise AssertionError
    assert len(os.listdir("/proc/self/fd")) == before
