"""What the tests of the sender share: one with little patience, blocks on demand, and what a transaction did."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from eth_account import Account

from ledger.chain.rpc.client import Rpc
from ledger.chain.transactions.sender import DeliveryPace, Sender
from tests.support.chains.kinds import ChainProcess, RpcFailure

WAIT_S = 60.0
PACE = DeliveryPace(poll_s=0.01, slow_poll_s=0.02, look_s=0.1, lost_s=0.5, taken_s=0.1)
GWEI = 10**9
PAYEE = "0x" + "11" * 20


def sender_on(chain: ChainProcess, rpc: Rpc | str | None = None, *, key: int = 0, **options: Any) -> Sender:
    """One that asks often. rpc: an address or an endpoint other than the chain's own."""
    endpoint = rpc if isinstance(rpc, Rpc) else Rpc(rpc or chain.url)
    return Sender(endpoint, bytes.fromhex(chain.keys[key][2:]), chain.chain_id, **{"pace": PACE, **options})


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait for something to be true and return it."""
    deadline = time.monotonic() + WAIT_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.01)
    return found


@contextmanager
def started(work: Callable[[], Any]) -> Iterator[Future[Any]]:
    """Have a call go on in a thread while the body runs."""
    with ThreadPoolExecutor(1) as thread:
        yield thread.submit(work)


def paid(chain: ChainProcess, payee: str = PAYEE) -> int:
    """What an address received, wei."""
    return int(chain.rpc("eth_getBalance", payee, "latest"), 16)


def count(chain: ChainProcess, sender: Sender, block: str = "latest") -> int:
    return int(chain.rpc("eth_getTransactionCount", sender.address, block), 16)


def pooled(chain: ChainProcess, transaction: str) -> bool:
    """Whether the chain knows a transaction."""
    return chain.rpc("eth_getTransactionByHash", transaction) is not None


def hold(chain: ChainProcess) -> None:
    """No blocks but those asked for."""
    chain.rpc("evm_setAutomine", False)


def mine(chain: ChainProcess, blocks: int = 1) -> None:
    for _ in range(blocks):
        chain.rpc("evm_mine")


def hash_of(raw: str) -> str:
    """A raw transaction's hash."""
    from eth_hash.auto import keccak

    return "0x" + keccak(bytes.fromhex(raw[2:])).hex()


def fees_of(raw: str) -> tuple[int, int]:
    """A raw transaction's fee cap and tip, wei per gas."""
    from eth_account.typed_transactions import TypedTransaction
    from hexbytes import HexBytes

    fields = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    return fields["maxFeePerGas"], fields["maxPriorityFeePerGas"]


def stranger_sends(chain: ChainProcess, nonce: int, *, key: int = 0, **fields: Any) -> str:
    """Another program uses the same key: a transfer of 1 wei to itself with high fees. Returns its hash."""
    account = Account.from_key(chain.keys[key])
    signed = account.sign_transaction(
        {
            "chainId": chain.chain_id,
            "nonce": nonce,
            "to": account.address,
            "value": 1,
            "gas": 21_000,
            "maxFeePerGas": 50 * GWEI,
            "maxPriorityFeePerGas": 20 * GWEI,
            **fields,
        }
    )
    return str(chain.rpc("eth_sendRawTransaction", signed.raw_transaction.to_0x_hex()))


def raise_base_fee(chain: ChainProcess, above_wei: int) -> None:
    """Have the next block's base fee be above a figure, by decree or by full blocks."""
    try:
        chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(2 * above_wei))
        mine(chain)
    except RpcFailure:
        while base_fee(chain) <= above_wei:
            _fill_a_block(chain)
            mine(chain)
    assert base_fee(chain) > above_wei


def base_fee(chain: ChainProcess) -> int:
    """Of the next block, wei."""
    return int(chain.rpc("eth_feeHistory", "0x1", "latest", [])["baseFeePerGas"][-1], 16)


def _fill_a_block(chain: ChainProcess) -> None:
    """Pool what fills the next block to the last unit of gas: calldata at its floor price, nothing to execute."""
    nonce = int(chain.rpc("eth_getTransactionCount", Account.from_key(chain.keys[9]).address, "pending"), 16)
    left = int(chain.rpc("eth_getBlockByNumber", "latest", False)["gasLimit"], 16)
    while left > 21_000:
        size = min((left - 21_000) // 40, 120_000)
        gas = 21_000 + 40 * size
        fees = {"maxFeePerGas": 900 * GWEI, "maxPriorityFeePerGas": 100 * GWEI}
        stranger_sends(chain, nonce, key=9, data=b"\xff" * size, gas=gas, value=0, **fees)
        nonce, left = nonce + 1, left - gas
