"""What a client sees through web3.py and through bare JSON-RPC, on a chain that mines at once."""

from collections.abc import Callable
from typing import Any

import pytest

from ledger.testchain.accounts import BALANCE_WEI, DEV_ACCOUNTS

GWEI = 10**9
Signed = Callable[..., bytes]
# Each test sends from an account of its own, so that nonces do not depend on the order of the tests.
DEPLOYER, WRITER, GAPPED, BIDDER, PAYER, RANDOM, CREATOR = range(7)


@pytest.fixture(scope="module")
def contract(chain: Any, notebook: dict[str, Any]) -> Any:
    return chain.deploy(notebook, DEPLOYER)


def call_data(contract: Any, name: str, *arguments: Any) -> str:
    return str(contract.encode_abi(name, args=list(arguments)))


def test_identity_and_genesis(chain: Any) -> None:
    eth = chain.w3.eth
    assert (eth.chain_id, chain.rpc("net_version"), eth.accounts, eth.syncing) == (1337, "1337", [], False)
    assert chain.w3.client_version.startswith("folkmoot-testchain/")
    genesis = eth.get_block(0)
    assert genesis == eth.get_block("earliest") == eth.get_block(genesis["hash"])
    assert [eth.get_balance(dev.address, 0) for dev in DEV_ACCOUNTS] == [BALANCE_WEI] * 10


def test_a_deployed_contract_writes_logs_that_receipt_and_filters_agree_on(
    chain: Any, contract: Any, signed: Signed
) -> None:
    sender = DEV_ACCOUNTS[WRITER].address
    hashes = [
        chain.w3.eth.send_raw_transaction(
            signed(
                WRITER,
                nonce,
                to=contract.address,
                data=call_data(contract, "note", nonce + 1, "hello"),
                gas=200_000,
            )
        )
        for nonce in range(3)
    ]
    receipts = [chain.receipt(one) for one in hashes]
    assert [receipt["status"] for receipt in receipts] == [1, 1, 1]
    event = contract.events.Noted().process_receipt(receipts[2])[0]["args"]
    assert (event["author"], event["number"], event["text"]) == (sender, 3, "hello")
    block_receipts = chain.w3.eth.get_block_receipts(receipts[0]["blockNumber"])
    assert block_receipts[receipts[0]["transactionIndex"]] == receipts[0]
    assert block_receipts[-1]["cumulativeGasUsed"] == sum(receipt["gasUsed"] for receipt in block_receipts)
    logs = chain.w3.eth.get_logs({"fromBlock": 0, "address": contract.address})
    assert logs == [log for receipt in receipts for log in receipt["logs"]]
    numbers = [chain.w3.to_hex(number.to_bytes(32, "big")) for number in (1, 3)]
    either = chain.w3.eth.get_logs({"fromBlock": 0, "topics": [None, None, numbers]})
    assert either == [logs[0], logs[2]]
    one_block = {
        "blockHash": receipts[1]["blockHash"],
        "topics": [None, None, chain.w3.to_hex((2).to_bytes(32, "big"))],
    }
    assert chain.w3.eth.get_logs(one_block) == [logs[1]]
    nobody = {"fromBlock": 0, "address": [sender, DEV_ACCOUNTS[0].address]}
    assert chain.w3.eth.get_logs(nobody) == []
    assert chain.w3.eth.get_logs({"fromBlock": 0, "topics": [None, None, None, None]}) == []
    head = chain.w3.eth.block_number
    assert chain.rpc("eth_getLogs", {"fromBlock": hex(head + 1)}) == []
    assert chain.rpc("eth_getLogs", {"fromBlock": "0x2", "toBlock": "0x1"})["error"]["code"] == -32602


def test_a_revert_carries_its_reason_and_data(chain: Any, contract: Any) -> None:
    call = {"from": DEV_ACCOUNTS[0].address, "to": contract.address, "data": call_data(contract, "note", 0, "x")}
    for method in ("eth_call", "eth_estimateGas"):
        error = chain.rpc(method, call)["error"]
        assert (error["code"], error["message"]) == (3, "execution reverted: notebook: number is zero")
        assert error["data"].startswith("0x08c379a0")
    from web3.exceptions import ContractLogicError

    with pytest.raises(ContractLogicError, match="notebook: number is zero"):
        contract.functions.note(0, "x").call()


