"""Anvil, the second, foreign chain: fetched once as an npm package, started by a test, gone after it.

Which program: $FOLKMOOT_ANVIL, else `anvil` on the PATH, else the pinned package in .cache/anvil of this checkout.
"""

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from ledger.testchain.accounts import DEV_ACCOUNTS, MNEMONIC
from tests.support.chains.process import ChainProcess
from tests.support.npm import install, needed

VERSION = "1.7.1"
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@contextmanager
def anvil(
    block_time_s: float | None = None,
    chain_id: int = 31337,
    accounts: int = 10,
    extra: Sequence[str] = (),
    hardfork: str = "prague",
) -> Iterator[ChainProcess]:
    """Run Anvil while the body runs.

    block_time_s: None mines each transaction at once. accounts: of the development mnemonic, 10,000 coins each.
    extra: further arguments. Stopped in order it finds its chain again on `restart`; killed it forgets it.
    Skips the test where the program is not to be had (fails it if CI=true).
    """
    program = find_anvil()
    with tempfile.TemporaryDirectory(prefix="anvil-") as folder:

        def command(port: int) -> list[str]:
            interval = [] if block_time_s is None else ["--block-time", str(block_time_s)]
            return [
                *(program, "--host", "127.0.0.1", "--port", str(port), "--chain-id", str(chain_id)),
                *("--accounts", str(accounts), "--mnemonic", MNEMONIC, "--hardfork", hardfork),
                *("--gas-limit", "60000000", "--state", f"{folder}/state.json", "--cache-path", folder),
                *interval,
                *extra,
            ]

        chain = ChainProcess("anvil", command, _keys(accounts), chain_id, Path(folder))
        try:
            yield chain
        finally:
            chain.kill()


def find_anvil() -> str:
    """Path of the program, installed if need be. Skips the test, or fails it if CI=true, where there is none."""
    named = os.environ.get("FOLKMOOT_ANVIL")
    if named:
        if not os.access(named, os.X_OK):
            pytest.fail(f"FOLKMOOT_ANVIL names {named}, which cannot be run")
        return named
    with needed("Anvil (FOLKMOOT_ANVIL may name one)"):
        return shutil.which("anvil") or _install()


def _install() -> str:
    """Fetch the pinned package once. Raises OSError or SubprocessError."""
    system, machine = sys.platform, _MACHINES.get(platform.machine().lower(), platform.machine())
    package = f"@foundry-rs/anvil-{system}-{machine}"
    folder = install("anvil", f"{package}@{VERSION}")
    return str(folder / "node_modules" / package / "bin" / ("anvil.exe" if system == "win32" else "anvil"))


def _keys(accounts: int) -> list[str]:
    known = [account.key for account in DEV_ACCOUNTS[:accounts]]
    if accounts <= len(known):
        return known
    from eth_account import Account

    Account.enable_unaudited_hdwallet_features()
    further = range(len(known), accounts)
    return known + [
        Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}").key.to_0x_hex() for index in further
    ]
