"""Keystores: encrypted, private to their owner, never overwritten, and errors that say what to do."""

import io
import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from ledger.errors import SetupError
from node.cli.main import main
from node.seat.keys import address_of, load_key, new_key, read_password, read_private_key, write_key

CHEAP = 1 << 2  # scrypt's n: these keys guard nothing


def private(path: Path, raw: bytes) -> Path:
    """A file of its owner only."""
    path.touch(0o600)
    path.write_bytes(raw)
    return path


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
    private(tmp_path / "password", b"open sesame\r\nsecond line\n")
    assert read_password(tmp_path / "password", "") == "open sesame"


@pytest.mark.parametrize(
    ("raw", "expected"), [(None, "cannot be read"), (b"", "is empty"), (b"\xff\xff", "cannot be read")]
)
def test_a_password_file_without_a_password_is_a_sentence(tmp_path: Path, raw: bytes | None, expected: str) -> None:
    if raw is not None:
        private(tmp_path / "password", raw)
    with pytest.raises(SetupError, match=expected):
        read_password(tmp_path / "password", "")


def test_where_nobody_can_type_a_password_the_option_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("getpass.getpass", closed)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(SetupError, match="use --password-file"):
        read_password(None, "password: ")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o602])
def test_a_password_that_others_can_read_is_refused_with_the_command_that_mends_it(
    tmp_path: Path, mode: int
) -> None:
    path = private(tmp_path / "password", b"secret\n")
    path.chmod(mode)
    with pytest.raises(SetupError, match=f"can be read by others on this machine: run `chmod 600 {path}`"):
        read_password(path, "")
    path.chmod(0o600)
    assert read_password(path, "") == "secret"


def test_a_password_that_its_owner_cannot_hide_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Orchestrators mount secrets read-only and readable; nobody here could run chmod on them."""
    path = private(tmp_path / "password", b"secret\n")
    path.chmod(0o444)
    monkeypatch.setattr("os.access", lambda *_: False)
    assert read_password(path, "") == "secret"


def test_a_password_may_come_through_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path, 0o644)
    writer = threading.Thread(target=path.write_bytes, args=(b"secret\n",))
    writer.start()
    assert read_password(path, "") == "secret"
    writer.join()


# ------------------------------------------------------------------------------------------------ other programs'


GETH: dict[str, Any] = {  # of go-ethereum's test data: password "testpassword"
    "address": "008aeeda4d805471df9b2a5b0f38a0c3bcba786b",
    "crypto": {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
        "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
        "kdf": "pbkdf2",
        "kdfparams": {
            "c": 262144,
            "dklen": 32,
            "prf": "hmac-sha256",
            "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
        },
        "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
    },
    "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    "version": 3,
}


def test_a_keystore_of_another_program_opens(tmp_path: Path) -> None:
    (tmp_path / "geth.json").write_text(json.dumps(GETH))
    key = load_key(tmp_path / "geth.json", "testpassword")
    assert key.hex() == "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"
    assert address_of(tmp_path / "geth.json").lower() == "0x" + str(GETH["address"])


@pytest.mark.parametrize(
    "changes",
    [
        {"kdf": "scrypt", "kdfparams": {"n": 1 << 40, "r": 8, "p": 1, "dklen": 32, "salt": "00"}},
        {"kdf": "scrypt", "kdfparams": {"n": 1 << 18, "r": 8, "p": 1 << 20, "dklen": 32, "salt": "00"}},
        {"kdfparams": {"c": 1 << 60, "dklen": 32, "prf": "hmac-sha256", "salt": "00"}},
        {"kdfparams": {"c": 1, "dklen": 1 << 60, "prf": "hmac-sha256", "salt": "00"}},
    ],
)
def test_a_keystore_that_would_take_for_ever_is_not_opened(tmp_path: Path, changes: dict[str, object]) -> None:
    (tmp_path / "key.json").write_text(json.dumps(GETH | {"crypto": GETH["crypto"] | changes}))
    with pytest.raises(SetupError, match="more memory or time than any keystore needs"):
        load_key(tmp_path / "key.json", "secret")


@pytest.mark.parametrize("place", range(0, 500, 23))
def test_a_damaged_keystore_is_one_sentence(keystore: Path, place: int) -> None:
    raw = bytearray(keystore.read_bytes())
    raw[place % len(raw)] ^= 0x15
    keystore.write_bytes(raw)
    said = ""
    try:
        load_key(keystore, "secret")  # some bytes, such as those of the id, do not matter
    except SetupError as error:
        said = str(error)
    assert not said or (said.startswith(f"{keystore} ") and "\n" not in said)


@pytest.mark.parametrize("text", [b"0x" + b"1f" * 32 + b"\n", b"1f" * 32, b"1F" * 32 + b"\r\nrest"])
def test_a_private_key_is_read_as_other_programs_write_it(tmp_path: Path, text: bytes) -> None:
    assert read_private_key(private(tmp_path / "raw", text)) == bytes.fromhex("1f" * 32)


@pytest.mark.parametrize("text", [b"1f" * 31, b"zz" * 32, b"00" * 32, b"ff" * 32, b"\n", b"0x"])
def test_what_is_no_private_key_is_refused_without_showing_it(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(SetupError, match="is no private key") as refused:
        read_private_key(private(tmp_path / "raw", text))
    assert text.decode().strip() == "" or text.decode()[:6] not in str(refused.value).replace("0x", "  ")


def test_an_imported_key_is_encrypted_and_never_overwrites(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw, password = private(tmp_path / "raw", b"1f" * 32), private(tmp_path / "password", b"secret\n")
    command = [
        "keys",
        "import",
        str(tmp_path / "key.json"),
        "--key-file",
        str(raw),
        "--password-file",
        str(password),
    ]
    assert main(command) == 0
    address = capsys.readouterr().out.strip()
    assert main(["keys", "address", str(tmp_path / "key.json")]) == 0
    assert capsys.readouterr().out.strip() == address
    assert load_key(tmp_path / "key.json", "secret").hex() == "1f" * 32
    assert main(command) == 3
    assert "keys are never overwritten" in capsys.readouterr().err


def test_a_written_key_has_the_address_it_says(tmp_path: Path) -> None:
    address = write_key(tmp_path / "key.json", bytes.fromhex("1f" * 32), "secret", CHEAP)
    assert address == Account.from_key("1f" * 32).address == address_of(tmp_path / "key.json")


def test_a_keystore_that_names_another_address_than_its_keys_does_not_open(keystore: Path) -> None:
    changed = json.loads(keystore.read_text())
    changed["address"] = "11" * 20
    keystore.write_text(json.dumps(changed))
    with pytest.raises(SetupError, match=r"names 1{40} and holds the key of 0x"):
        load_key(keystore, "secret")


def test_a_keystore_without_an_end_is_not_read_for_ever() -> None:
    with pytest.raises(SetupError, match="is no keystore: it is too large"):
        address_of(Path("/dev/zero"))
