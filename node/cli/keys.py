"""`folkmoot keys`: make or import a peer's key, show its address and its coin, send coin, get some for a test."""

import argparse
from pathlib import Path
from typing import Final

from ledger.errors import SetupError, UsageError
from node.cli.keys_coin import add_balance, add_send
from node.cli.options import DEFAULT_RPC, Subparsers, add_rpc, choose_rpc_urls, parse_patience
from node.operating.printing import say
from node.seat.accounts import LOCAL_CHAIN_IDS, open_deployer_key

# Ten times what a development account begins with.
_FUND_MAX: Final = 100_000.0


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "keys", help="make, import, show and fund a peer's key, send its coin", description=__doc__
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    new = actions.add_parser("new", help="make an encrypted key and print its address")
    new.add_argument("keystore", type=Path)
    new.add_argument("--password-file", type=Path, metavar="FILE", help="first line: the password")
    new.set_defaults(run=run_new)
    imported = actions.add_parser("import", help="encrypt a private key that another program gave out")
    imported.add_argument("keystore", type=Path, help="the encrypted key to write")
    imported.add_argument(
        "--key-file", type=Path, metavar="FILE", help="first line: 64 hex digits (default: typed)"
    )
    imported.add_argument("--password-file", type=Path, metavar="FILE", help="first line: the password")
    imported.set_defaults(run=run_import)
    show = actions.add_parser("show", aliases=["address"], help="print the address of a key")
    show.add_argument("keystore", type=Path)
    show.set_defaults(run=run_show)
    fund = actions.add_parser("fund", help="send test coin from a local test chain's first development account")
    fund.add_argument("address", help="0x…, or a keystore")
    fund.add_argument("--ether", type=float, default=10.0)
    add_rpc(fund)
    fund.set_defaults(run=run_fund)
    add_send(actions)
    add_balance(actions)


def run_new(options: argparse.Namespace) -> int:
    """Make a key."""
    from node.seat.keys import new_key

    say(new_key(options.keystore, _new_password(options)))
    return 0


def run_import(options: argparse.Namespace) -> int:
    """Encrypt a key."""
    from node.seat.keys import read_private_key, write_key

    key = read_private_key(options.key_file)
    say(write_key(options.keystore, key, _new_password(options)))
    return 0


def _new_password(options: argparse.Namespace) -> str:
    """From the file, or typed twice. Raises UsageError."""
    from node.seat.keys import read_password

    password = read_password(options.password_file, f"new password for {options.keystore}: ")
    if not password:
        raise UsageError("the password is empty: choose one")
    if options.password_file is None and password != read_password(None, "once more: "):
        raise UsageError("the two passwords differ: start again")
    return password


def run_show(options: argparse.Namespace) -> int:
    """Print an address."""
    from node.seat.keys import address_of

    say(address_of(options.keystore))
    return 0


def run_fund(options: argparse.Namespace) -> int:
    """Send test coin."""
    from eth_utils.address import is_address, to_checksum_address

    from ledger.chain.rpc.failover import connect
    from ledger.chain.transactions.sender import Sender
    from node.seat.keys import address_of

    if not 0 < options.ether <= _FUND_MAX:
        raise UsageError(f"--ether is above 0 and at most {_FUND_MAX:g}, not {options.ether:g}")
    address = options.address if is_address(options.address) else address_of(Path(options.address))
    rpc = connect(choose_rpc_urls(options) or [DEFAULT_RPC], patience=parse_patience(options))
    chain_id = rpc.fetch_number("eth_chainId")
    if chain_id not in LOCAL_CHAIN_IDS:
        raise SetupError(f"chain {chain_id} is no local test chain: send coin from a wallet of yours")
    wei = int(options.ether * 10**18)
    Sender(rpc, open_deployer_key(None, None, chain_id), chain_id).transfer(to_checksum_address(address), wei)
    say(f"sent {options.ether:g} ETH to {to_checksum_address(address)}")
    return 0
