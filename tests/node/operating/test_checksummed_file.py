"""Fields on disk: as they were written, or not at all."""

from pathlib import Path

import pytest

from node.operating.checksummed_file import ChecksummedFile, UnusableFile
from tests.support.disk_steps import DiskSteps

NETWORK = b"\7" * 32
BEFORE = {"network": NETWORK, "rounds": {1: [b"\1", None]}}
AFTER = {"network": NETWORK, "rounds": {2: [b"\2", 0.5]}}


@pytest.fixture
def file(tmp_path: Path) -> ChecksummedFile:
    return ChecksummedFile(tmp_path / "fields.bin", b"TST1")


def test_fields_come_back_as_they_were_written(file: ChecksummedFile) -> None:
    assert file.read(NETWORK) is None
    for fields in (BEFORE, AFTER):
        file.write(fields)
        assert file.read(NETWORK) == fields


def test_every_write_is_synced_and_so_is_its_name(file: ChecksummedFile, disk: DiskSteps) -> None:
    file.write(BEFORE)
    assert disk.kinds == ["fsync fields.bin.tmp", "replace fields.bin", f"fsync {file.path.parent.name}"]


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_disk_that_fails_at_any_step_leaves_the_old_fields_or_the_new_ones(
    file: ChecksummedFile, disk: DiskSteps, step: int
) -> None:
    file.write(BEFORE)
    disk.fail_at = len(disk.steps) + step
    with pytest.raises(OSError, match="No space left"):
        file.write(AFTER)
    assert file.read(NETWORK) == (AFTER if step == 2 else BEFORE)


def test_a_file_that_was_cut_or_changed_is_damaged_and_kept_under_another_name(file: ChecksummedFile) -> None:
    file.write(BEFORE)
    whole = file.path.read_bytes()
    changed = [bytes((*whole[:at], whole[at] ^ 1, *whole[at + 1 :])) for at in range(len(whole))]
    for damaged in (*(whole[:length] for length in range(len(whole))), *changed):
        file.path.write_bytes(damaged)
        with pytest.raises(UnusableFile) as unusable:
            file.read(NETWORK)
        assert unusable.value.fault == "damaged"
        assert unusable.value.aside.read_bytes() == damaged
        assert file.read(NETWORK) is None


def test_another_circles_fields_and_another_kind_of_file_are_not_read(file: ChecksummedFile) -> None:
    file.write(BEFORE)
    with pytest.raises(UnusableFile, match="of another circle"):
        file.read(b"\0" * 32)
    ChecksummedFile(file.path, b"TST2").write(BEFORE)
    with pytest.raises(UnusableFile, match="damaged"):
        file.read(NETWORK)