def test_a_reverted_transaction_is_mined_with_status_zero(chain: Any, contract: Any, signed: Signed) -> None:
    nonce = chain.w3.eth.get_transaction_count(DEV_ACCOUNTS[DEPLOYER].address)
    data = call_data(contract, "note", 0, "x")
    receipt = chain.send(signed(DEPLOYER, nonce, to=contract.address, data=data, gas=100_000))
    assert (receipt["status"], receipt["logs"]) == (0, [])


def test_an_estimate_is_enough_and_close(chain: Any, contract: Any, signed: Signed) -> None:
    sender = DEV_ACCOUNTS[DEPLOYER].address
    data = call_data(contract, "note", 7, "estimate")
    estimate = chain.w3.eth.estimate_gas({"from": sender, "to": contract.address, "data": data})
    nonce = chain.w3.eth.get_transaction_count(sender)
    receipt = chain.send(signed(DEPLOYER, nonce, to=contract.address, data=data, gas=estimate))
    assert receipt["status"] == 1
    assert receipt["gasUsed"] <= estimate <= 1.1 * receipt["gasUsed"]
    assert chain.w3.eth.estimate_gas({"from": sender, "to": DEV_ACCOUNTS[8].address, "value": 1}) == 21_000


def test_calls_see_the_block_they_name(chain: Any, contract: Any, signed: Signed) -> None:
    before = chain.w3.eth.block_number
    noted = contract.functions.count().call()
    nonce = chain.w3.eth.get_transaction_count(DEV_ACCOUNTS[DEPLOYER].address)
    data = call_data(contract, "note", 5, "later")
    after = chain.send(signed(DEPLOYER, nonce, to=contract.address, data=data, gas=100_000))["blockNumber"]
    assert contract.functions.count().call(block_identifier=before) == noted
    assert contract.functions.count().call(block_identifier=after) == noted + 1
    block = chain.w3.eth.get_block(after)
    assert contract.functions.clock().call(block_identifier=after) == [after, block["timestamp"]]
    assert contract.functions.clock().call(block_identifier="pending")[0] == after + 1
    hashes = [bytes(chain.w3.eth.get_block(after - back)["hash"]) for back in (1, 2)]
    assert contract.functions.earlier().call(block_identifier=after) == hashes
    assert chain.rpc("eth_getStorageAt", contract.address, "0x0", hex(after)) == f"0x{noted + 1:064x}"
    assert chain.rpc("eth_getCode", contract.address, "0x0") == "0x"
    assert len(chain.rpc("eth_getCode", contract.address, "latest")) > 100
    assert chain.rpc("eth_call", {}, hex(10**9))["error"]["message"] == "header not found"


def test_prevrandao_differs_per_block_and_reaches_the_contract(chain: Any, contract: Any, signed: Signed) -> None:
    seen = set()
    for nonce in range(3):
        data = call_data(contract, "note", 1, "")
        number = chain.send(signed(RANDOM, nonce, to=contract.address, data=data, gas=200_000))["blockNumber"]
        drawn = contract.functions.random().call(block_identifier=number)
        assert drawn == int.from_bytes(chain.w3.eth.get_block(number)["mixHash"], "big")
        seen.add(drawn)
    assert len(seen) == 3


def test_a_nonce_gap_is_pooled_and_counted_once_it_is_filled(chain: Any, signed: Signed) -> None:
    sender = DEV_ACCOUNTS[GAPPED].address
    late = chain.w3.eth.send_raw_transaction(signed(GAPPED, 1))
    assert chain.w3.eth.get_transaction_count(sender, "pending") == 0
    pooled = chain.w3.eth.get_transaction(late)
    assert (pooled["blockHash"], pooled["from"], pooled["nonce"]) == (None, sender, 1)
    assert chain.rpc("eth_getTransactionReceipt", late.to_0x_hex()) is None
    first = chain.send(signed(GAPPED, 0))
    assert chain.receipt(late)["blockNumber"] == first["blockNumber"]
    assert chain.w3.eth.get_transaction_count(sender) == 2
    assert (
        "nonce too low" in chain.rpc("eth_sendRawTransaction", "0x" + signed(GAPPED, 0).hex())["error"]["message"]
    )


