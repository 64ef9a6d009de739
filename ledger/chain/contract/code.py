"""What lies at an address: read as of a block that is named, and compared with the code of this version."""

import rlp
from eth_hash.auto import keccak
from eth_utils.address import is_hex_address, to_canonical_address, to_checksum_address

from ledger.chain.contract.artifact import CodeMismatch, load_circle_artifact
from ledger.chain.rpc import answers
from ledger.chain.rpc.client import ChainUnreachable, Rpc
from ledger.chain.rpc.patience import insist
from ledger.errors import UsageError


class BlockMissing(ChainUnreachable):
    """The endpoint has not come to a block that there is."""


def wait_for_block(rpc: Rpc, block: int) -> int:
    """The newest block's number, once it is a given one or later; what there is, where it does not come."""

    def read() -> int:
        if (head := rpc.fetch_head()) < block:
            raise BlockMissing(f"the chain at {rpc.url} ends at block {head}, before block {block}")
        return head

    try:
        return insist(rpc, read, BlockMissing, rpc.patience.catch_up_s)
    except BlockMissing:
        return rpc.fetch_head()


def fetch_code(rpc: Rpc, address: str, since: int = 0) -> bytes:
    """What lies at an address in the newest block, which is `since` or later; empty for nothing.

    The block is named, so that an endpoint which does not have it yet says so, and not that nothing is there.
    """
    return rpc.fetch_data("eth_getCode", address, hex(wait_for_block(rpc, since)))


def is_court(rpc: Rpc, address: str, since: int = 0) -> bool:
    """Whether an address holds the court's code of this version. since: a block in which it was there."""
    return fetch_code(rpc, address, since) == load_circle_artifact().court_code


def check_court(rpc: Rpc, address: str) -> None:
    """Raises CodeMismatch where an address does not hold the court's code, UsageError where it is none."""
    if not is_hex_address(address):
        raise UsageError(f"the court {address!r} is no address: give --court 0x and 40 hex digits")
    if not is_court(rpc, address):
        raise CodeMismatch(
            f"the code at {address} is not the court of this version ({load_circle_artifact().compiler}): "
            "name another --court, or none to deploy one"
        )


def check_made(rpc: Rpc, address: str, transaction: str) -> None:
    """Raises CodeMismatch unless the transaction made the circle at an address by this version's creation code.

    transaction: the one with the circle's first event. The code that lies there does not tell who put it there:
    other creation code can leave the same behind, and beside it debts and convictions of its own making.
    """
    # [REJECT] R3: what a circle began with is what its constructor wrote.
    made = rpc.request("eth_getTransactionByHash", [transaction], answers.creation_parser(transaction))
    is_ours = made.to is None and made.input.startswith(load_circle_artifact().creation)
    if not is_ours or contract_address(made.sender, made.nonce) != to_checksum_address(address):
        raise CodeMismatch(
            f"the circle at {address} was not made by this version's creation code ({transaction}): what it began "
            "with may be anything, so do not use it; deploy one by `folkmoot deploy`"
        )


def contract_address(deployer: str, nonce: int) -> str:
    """Where a transaction of an account puts the contract it creates."""
    raw: bytes = rlp.encode([to_canonical_address(deployer), nonce])
    return str(to_checksum_address(keccak(raw)[12:]))
