"""Which key acts and which one pays: a keystore's, or on a local test chain a development account's.

Whatever takes its time to import is imported where it is used: every command reads this module.
"""

from pathlib import Path
from typing import Final

from ledger.errors import SetupError

LOCAL_CHAIN_IDS: Final = (1337, 31337)


def open_secret_key(keystore: Path, password_file: Path | None) -> bytes:
    """Open a keystore with the password from a file or a prompt."""
    from node.seat.keys import load_key, read_password

    return load_key(keystore, read_password(password_file, f"password of {keystore}: "))


def open_deployer_key(keystore: Path | None, password_file: Path | None, chain_id: int) -> bytes:
    """The named key; on a local test chain, without one, its first well-known development account."""
    if keystore is not None:
        return open_secret_key(keystore, password_file)
    from ledger.testchain.accounts import DEV_ACCOUNTS

    _check_local(chain_id)
    return bytes.fromhex(DEV_ACCOUNTS[0].key[2:])


def read_deployer_address(keystore: Path | None, chain_id: int) -> str:
    """The account that `open_deployer_key` opens, without its password. Raises SetupError."""
    if keystore is not None:
        from node.seat.keys import address_of

        return address_of(keystore)
    from ledger.testchain.accounts import DEV_ACCOUNTS

    _check_local(chain_id)
    return DEV_ACCOUNTS[0].address


def _check_local(chain_id: int) -> None:
    if chain_id not in LOCAL_CHAIN_IDS:
        raise SetupError(f"chain {chain_id} is no local test chain: name the key that pays with --keystore")