def test_a_waiting_transaction_can_be_replaced_for_an_eighth_more(chain: Any, signed: Signed) -> None:
    def send(fee: int) -> Any:
        raw = signed(BIDDER, 1, maxFeePerGas=fee, maxPriorityFeePerGas=fee)
        return chain.rpc("eth_sendRawTransaction", "0x" + raw.hex())

    first = send(16 * GWEI)
    assert send(16 * GWEI)["error"]["message"] == "already known"
    assert send(17 * GWEI)["error"]["message"] == "replacement transaction underpriced"
    second = send(18 * GWEI)
    chain.send(signed(BIDDER, 0))
    assert chain.receipt(second)["status"] == 1
    assert chain.rpc("eth_getTransactionByHash", first) is None


def test_wrong_chain_id_and_missing_funds_are_refused(chain: Any, signed: Signed) -> None:
    answer = chain.rpc("eth_sendRawTransaction", "0x" + signed(PAYER, 0, chainId=1).hex())
    assert answer["error"] == {"code": -32000, "message": "wrong chain id: have 1, want 1337"}
    broke = signed(PAYER, 0, value=BALANCE_WEI)
    answer = chain.rpc("eth_sendRawTransaction", "0x" + broke.hex())
    assert answer["error"]["message"].startswith("insufficient funds for gas * price + value")


@pytest.mark.parametrize("kind", ["legacy", "access list", "dynamic fee"])
def test_every_supported_type_pays_what_its_receipt_says(chain: Any, signed: Signed, kind: str) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "legacy": {"gasPrice": 3 * GWEI},
        "access list": {"gasPrice": 3 * GWEI, "accessList": [], "type": 1},
        "dynamic fee": {"maxFeePerGas": 9 * GWEI, "maxPriorityFeePerGas": GWEI},
    }
    eth, sender = chain.w3.eth, DEV_ACCOUNTS[PAYER].address
    before, nonce = eth.get_balance(sender), eth.get_transaction_count(sender)
    receipt = chain.send(signed(PAYER, nonce, **kinds[kind]))
    base_fee = eth.get_block(receipt["blockNumber"])["baseFeePerGas"]
    expected = base_fee + GWEI if kind == "dynamic fee" else 3 * GWEI
    transaction = eth.get_transaction(receipt["transactionHash"])
    assert receipt["effectiveGasPrice"] == transaction["gasPrice"] == expected
    assert receipt["type"] == transaction["type"] == ["legacy", "access list", "dynamic fee"].index(kind)
    assert before - eth.get_balance(sender) == 21_000 * expected + 1


def test_fee_history_repeats_the_headers_and_the_tips_paid(chain: Any, signed: Signed) -> None:
    eth, sender = chain.w3.eth, DEV_ACCOUNTS[PAYER].address
    nonce = eth.get_transaction_count(sender)
    newest = chain.send(signed(PAYER, nonce, maxPriorityFeePerGas=3 * GWEI))["blockNumber"]
    history = eth.fee_history(4, newest, [0, 50, 100])
    blocks = [eth.get_block(number) for number in range(newest - 3, newest + 1)]
    assert history["oldestBlock"] == newest - 3
    assert history["baseFeePerGas"][:4] == [block["baseFeePerGas"] for block in blocks]
    assert history["gasUsedRatio"] == [block["gasUsed"] / block["gasLimit"] for block in blocks]
    assert history["reward"][3] == [3 * GWEI] * 3
    chain.rpc("evm_mine")
    assert history["baseFeePerGas"][4] == eth.get_block(newest + 1)["baseFeePerGas"]
    empty = eth.fee_history(1, newest + 1, [50])
    assert empty["reward"] == [[0]]
    assert len(eth.fee_history(10_000, 2)["gasUsedRatio"]) == 3
    assert chain.rpc("eth_feeHistory", "0x1", "latest", [50, 10])["error"]["code"] == -32602


def test_the_base_fee_follows_how_full_blocks_are(chain: Any) -> None:
    chain.rpc("evm_mine")
    child, parent = (chain.w3.eth.get_block(chain.w3.eth.block_number - back) for back in (0, 1))
    assert parent["gasUsed"] < parent["gasLimit"] // 2
    assert child["baseFeePerGas"] < parent["baseFeePerGas"]


