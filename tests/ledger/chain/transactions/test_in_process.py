"""The sender on a chain inside this process (eth-tester on py-evm): what needs no server."""

from typing import Any

import pytest
from eth_account import Account
from eth_tester.exceptions import TransactionFailed
from eth_utils import to_hex
from eth_utils.exceptions import ValidationError
from web3 import EthereumTesterProvider, Web3
from web3.datastructures import AttributeDict
from web3.exceptions import Web3RPCError
from web3.providers.base import JSONBaseProvider
from web3.types import Wei

from ledger.chain.rpc.client import Rpc
from ledger.chain.transactions.sender import (
    FeeLimitReached,
    FeeLimits,
    NoFunds,
    NoReceipt,
    PlannedCall,
    Receipt,
    Reverted,
    Sender,
)
from tests.support.chains.senders import PACE, PAYEE

KEY = bytes.fromhex("11" * 32)


class InProcess(JSONBaseProvider):
    """web3's tester provider with its answers as JSON-RPC carries them. seen: methods asked."""

    def __init__(self) -> None:
        super().__init__()
        tester = EthereumTesterProvider()
        self.w3 = Web3(tester)
        self.chain: Any = tester.ethereum_tester
        self.seen: list[str] = []

    def make_request(self, method: Any, params: Any) -> Any:
        self.seen.append(method)
        ask = self.w3.provider.request_func(self.w3, self.w3.middleware_onion)
        try:
            answer = ask(method, params)
        except (TransactionFailed, ValidationError, Web3RPCError) as error:
            said = f"execution reverted: {error}" if isinstance(error, TransactionFailed) else str(error)
            return {"error": {"code": -32000, "message": said}}
        return {"result": plain(answer["result"])} if "error" not in answer else answer


def plain(value: Any) -> Any:
    if isinstance(value, dict | AttributeDict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return to_hex(value) if isinstance(value, bytes) or (type(value) is int) else value


@pytest.fixture
def provider() -> InProcess:
    made = InProcess()
    payer = made.w3.eth.accounts[0]
    made.w3.eth.send_transaction({"from": payer, "to": Account.from_key(KEY).address, "value": Wei(10**19)})
    made.seen.clear()
    return made


def sender(provider: InProcess, **options: Any) -> Sender:
    return Sender(Rpc("eth-tester", provider=provider), KEY, provider.w3.eth.chain_id, pace=PACE, **options)


def paid(provider: InProcess) -> int:
    return int(provider.w3.eth.get_balance(Web3.to_checksum_address(PAYEE)))


def test_calls_follow_each_other(provider: InProcess) -> None:
    payer = sender(provider)
    for value in (1, 2, 4):
        assert payer.transfer(PAYEE, value).gas == 21_000
    assert (paid(provider), payer.gas_spent) == (7, 63_000)
    assert provider.seen.count("eth_getTransactionCount") == provider.seen.count("eth_feeHistory") == 1


def test_of_calls_side_by_side_one_that_fails_keeps_no_other_from_being_sent(provider: InProcess) -> None:
    payer = sender(provider)
    calls = [
        PlannedCall("vote", (0, 0)),
        PlannedCall("dispute", (1, 0, 0, bytes(32)), 10**25),
        PlannedCall("vote", (1, 0)),
    ]
    done = payer.call_all(PAYEE, calls)
    assert [type(one) for one in done] == [Receipt, NoFunds, Receipt]
    assert payer.gas_spent == sum(one.gas for one in done if isinstance(one, Receipt))


def test_calls_that_are_in_a_block_before_the_last_one_fails_are_done(provider: InProcess) -> None:
    payer = sender(provider)
    done = payer.call_all(
        PAYEE, [PlannedCall("vote", (0, 0)), PlannedCall("dispute", (1, 0, 0, bytes(32)), 10**25)]
    )
    assert [type(one) for one in done] == [Receipt, NoFunds]


def test_what_is_in_a_block_that_the_caller_has_not_read_is_not_done_again_beside_others(
    provider: InProcess,
) -> None:
    payer = sender(provider)
    account = Web3.to_checksum_address(payer.address)
    provider.chain.disable_auto_mine_transactions()
    first, second, third = (PlannedCall("vote", (number, 0)) for number in range(3))
    folded = int(provider.w3.eth.block_number)
    payer.call_all(PAYEE, [first, second], timeout_s=0.5)
    provider.chain.enable_auto_mine_transactions()
    provider.chain.mine_block()
    for _ in range(2):
        done = payer.call_all(PAYEE, [third, first, second], folded=folded)
        assert [type(one) for one in done] == [Receipt] * 3
    assert provider.w3.eth.get_transaction_count(account) == 3
    payer.call_all(PAYEE, [first], folded=int(provider.w3.eth.block_number))
    assert provider.w3.eth.get_transaction_count(account) == 4, "what was read and is due again is done again"


def test_a_call_under_way_is_not_made_again(provider: InProcess) -> None:
    payer = sender(provider)
    provider.chain.disable_auto_mine_transactions()
    with pytest.raises(NoReceipt):
        payer.transfer(PAYEE, 7, timeout_s=0.0)
    with pytest.raises(NoReceipt):
        payer.transfer(PAYEE, 7, timeout_s=0.0)
    provider.chain.enable_auto_mine_transactions()
    provider.chain.mine_block()
    payer.transfer(PAYEE, 7)
    assert (paid(provider), provider.seen.count("eth_sendRawTransaction")) == (7, 1)


def test_the_same_call_once_more_is_a_new_one(provider: InProcess) -> None:
    payer = sender(provider)
    assert payer.transfer(PAYEE, 7).transaction != payer.transfer(PAYEE, 7).transaction
    assert paid(provider) == 14


def test_a_call_undone_by_a_revert_of_the_chain_is_made_with_its_nonce(provider: InProcess) -> None:
    payer = sender(provider)
    before = provider.chain.take_snapshot()
    first = payer.transfer(PAYEE, 7)
    provider.chain.revert_to_snapshot(before)
    assert payer.transfer(PAYEE, 7).transaction == first.transaction
    assert paid(provider) == 7


def test_a_contract_is_made_with_a_gas_limit_from_an_estimate(provider: InProcess) -> None:
    receipt = sender(provider).create(bytes.fromhex("6001600c60003960016000f300"))
    assert receipt.contract is not None
    assert "eth_estimateGas" in provider.seen


def test_what_the_contract_refuses_is_not_sent(provider: InProcess) -> None:
    with pytest.raises(Reverted):
        sender(provider).create(bytes.fromhex("60006000fd"))
    assert "eth_sendRawTransaction" not in provider.seen


def test_nothing_is_sent_above_the_fee_limit(provider: InProcess) -> None:
    with pytest.raises(FeeLimitReached):
        sender(provider, limits=FeeLimits(max_fee_wei=1)).transfer(PAYEE, 7)
    assert "eth_sendRawTransaction" not in provider.seen


def test_who_cannot_pay_is_told(provider: InProcess) -> None:
    with pytest.raises(NoFunds):
        sender(provider).transfer(PAYEE, 10**25)
