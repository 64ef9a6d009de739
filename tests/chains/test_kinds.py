"""The chains that tests start: the same handle, the same behaviour."""

import pytest
from eth_account import Account

from tests.support.chains.kinds import CHAINS, ChainProcess, RpcFailure


def transfer(chain: ChainProcess, sender: int = 0, nonce: int = 0) -> str:
    fields = {"chainId": chain.chain_id, "nonce": nonce, "to": "0x" + "11" * 20, "value": 1, "gas": 21_000}
    fields |= {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9}
    signed = Account.from_key(chain.keys[sender]).sign_transaction(fields)
    return str(chain.rpc("eth_sendRawTransaction", signed.raw_transaction.to_0x_hex()))


def test_a_chain_takes_a_payment_at_once(chain: ChainProcess) -> None:
    assert chain.receipt(transfer(chain))["status"] == "0x1"


def test_an_error_carries_its_code(chain: ChainProcess) -> None:
    with pytest.raises(RpcFailure) as caught:
        chain.rpc("eth_nothingOfTheSort")
    assert caught.value.code == -32601


def test_a_chain_stopped_in_order_remembers(chain: ChainProcess) -> None:
    receipt = chain.receipt(transfer(chain))
    url = chain.url
    chain.restart()
    assert chain.url == url
    assert chain.rpc("eth_getTransactionReceipt", receipt["transactionHash"]) == receipt


def test_nobody_answers_for_a_killed_chain(chain: ChainProcess) -> None:
    chain.kill()
    with pytest.raises(OSError, match="refused"):
        chain.rpc("eth_blockNumber")
    chain.start()
    assert chain.rpc("eth_blockNumber") == "0x0"


def test_a_paused_chain_answers_when_it_goes_on(chain: ChainProcess) -> None:
    chain.pause()
    with pytest.raises(TimeoutError):
        chain.post(b"{}", timeout_s=0.1)
    chain.resume()
    assert chain.rpc("eth_blockNumber") == "0x0"


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_can_mine_by_the_clock(name: str) -> None:
    with CHAINS[name](block_time_s=0.2, chain_id=4242) as chain:
        assert chain.rpc("eth_chainId") == hex(4242)
        assert int(chain.receipt(transfer(chain))["blockNumber"], 16) > 0
