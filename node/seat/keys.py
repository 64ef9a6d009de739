"""The peer's Ethereum key: an encrypted JSON keystore (Web3 Secret Storage), never a key on the command line."""

import getpass
import json
import os
import re
import stat
from pathlib import Path
from typing import Any, Final

from ledger.errors import SetupError
from ledger.files import write_new
from ledger.untrusted.parsing import decode_json
from ledger.untrusted.text import make_printable

_KEYSTORE_MAX_BYTES: Final = 1 << 16
_SECRET_MAX_BYTES: Final = 1 << 12
_SCRYPT_COST: Final = 1 << 15
# What opening a keystore may take: scrypt needs 128 * n * r bytes; Geth's keystores 256 MiB.
_KDF_MAX_BYTES: Final = 1 << 30
_KDF_MAX_ROUNDS: Final = 1 << 24


def new_key(path: Path, password: str, cost: int = _SCRYPT_COST) -> str:
    """Make a key, write it encrypted to a new file (mode 0600) and return its address.

    cost: scrypt's n. Raises SetupError if the file exists: no key is ever overwritten.
    """
    from eth_account import Account

    return write_key(path, bytes(Account.create().key), password, cost)


def write_key(path: Path, key: bytes, password: str, cost: int = _SCRYPT_COST) -> str:
    """Write a key encrypted to a new file (mode 0600) and return its address. key: 32 bytes. Raises SetupError."""
    from eth_account import Account

    keystore = Account.encrypt(key, password, kdf="scrypt", iterations=cost)
    try:
        write_new(path, json.dumps(keystore).encode())
    except FileExistsError as error:
        raise SetupError(f"{path} exists already and keys are never overwritten: choose another name") from error
    except OSError as error:
        raise SetupError(f"{path} cannot be written ({error.strerror}): choose another place") from error
    return str(Account.from_key(key).address)


def load_key(path: Path, password: str) -> bytes:
    """The 32-byte private key in a keystore. Raises SetupError for a wrong password or another kind of file."""
    from eth_account import Account

    keystore = _read(path)
    _check_kdf(path, keystore)
    try:
        key = bytes(Account.decrypt(keystore, password))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, MemoryError) as error:
        if "MAC mismatch" in str(error):
            raise SetupError(f"{path} does not open: wrong password, or a damaged file") from error
        raise SetupError(f"{path} does not open: it is no keystore, or a damaged one ({error})") from error
    # Commands say and ask who pays by the address that is written in the file: nothing else protects it.
    named, held = keystore.get("address"), str(Account.from_key(key).address)
    if isinstance(named, str) and named.lower().removeprefix("0x") != held.lower().removeprefix("0x"):
        raise SetupError(
            f"{path} names {make_printable(named, 60)} and holds the key of {held}: somebody changed the file, take"
            " it from your copy"
        )
    return key


def address_of(path: Path) -> str:
    """The address a keystore names, without opening it. Raises SetupError."""
    address = _read(path).get("address")
    from eth_utils.address import is_hex_address, to_checksum_address

    if not isinstance(address, str) or not is_hex_address(address):
        raise SetupError(f"{path} is no keystore: `folkmoot keys new` makes one")
    return str(to_checksum_address(address))


def read_password(file: Path | None, prompt: str) -> str:
    """The first line of a file that only its owner can read, or what a person types. Raises SetupError."""
    if file is None:
        return _typed(prompt, "--password-file")
    return _read_secret(file, "the key's password")


def read_private_key(file: Path | None) -> bytes:
    """A key as other programs give it out, 64 hex digits: from a private file, or typed. Raises SetupError."""
    from eth_account import Account

    if file is None:
        text = _typed("private key (64 hex digits): ", "--key-file")
    else:
        text = _read_secret(file, "a private key")
    if not re.fullmatch("(0x)?[0-9a-fA-F]{64}", text.strip()):
        raise SetupError("what was given is no private key: it has 64 hex digits")
    key = bytes.fromhex(text.strip().removeprefix("0x"))
    try:
        Account.from_key(key)
    except ValueError as error:
        raise SetupError("what was given is no private key: its number is out of the curve's range") from error
    return key


def _typed(prompt: str, option: str) -> str:
    try:
        return getpass.getpass(prompt)
    except EOFError as error:
        what = option.removeprefix("--").removesuffix("-file")
        raise SetupError(f"no {what} was given: use {option} where nobody can type") from error


def _read_secret(path: Path, what: str) -> str:
    """The first line of a small file. Raises SetupError where others on this machine could read it."""
    try:
        with path.open("rb") as file:
            _check_private(path, os.fstat(file.fileno()))
            lines = file.read(_SECRET_MAX_BYTES).decode().splitlines()
    except OSError as error:
        raise SetupError(f"{path} cannot be read ({error.strerror}): it should hold {what}") from error
    except UnicodeDecodeError as error:
        raise SetupError(f"{path} cannot be read as text: its first line is {what}") from error
    if not lines:
        raise SetupError(f"{path} is empty: its first line is {what}")
    return lines[0]


def _check_private(path: Path, found: os.stat_result) -> None:
    """A secret that its owner could hide and has not is refused.

    Pipes, and files that a container or its orchestrator mounts read-only, are not this user's to change.
    """
    is_open = stat.S_ISREG(found.st_mode) and found.st_mode & 0o077
    if is_open and found.st_uid == os.geteuid() and os.access(path, os.W_OK):
        raise SetupError(f"{path} can be read by others on this machine: run `chmod 600 {path}`")


def _check_kdf(path: Path, keystore: dict[str, Any]) -> None:
    """A damaged file must not make its opening take all memory, or for ever."""
    crypto = keystore.get("crypto", keystore.get("Crypto"))
    parameters = crypto.get("kdfparams") if isinstance(crypto, dict) else None
    if not isinstance(parameters, dict):
        raise SetupError(f"{path} does not open: it is no keystore, or a damaged one")
    numbers = [parameters.get(name, 1) for name in ("n", "r", "p", "c", "dklen")]
    if not all(isinstance(number, int) and number >= 1 for number in numbers):
        raise SetupError(f"{path} does not open: it is no keystore, or a damaged one")
    n, r, p, rounds, size = numbers
    if 128 * n * r > _KDF_MAX_BYTES or p * n * r > _KDF_MAX_ROUNDS or rounds > _KDF_MAX_ROUNDS or size > 256:
        raise SetupError(f"{path} does not open: it asks for more memory or time than any keystore needs")


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(_KEYSTORE_MAX_BYTES + 1)
        if len(raw) > _KEYSTORE_MAX_BYTES:
            raise SetupError(f"{path} is no keystore: it is too large")
        found = decode_json(raw)
    except OSError as error:
        raise SetupError(
            f"{path} cannot be read ({error.strerror}): `folkmoot keys new {path}` makes a key"
        ) from error
    except ValueError as error:
        raise SetupError(f"{path} is no keystore: `folkmoot keys new` makes one") from error
    if not isinstance(found, dict):
        raise SetupError(f"{path} is no keystore: `folkmoot keys new` makes one")
    return found
