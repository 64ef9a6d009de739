"""`folkmoot keys send` and `folkmoot keys balance`: a key's coin, without a circle."""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ledger.errors import SetupError, UsageError
from ledger.untrusted.text import format_ether
from node.cli.options import (
    DEFAULT_RPC,
    Subparsers,
    add_json,
    add_rpc,
    choose_rpc_urls,
    parse_address,
    parse_patience,
    print_json,
)
from node.cli.terms import parse_wei
from node.operating.printing import ask, complain, say
from node.seat.accounts import LOCAL_CHAIN_IDS, open_secret_key

if TYPE_CHECKING:
    from ledger.chain.rpc.client import Rpc

_NOBODY: Final = "0x" + "00" * 20
_WAIT_S: Final = 120.0
_AGAIN: Final = "it may still come: look at `folkmoot keys balance` before you send again"


def add_send(actions: Subparsers) -> None:
    """Declare the action."""
    send = actions.add_parser("send", help="send a key's coin to an address, and show what that costs")
    send.add_argument("keystore", type=Path, metavar="FROM", help="the keystore that pays")
    send.add_argument("to", metavar="TO", help="0x…, or a keystore")
    send.add_argument("amount", nargs="?", metavar="ETH", help="how much, e.g. 0.05")
    send.add_argument("--all", action="store_true", help="all of it, less what the transaction may cost")
    send.add_argument("--password-file", type=Path, metavar="FILE", help="first line: the key's password")
    send.add_argument(
        "--max-fee", default="500", metavar="GWEI", help="never offer more per gas; wait instead (default 500)"
    )
    send.add_argument("--yes", action="store_true", help="do not ask first, on a chain that is no local test chain")
    add_rpc(send)
    add_json(send)
    send.set_defaults(run=run_send)


def add_balance(actions: Subparsers) -> None:
    """Declare the action."""
    balance = actions.add_parser("balance", help="print what keys hold")
    balance.add_argument("accounts", nargs="+", metavar="ACCOUNT", help="0x…, or a keystore")
    add_rpc(balance)
    add_json(balance)
    balance.set_defaults(run=run_balance)


def run_balance(options: argparse.Namespace) -> int:
    """Print balances, at the end of one block."""
    accounts = [(name, parse_address(name, "ACCOUNT")) for name in options.accounts]
    rpc = _connect(options)
    block = rpc.fetch_head()
    rows = [
        {
            "account": name,
            "address": address,
            "balance_wei": rpc.fetch_number("eth_getBalance", address, hex(block)),
        }
        for name, address in accounts
    ]
    if options.json:
        print_json({"chain_id": rpc.fetch_number("eth_chainId"), "block": block, "balances": rows})
        return 0
    for row in rows:
        named = "" if str(row["account"]).startswith("0x") else f"  {row['account']}"
        say(f"{row['address']}  {format_ether(int(row['balance_wei']))}{named}")
    return 0


@dataclass(frozen=True)
class _Transfer:
    """Coin to be sent, and what that may cost."""

    sender: str
    """Who pays: address."""
    to: str
    """Who is paid: address."""
    value_wei: int
    """How much."""
    cap_wei: int
    """The most that is offered per gas at first."""
    gas: int
    """How much of that it takes."""
    allowed_wei: int
    """The most that is offered per gas where it gets into no block."""

    @property
    def most_wei(self) -> int:
        """The most that the transaction costs beside its value, by the first offer."""
        return self.gas * self.cap_wei


def run_send(options: argparse.Namespace) -> int:
    """Send coin. Raises UsageError and SetupError before anything is sent, and what a transaction raises."""
    from ledger.chain.rpc.client import ChainTrouble
    from ledger.chain.transactions.receipts import NoFunds, NoReceipt, Refused
    from ledger.chain.transactions.sender import FeeLimits, Sender
    from node.seat.keys import address_of

    if options.all == (options.amount is not None):
        raise UsageError("how much? give an amount in ETH, e.g. 0.05, or --all")
    wanted = None if options.all else parse_wei(options.amount, "ETH")
    if wanted == 0:
        raise UsageError("nothing to send: give an amount above 0")
    max_fee_wei = parse_wei(options.max_fee, "--max-fee", "GWEI")
    to, sender = parse_address(options.to, "TO"), address_of(options.keystore)
    if to in (sender, _NOBODY):
        why = "is the account that pays" if to == sender else "belongs to nobody: what is sent there is lost"
        raise UsageError(f"{to} {why}: name another address")
    rpc = _connect(options)
    chain_id = rpc.fetch_number("eth_chainId")
    transfer = _plan(rpc, sender, to, wanted, max_fee_wei)
    _ask_first(options, transfer, chain_id)
    key = open_secret_key(options.keystore, options.password_file)
    limits = FeeLimits(max_fee_wei=transfer.allowed_wei)
    try:
        receipt = Sender(rpc, key, chain_id, limits=limits, keeps_nonces=True).transfer(
            to, transfer.value_wei, _WAIT_S
        )
    except NoFunds:
        raise
    except (NoReceipt, ChainTrouble, Refused) as error:
        raise SetupError(f"{error}; {_AGAIN}") from error
    except KeyboardInterrupt:
        complain(f"nobody waits for the transfer any more, and {_AGAIN}")
        raise
    try:
        return _tell(options, rpc, chain_id, transfer, receipt)
    except OSError as error:
        sent = f"{format_ether(transfer.value_wei)} were sent in transaction {receipt.transaction}"
        raise SetupError(f"{sent}, and that cannot be written ({error.strerror}): do not send it again") from error


