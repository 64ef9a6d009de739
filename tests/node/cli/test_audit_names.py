"""What an auditor calls addresses is taken from a file, and nothing in it gets past what a terminal bears."""

from pathlib import Path

import pytest

from ledger.circle.events import Moved
from ledger.errors import UsageError
from node.cli.audit_names import Names, list_seat_names, read_names
from tests.support.histories.moments import history_of, settled
from tests.support.histories.parts import address


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("names.toml", f'{address(4)} = "Clinic Nord"\n"{address(5).lower()}" = " Süd "'),
        ("names.json", f'{{"{address(4)}": "Clinic Nord", "{address(5).lower()}": " Süd "}}'),
    ],
)
def test_names_stand_beside_addresses(file: str, text: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(text)
    names = read_names(tmp_path / file)
    assert names.describe(address(4)) == f"Clinic Nord ({address(4)})"
    assert names.describe_shortly(address(5)) == f"(Süd, {address(5)[:6]}…{address(5)[-4:]})"
    assert names.describe(address(6)) == address(6)
    assert names.to_fields() == {address(4): "Clinic Nord", address(5): "Süd"}


PLACE = "wss://127.0.0.1:1 http://127.0.0.1:1 name="


def test_what_seats_call_themselves_stands_in_quotation_marks_unless_the_auditor_knows_better() -> None:
    moves = [Moved(seat, f"{PLACE}{name}") for seat, name in ((0, "Nord"), (1, "nord"), (2, "%22%29%20clean"))]
    names = Names({address(1): "Clinic South"}).beside(history_of(*settled(0, 1, 2, 3), *moves))
    assert names.describe(address(0)) == f'"Nord" (like seat 1\'s) ({address(0)})'
    assert names.describe(address(1)) == f"Clinic South ({address(1)})"
    assert names.describe(address(2)) == address(2)
    assert names.annotate(f"sent by {address(0)}") == f'sent by "Nord" (like seat 1\'s) ({address(0)})'
    assert names.to_fields() == {address(1): "Clinic South"}
    assert names.beside(None) is names
    assert list_seat_names(history_of(*moves))[0] == {"seat": 0, "name": "Nord", "name_marks": ["like seat 1's"]}
    assert list_seat_names(None) == []


def test_without_a_file_nobody_has_a_name() -> None:
    assert read_names(None).find(address(1)) == ""
    assert Names().describe_shortly("") == ""


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("a.toml", 'x = "name"', "is no address"),
        ("a.toml", "0x12 = 'name'", "is no address"),
        ("a.toml", f"{address(1)} = 7", "is no TOML"),
        ("a.toml", f"{address(1)} = '  '", "has no name"),
        ("a.toml", f'{address(1)} = "a\\u001b[2Jb"', "cannot be shown"),
        ("a.toml", f'{address(1)} = "a\\nb"', "cannot be shown"),
        ("a.json", f'{{"{address(1)}": "a\\u202eb"}}', "cannot be shown"),
        ("a.toml", f"{address(1)} = '{'x' * 61}'", "at most 60 characters"),
        ("a.toml", f"{address(1)} = '{address(2)}'", "begins like an address"),
        ("a.json", f'{{"{address(1)}": "a", "{address(1).lower()}": "b"}}', "stands there twice"),
        ("a.toml", "= = =", "is no TOML"),
        ("a.toml", "x = " + "[" * 100_000, "is no TOML"),
        ("a.json", f'{{"{address(1)}": {"[" * 100_000}', "is no JSON"),
        ("a.json", "[" * 100_000, "is no JSON"),
        ("a.json", "[]", "is no JSON"),
        ("a.json", "{" + ",".join(f'"{n}": "x"' for n in range(5000)) + "}", "more than 4096"),
        ("a.toml", "#" * ((1 << 20) + 1), "more than 1048576 bytes"),
    ],
)  # fmt: skip
def test_a_file_that_names_nobody_is_refused_in_a_sentence(file: str, text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(text)
    with pytest.raises(UsageError, match=says):
        read_names(tmp_path / file)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name a file that can be read"):
        read_names(tmp_path / "absent.toml")
    with pytest.raises(UsageError, match="name a file that can be read"):
        read_names(tmp_path)
    (tmp_path / "names.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is no TOML"):
        read_names(tmp_path / "names.toml")
