"""The journal of pins says which are a peer's own, of one daemon, whatever lies beside."""

from pathlib import Path

from ledger.blobs.cid import DAG_PB, RAW, Cid
from node.blobs.pin_journal import PinJournal

ONE, OTHER = Cid(RAW, bytes(32)), Cid(DAG_PB, bytes([7]) * 32)


def test_what_is_noted_is_there_after_a_restart_and_what_is_forgotten_is_not(tmp_path: Path) -> None:
    journal = PinJournal(tmp_path / "pins", "daemon")
    for cid in (ONE, OTHER):
        journal.note(cid)
    journal.note(ONE)
    assert PinJournal(tmp_path / "pins", "daemon").read() == {ONE.digest: ONE, OTHER.digest: OTHER}
    journal.forget(ONE.digest)
    journal.forget(ONE.digest)
    assert PinJournal(tmp_path / "pins", "daemon").read() == {OTHER.digest: OTHER}


def test_pins_at_one_daemon_are_none_at_another(tmp_path: Path) -> None:
    PinJournal(tmp_path, "one").note(ONE)
    assert PinJournal(tmp_path, "other").read() == {}


def test_files_that_are_no_notes_are_passed_over(tmp_path: Path) -> None:
    journal = PinJournal(tmp_path, "daemon")
    journal.note(ONE)
    folder = tmp_path / "daemon"
    (folder / "notes.txt").write_text(ONE.text)
    (folder / OTHER.digest.hex()).write_text(ONE.text)
    (folder / ("ff" * 32)).write_bytes(b"\xff\xfe")
    assert journal.read() == {ONE.digest: ONE}