def _connect(options: argparse.Namespace) -> "Rpc":
    from ledger.chain.rpc.failover import connect

    return connect(choose_rpc_urls(options) or [DEFAULT_RPC], patience=parse_patience(options))


def _plan(rpc: "Rpc", sender: str, to: str, wanted: int | None, max_fee_wei: int) -> _Transfer:
    """wanted: wei, None for all. Raises SetupError where the account cannot pay that or the chain is too dear."""
    from ledger.chain.transactions.fees import FeeLimits, FeeMarket, choose_first_fees
    from ledger.chain.transactions.gas_limits import TRANSFER_GAS

    balance_wei = rpc.fetch_number("eth_getBalance", sender, "latest")
    if not balance_wei:
        raise SetupError(f"account {sender} holds nothing on this chain: fund it first, or correct --rpc")
    if rpc.fetch_data("eth_getCode", to, "latest"):
        raise SetupError(f"{to} is a contract, and this sends to keys alone: use a wallet for that")
    market = FeeMarket(rpc).ask()
    fees = choose_first_fees(market, FeeLimits(max_fee_wei=max_fee_wei))
    if fees is None:
        raise SetupError(
            f"the chain asks {market.base_fee_wei / 10**9:g} gwei per gas, more than --max-fee allows: wait, or"
            " allow more"
        )
    waiting = _count_waiting(rpc, sender)
    if waiting:
        raise SetupError(
            f"{waiting} transactions of {sender} are in no block yet, and what you sent last may be one of them:"
            " see what becomes of them before you send more"
        )
    most_wei = TRANSFER_GAS * fees.cap_wei
    value_wei = balance_wei - most_wei if wanted is None else wanted
    if value_wei <= 0 or value_wei + most_wei > balance_wei:
        room_wei = max(0, balance_wei - most_wei)
        advice = f"send at most {format_ether(room_wei)}, or --all" if room_wei else "fund it first"
        what = "gas" if wanted is None else f"{format_ether(wanted)} and gas"
        raise SetupError(
            f"account {sender} holds {format_ether(balance_wei)}, too little for {what} of up to"
            f" {format_ether(most_wei)}: {advice}"
        )
    allowed_wei = fees.cap_wei if wanted is None else max_fee_wei
    return _Transfer(sender, to, value_wei, fees.cap_wei, TRANSFER_GAS, allowed_wei)


def _count_waiting(rpc: "Rpc", sender: str) -> int:
    """How many of an account's transactions the pool has, as far as the endpoint tells."""
    from ledger.chain.rpc import answers

    pooled, mined = (
        rpc.request("eth_getTransactionCount", [sender, block], answers.parse_nonce)
        for block in ("pending", "latest")
    )
    return max(0, pooled - mined)


def _ask_first(options: argparse.Namespace, transfer: _Transfer, chain_id: int) -> None:
    """Raises UsageError where nobody can say yes, or somebody says no."""
    if chain_id in LOCAL_CHAIN_IDS or options.yes:
        return
    what = (
        f"send {format_ether(transfer.value_wei)} from {transfer.sender} to {transfer.to} on chain {chain_id},"
        f" for gas of up to {format_ether(transfer.most_wei)}"
    )
    if transfer.allowed_wei > transfer.cap_wei:
        what += (
            f", or {format_ether(transfer.gas * transfer.allowed_wei)} where it is not taken for that (--max-fee)"
        )
    if not sys.stdin.isatty():
        raise UsageError(f"{what}? nobody can be asked here: add --yes if that is what you want")
    if ask(f"{what}? [y/N]") not in ("y", "yes"):
        raise UsageError("nothing was sent")


def _tell(options: argparse.Namespace, rpc: "Rpc", chain_id: int, transfer: _Transfer, receipt: Any) -> int:
    """receipt: the transaction's Receipt."""
    from ledger.chain.rpc.client import ChainTrouble

    left_wei: int | None
    try:
        left_wei = rpc.fetch_number("eth_getBalance", transfer.sender, hex(receipt.block))
    except ChainTrouble:
        # The coin is sent all the same.
        left_wei = None
    cost_wei = receipt.gas * receipt.price_wei
    if options.json:
        print_json(
            {
                "chain_id": chain_id,
                "from": transfer.sender,
                "to": transfer.to,
                "value_wei": transfer.value_wei,
                "gas": receipt.gas,
                "gas_price_wei": receipt.price_wei,
                "cost_wei": cost_wei,
                "left_wei": left_wei,
                "transaction": receipt.transaction,
                "block": receipt.block,
            }
        )
        return 0
    say(f"sent   {format_ether(transfer.value_wei)} to {transfer.to}")
    say(f"cost   {receipt.gas:,} gas x {receipt.price_wei / 10**9:g} gwei = {format_ether(cost_wei)}")
    left = "unknown, as the chain does not answer," if left_wei is None else format_ether(left_wei)
    say(f"left   {left} with {transfer.sender}")
    say(f"block  {receipt.block}, transaction {receipt.transaction}")
    return 0
