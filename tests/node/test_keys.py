"""Keystores: encrypted, private to their owner, never overwritten, and errors that say what to do."""

import io
import json
import stat
from pathlib import Path

import pytest
from eth_account import Account

from ledger.errors import SetupError
from node.keys import address_of, load_key, new_key, read_password

CHEAP = 1 << 2  # scrypt's n: these keys guard nothing


@pytest.fixture
def keystore(tmp_path: Path) -> Path:
    new_key(tmp_path / "key.json", "secret", CHEAP)
    return tmp_path / "key.json"


def test_a_new_key_opens_with_its_password_and_has_the_address_it_says(tmp_path: Path) -> None:
    address = new_key(tmp_path / "key.json", "secret", CHEAP)
    assert Account.from_key(load_key(tmp_path / "key.json", "secret")).address == address
    assert address_of(tmp_path / "key.json") == address


def test_a_keystore_is_readable_by_its_owner_only_and_holds_no_plain_key(keystore: Path) -> None:
    assert stat.S_IMODE(keystore.stat().st_mode) == 0o600
    assert load_key(keystore, "secret").hex() not in keystore.read_text()


def test_by_default_guessing_a_password_is_made_costly(tmp_path: Path) -> None:
    new_key(tmp_path / "key.json", "secret")
    parameters = json.loads((tmp_path / "key.json").read_text())["crypto"]["kdfparams"]
    assert parameters["n"] >= 1 << 15


def test_two_keys_differ(tmp_path: Path) -> None:
    assert new_key(tmp_path / "a.json", "secret", CHEAP) != new_key(tmp_path / "b.json", "secret", CHEAP)


def test_a_wrong_password_is_said_to_be_one(keystore: Path) -> None:
    with pytest.raises(SetupError, match="does not open: wrong password"):
        load_key(keystore, "guess")


def test_no_key_is_ever_overwritten(keystore: Path) -> None:
    before = keystore.read_bytes()
    with pytest.raises(SetupError, match="exists already and keys are never overwritten"):
        new_key(keystore, "secret", CHEAP)
    assert keystore.read_bytes() == before


def test_a_link_is_not_followed_to_overwrite_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "target.json")
    with pytest.raises(SetupError):
        new_key(tmp_path / "link.json", "secret", CHEAP)
    assert not (tmp_path / "target.json").exists()


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"cannot be written .*choose another place"):
        new_key(tmp_path / "missing" / "key.json", "secret", CHEAP)


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "7", '{"address": 5}', '{"address": "0x12"}'])
def test_what_is_no_keystore_has_no_address(tmp_path: Path, text: str) -> None:
    (tmp_path / "key.json").write_text(text)
    with pytest.raises(SetupError, match="is no keystore: `folkmoot keys new` makes one"):
        address_of(tmp_path / "key.json")


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b'{"crypto": {}}',
        b'{"version": 3, "crypto": 5}',
        b"\xff\xfe\x00",
        b'{"version": 3, "crypto": {"kdf": "x"}}',
        b'{"address": "0x' + b"zz" * 20 + b'"}',
    ],
)
def test_what_is_no_keystore_does_not_open(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "key.json").write_bytes(raw)
    with pytest.raises(SetupError, match="keystore"):
        load_key(tmp_path / "key.json", "secret")
    with pytest.raises(SetupError, match="is no keystore"):
        address_of(tmp_path / "key.json")


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "key.json").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(SetupError, match="is no keystore: it is too large"):
        load_key(tmp_path / "key.json", "secret")


def test_a_missing_keystore_says_how_to_make_one(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    with pytest.raises(SetupError, match=f"`folkmoot keys new {path}` makes a key"):
        load_key(path, "secret")


def test_the_password_is_the_files_first_line(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("open sesame\r\nsecond line\n")
    assert read_password(tmp_path / "password", "") == "open sesame"


@pytest.mark.parametrize(
    ("raw", "expected"), [(None, "cannot be read"), (b"", "is empty"), (b"\xff\xff", "cannot be read")]
)
def test_a_password_file_without_a_password_is_a_sentence(tmp_path: Path, raw: bytes | None, expected: str) -> None:
    if raw is not None:
        (tmp_path / "password").write_bytes(raw)
    with pytest.raises(SetupError, match=expected):
        read_password(tmp_path / "password", "")


def test_where_nobody_can_type_a_password_the_option_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("getpass.getpass", closed)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(SetupError, match="use --password-file"):
        read_password(None, "password: ")
