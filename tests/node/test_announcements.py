"""The journal of announcements: never two of one round by one key, whatever happens to the process."""

from pathlib import Path

import pytest

from node.announcements import AnnouncementJournal

ONE, OTHER = b"\1" * 32, b"\2" * 32
AUTHOR = "0x0101010101010101010101010101010101010101"


def test_the_same_may_be_signed_again_and_another_never(tmp_path: Path) -> None:
    path = tmp_path / "announced.txt"
    assert AnnouncementJournal(path).may_sign(1, AUTHOR, ONE)
    for journal in [AnnouncementJournal(path)] * 2:
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


def test_a_long_journal_is_cut_down_to_its_newest_rounds(tmp_path: Path) -> None:
    path = tmp_path / "announced.txt"
    path.write_text("".join(f"{number} {AUTHOR} {ONE.hex()}\n" for number in range(8200)))
    journal = AnnouncementJournal(path)
    assert len(path.read_text().splitlines()) == 4096
    assert not journal.may_sign(8199, AUTHOR, OTHER)
