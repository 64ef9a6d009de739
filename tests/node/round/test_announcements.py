"""The journal of announcements: never two of one round by one key, whatever happens to the process."""

import hashlib
from pathlib import Path

import pytest

from node.round.announcements import AnnouncementJournal
from tests.support.disk_steps import DiskSteps

pytestmark = pytest.mark.rule("R16.1")

ONE, OTHER = b"\1" * 32, b"\2" * 32
AUTHOR = "0x0101010101010101010101010101010101010101"


def test_the_same_may_be_signed_again_and_another_never(tmp_path: Path) -> None:
    path = tmp_path / "announced.txt"
    assert AnnouncementJournal(path).may_sign(1, AUTHOR, ONE)
    for journal in [AnnouncementJournal(path), AnnouncementJournal(path)]:
        assert journal.may_sign(1, AUTHOR, ONE)
        assert not journal.may_sign(1, AUTHOR, OTHER)
        assert journal.may_sign(2, AUTHOR, OTHER)
    # A rotated key is another author: what the former one signed does not bind it.
    assert AnnouncementJournal(path).may_sign(1, AUTHOR.replace("1", "3"), OTHER)


@pytest.mark.parametrize("cut", range(1, 112))
def test_after_a_crash_in_the_middle_of_a_line_no_two_are_signed(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "announced.txt"
    AnnouncementJournal(path).may_sign(7, AUTHOR, ONE)
    raw = path.read_bytes()
    path.write_bytes(raw[:-cut])
    journal = AnnouncementJournal(path)
    signed = [digest for digest in (OTHER, ONE) if journal.may_sign(7, AUTHOR, digest)]
    assert len(signed) == 1
    again = AnnouncementJournal(path)
    assert [digest for digest in (OTHER, ONE) if again.may_sign(7, AUTHOR, digest)] == signed


@pytest.mark.parametrize("cut", [1, 9, 60])
def test_what_is_noted_behind_a_line_cut_short_is_whole(tmp_path: Path, cut: int) -> None:
    """A new line must not be glued to what the crash left of the last one."""
    path = tmp_path / "announced.txt"
    for number in (7, 8):
        AnnouncementJournal(path).may_sign(number, AUTHOR, ONE)
    path.write_bytes(path.read_bytes()[:-cut])
    AnnouncementJournal(path).may_sign(9, AUTHOR, ONE)
    again = AnnouncementJournal(path)
    assert again.is_whole
    assert [again.may_sign(number, AUTHOR, OTHER) for number in (7, 8, 9)] == [False, True, False]


def test_of_a_file_beyond_all_measure_the_newest_lines_are_read(tmp_path: Path) -> None:
    path, count = tmp_path / "announced.txt", 36_000
    path.write_bytes(b"".join(line_of(number) for number in range(count)))
    assert path.stat().st_size > 1 << 22
    journal = AnnouncementJournal(path)
    assert journal.is_whole
    assert not journal.may_sign(count - 1, AUTHOR, OTHER)
    assert path.stat().st_size < 1 << 20


def test_a_long_journal_is_cut_down_to_its_newest_rounds(tmp_path: Path) -> None:
    path = tmp_path / "announced.txt"
    AnnouncementJournal(path).may_sign(0, AUTHOR, ONE)
    path.write_bytes(b"".join(line_of(number) for number in range(8200)))
    journal = AnnouncementJournal(path)
    assert len(path.read_text().splitlines()) == 4096
    assert not journal.may_sign(8199, AUTHOR, OTHER)


def line_of(number: int) -> bytes:
    said = f"{number} {AUTHOR} {ONE.hex()}"
    return f"{said} {hashlib.sha256(said.encode()).hexdigest()[:8]}\n".encode()


def test_an_announcement_is_on_the_disk_before_it_may_be_signed(tmp_path: Path, disk: DiskSteps) -> None:
    assert AnnouncementJournal(tmp_path / "announced.txt").may_sign(1, AUTHOR, ONE)
    assert disk.steps == [("fsync", "announced.txt", len(line_of(1))), ("fsync", tmp_path.name, 0)]


@pytest.mark.parametrize("step", [0, 1])
def test_what_could_not_be_noted_is_not_signed_and_noted_at_the_next_try(
    tmp_path: Path, disk: DiskSteps, step: int
) -> None:
    journal = AnnouncementJournal(tmp_path / "announced.txt")
    disk.fail_at = step
    with pytest.raises(OSError, match="No space left"):
        journal.may_sign(1, AUTHOR, ONE)
    disk.fail_at = None
    assert journal.may_sign(1, AUTHOR, OTHER)
    assert not AnnouncementJournal(tmp_path / "announced.txt").may_sign(1, AUTHOR, ONE)


def test_a_journal_says_whether_it_holds_all(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "announced.txt"
    assert not AnnouncementJournal(path).is_whole
    AnnouncementJournal(path).settle(is_new=True, number=7)
    journal = AnnouncementJournal(path)
    assert journal.is_whole
    for number in (1, 2):
        assert journal.may_sign(number, AUTHOR, ONE)
    assert AnnouncementJournal(path).is_whole
    raw = bytearray(path.read_bytes())
    raw[0] ^= 4
    path.write_bytes(raw)
    damaged = AnnouncementJournal(path)
    assert not damaged.is_whole
    assert f"journal damaged, it may lack announcements file={path}" in caplog.text
    damaged.settle(is_new=False, number=2)
    assert path.with_name("announced.txt.damaged").read_bytes() == raw
    for again in (damaged, AnnouncementJournal(path)):
        assert again.is_whole
        assert again.may_sign(2, AUTHOR, ONE), "it is noted"
        assert not again.may_sign(1, AUTHOR, ONE), "another of this round may be out"
        assert not again.may_sign(3, AUTHOR, ONE)
        assert again.may_sign(4, AUTHOR, ONE)


def test_a_journal_that_is_not_there_keeps_a_key_that_had_a_seat_silent_for_two_rounds(tmp_path: Path) -> None:
    path = tmp_path / "announced.txt"
    AnnouncementJournal(path).settle(is_new=False, number=5)
    for _ in range(2):
        again = AnnouncementJournal(path)
        again.settle(is_new=False, number=9)
        assert [again.may_sign(number, AUTHOR, ONE) for number in (5, 6)] == [False, False]
    assert AnnouncementJournal(path).may_sign(7, AUTHOR, ONE)
    new = AnnouncementJournal(tmp_path / "new.txt")
    new.settle(is_new=True, number=5)
    assert new.may_sign(5, AUTHOR, ONE)
