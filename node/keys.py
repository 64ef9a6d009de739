"""The peer's Ethereum key: an encrypted JSON keystore (Web3 Secret Storage), never a key on the command line."""

import getpass
import json
import os
from pathlib import Path
from typing import Final

from eth_account import Account

from ledger.errors import SetupError

_KEYSTORE_MAX_BYTES: Final = 1 << 16
_SCRYPT_COST: Final = 1 << 15


def new_key(path: Path, password: str, cost: int = _SCRYPT_COST) -> str:
    """Make a key, write it encrypted to a new file (mode 0600) and return its address.

    cost: scrypt's n. Raises SetupError if the file exists: no key is ever overwritten.
    """
    account = Account.create()
    keystore = Account.encrypt(account.key, password, kdf="scrypt", iterations=cost)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise SetupError(f"{path} exists already and keys are never overwritten: choose another name") from error
    except OSError as error:
        raise SetupError(f"{path} cannot be written ({error.strerror}): choose another place") from error
    with os.fdopen(descriptor, "w") as file:
        json.dump(keystore, file)
        file.flush()
        os.fsync(file.fileno())
    return str(account.address)


def load_key(path: Path, password: str) -> bytes:
    """The 32-byte private key in a keystore. Raises SetupError for a wrong password or another kind of file."""
    keystore = _read(path)
    try:
        return bytes(Account.decrypt(keystore, password))
    except (ValueError, KeyError, TypeError) as error:
        raise SetupError(f"{path} does not open: wrong password, or no keystore ({error})") from error


def address_of(path: Path) -> str:
    """The address a keystore names, without opening it. Raises SetupError."""
    address = _read(path).get("address")
    from eth_utils.address import is_hex_address, to_checksum_address

    if not isinstance(address, str) or not is_hex_address(address):
        raise SetupError(f"{path} is no keystore: `folkmoot keys new` makes one")
    return str(to_checksum_address(address))


def read_password(file: Path | None, prompt: str) -> str:
    """The first line of a file, or what a person types. Raises SetupError."""
    if file is None:
        try:
            return getpass.getpass(prompt)
        except EOFError as error:
            raise SetupError("no password was given: use --password-file where nobody can type") from error
    try:
        lines = file.read_text().splitlines()
    except OSError as error:
        raise SetupError(f"{file} cannot be read ({error.strerror}): it should hold the key's password") from error
    except UnicodeDecodeError as error:
        raise SetupError(f"{file} cannot be read as text: its first line is the key's password") from error
    if not lines:
        raise SetupError(f"{file} is empty: its first line is the key's password")
    return lines[0]


def _read(path: Path) -> dict[str, object]:
    try:
        if path.stat().st_size > _KEYSTORE_MAX_BYTES:
            raise SetupError(f"{path} is no keystore: it is too large")
        found = json.loads(path.read_text())
    except OSError as error:
        raise SetupError(
            f"{path} cannot be read ({error.strerror}): `folkmoot keys new {path}` makes a key"
        ) from error
    except ValueError as error:
        raise SetupError(f"{path} is no keystore: `folkmoot keys new` makes one") from error
    if not isinstance(found, dict):
        raise SetupError(f"{path} is no keystore: `folkmoot keys new` makes one")
    return found