def test_full_blocks_list_transactions_and_pending_lists_what_waits(chain: Any, signed: Signed) -> None:
    receipt = chain.send(signed(CREATOR, 0))
    block = chain.w3.eth.get_block(receipt["blockHash"], full_transactions=True)
    assert block["transactions"][0] == chain.w3.eth.get_transaction(receipt["transactionHash"])
    pending = chain.rpc("eth_getBlockByNumber", "pending", True)
    assert (int(pending["number"], 16), pending["hash"]) == (chain.w3.eth.block_number + 1, None)
    assert chain.rpc("eth_getBlockByHash", "0x" + 64 * "1", False) is None
    assert chain.rpc("eth_getBlockByNumber", hex(10**9), False) is None
    assert chain.rpc("eth_getBlockReceipts", receipt["blockHash"].to_0x_hex())[0]["status"] == "0x1"


def test_a_state_root_is_no_block(chain: Any) -> None:
    root = chain.w3.eth.get_block("latest")["stateRoot"]
    assert chain.rpc("eth_getBlockByHash", root.to_0x_hex(), False) is None


def test_contracts_that_call_themselves_to_the_end_of_their_gas_only_fail(chain: Any, signed: Signed) -> None:
    runtime = bytes.fromhex("5f5f5f5f5f305af100")  # call(gas, address(this), 0, …) without end
    init = bytes([0x60, len(runtime), 0x80, 0x60, 11, 0x5F, 0x39, 0x5F, 0xF3]) + b"\0\0" + runtime
    address = chain.send(signed(CREATOR, 1, to=b"", data=init, gas=200_000))["contractAddress"]
    assert chain.rpc("eth_getCode", address, "latest") == "0x" + runtime.hex()
    assert chain.rpc("eth_call", {"to": address}, "latest") == "0x"
    assert chain.send(signed(CREATOR, 2, to=address, data=b"", gas=1 << 24))["status"] == 1


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        ("eth_nothing", [], -32601),
        ("eth_getBalance", [], -32602),
        ("eth_getBalance", ["0x12"], -32602),
        ("eth_getBalance", [DEV_ACCOUNTS[0].address, "soon"], -32602),
        ("eth_getBlockByNumber", ["latest", "yes"], -32602),
        ("eth_getBlockByNumber", ["0x", True], -32602),
        ("eth_chainId", ["too", "many"], -32602),
        ("eth_call", [{"to": 7}, "latest"], -32602),
        ("eth_call", [{}, "latest", {"0x": {}}], -32602),
        ("eth_getLogs", [{"topics": [[]] * 5}], -32602),
        ("eth_getLogs", [{"address": ["0x" + 40 * "1"] * 1001}], -32602),
        ("eth_getTransactionReceipt", ["0x1"], -32602),
        ("eth_sendRawTransaction", ["0xzz"], -32602),
        ("eth_sendRawTransaction", ["0x"], -32000),
        ("eth_call", [{"data": "0xfe", "gas": "0x5208"}, "latest"], -32000),
        ("eth_call", [{"data": "0xfe"}, "latest"], -32000),
        ("eth_call", [{"from": "0x" + 40 * "1", "value": "0x1"}, "latest"], -32000),
        ("evm_increaseTime", [-1], -32602),
    ],
)
def test_bad_calls_are_answered_with_the_right_code(
    chain: Any, method: str, arguments: list[Any], code: int
) -> None:
    assert chain.rpc(method, *arguments)["error"]["code"] == code


def test_time_can_be_moved_ahead_for_good(start_chain: Callable[..., Any]) -> None:
    chain = start_chain()
    genesis = chain.w3.eth.get_block(0)["timestamp"]
    assert chain.rpc("evm_increaseTime", 10_000) == 10_000
    chain.rpc("evm_mine")
    moved = chain.w3.eth.get_block("latest")["timestamp"]
    assert moved >= genesis + 10_000
    chain.rpc("evm_mine", moved + 500)
    assert chain.w3.eth.get_block("latest")["timestamp"] == moved + 500
    chain.stop()
    chain = start_chain()
    chain.rpc("evm_mine")
    assert chain.w3.eth.get_block("latest")["timestamp"] >= moved + 500
    assert chain.rpc("evm_mine", 5)["error"]["code"] == -32602
