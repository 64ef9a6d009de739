"""What was spent is on the disk before it is spent, and is never forgotten."""

from pathlib import Path

import pytest

from node.learning.private.charges import ChargedRound, ChargeFile, ChargeKind, ChargesDamaged

KIND = ChargeKind(1000, 250_000_000, "1.958")
CHARGED = tuple(ChargedRound(number, KIND) for number in (1, 2, 2, 5))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = ChargeFile(tmp_path / "privacy.txt")
    for one in CHARGED:
        file.charge(one.round, one.kind)
    return tmp_path / "privacy.txt"


def test_at_first_there_is_nothing(tmp_path: Path) -> None:
    file = ChargeFile(tmp_path / "privacy.txt")
    assert (file.is_there, file.kind, file.charged) == (False, None, ())


def test_every_charge_is_there_again_also_two_for_one_round(path: Path) -> None:
    assert ChargeFile(path).charged == CHARGED
    assert ChargeFile(path).kind == KIND


def test_a_line_that_a_crash_cut_short_was_not_trained_on(path: Path) -> None:
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for length in range(1, len(lines[-1])):
        path.write_bytes(whole[: len(whole) - length])
        file = ChargeFile(path)
        assert file.charged == CHARGED[:-1]
        file.charge(5, KIND)
        assert path.read_bytes() == whole


def test_any_other_damage_stops_the_peer(path: Path) -> None:
    whole = path.read_bytes()
    for place in range(len(whole) - 1):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ChargesDamaged, match="what this peer has spent of its privacy is not known"):
            ChargeFile(path)


def test_a_line_that_is_missing_stops_the_peer(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    for missing in range(len(lines) - 1):
        path.write_bytes(b"".join(lines[:missing] + lines[missing + 1 :]))
        with pytest.raises(ChargesDamaged, match="lacks a line before line"):
            ChargeFile(path)


def test_charges_of_two_kinds_are_not_one_peers(path: Path) -> None:
    other = ChargeFile(path.with_name("other.txt"))
    for number in (1, 2, 3, 4, 5):
        other.charge(number, ChargeKind(2000, 125_000_000, "1.958"))
    path.write_bytes(path.read_bytes() + other._path.read_bytes().splitlines(keepends=True)[4])
    with pytest.raises(ChargesDamaged, match="several kinds"):
        ChargeFile(path)


def test_what_is_known_from_an_update_is_put_in_place(path: Path) -> None:
    path.unlink()
    file = ChargeFile(path)
    file.restore(2, KIND)
    file.charge(9, KIND)
    assert ChargeFile(path).charged == (*[ChargedRound(0, KIND)] * 2, ChargedRound(9, KIND))


def test_a_disk_that_was_full_leaves_no_half_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ChargeFile(path)

    def fill(path: Path, data: bytes) -> None:
        with path.open("ab") as stream:
            stream.write(data[: len(data) // 2])
        raise OSError(28, "no space left on the device")

    with monkeypatch.context() as patch:
        patch.setattr("node.learning.private.charges.append", fill)
        with pytest.raises(OSError, match="no space left"):
            file.charge(6, KIND)
    assert file.charged == CHARGED
    file.charge(6, KIND)
    assert ChargeFile(path).charged == (*CHARGED, ChargedRound(6, KIND))
