"""Snapshots, reorganisations, clock, pace and pool: the same calls do the same on our chain and on Anvil."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import rlp
from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from trie import HexaryTrie

from tests.support.chains.kinds import ChainProcess, RpcFailure

WAIT_S = 60
DAY_S = 86_400
# Logs its calldata under the topic 7, and stores it at slot 1: CALLDATALOAD(0) → MSTORE, SSTORE, LOG1.
NOTING = bytes.fromhex("60003580600052600155600760206000a1")
# Copies what follows it into memory and returns it as the code.
CREATE_NOTING = bytes.fromhex("60118060093d393df3") + NOTING


def sign(chain: ChainProcess, sender: int, nonce: int, **changes: Any) -> str:
    fields = {"chainId": chain.chain_id, "nonce": nonce, "to": "0x" + "11" * 20, "value": 1, "gas": 200_000}
    fields |= {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9, **changes}
    return str(Account.from_key(chain.keys[sender]).sign_transaction(fields).raw_transaction.to_0x_hex())


def send(chain: ChainProcess, sender: int, nonce: int, **changes: Any) -> str:
    return str(chain.rpc("eth_sendRawTransaction", sign(chain, sender, nonce, **changes)))


def pay(chain: ChainProcess, sender: int, nonce: int, **changes: Any) -> Any:
    return chain.receipt(send(chain, sender, nonce, **changes))


def address(chain: ChainProcess, sender: int) -> str:
    return str(Account.from_key(chain.keys[sender]).address)


def deploy(chain: ChainProcess) -> str:
    receipt = pay(chain, 9, 0, to=None, value=0, data=CREATE_NOTING)
    assert receipt["status"] == "0x1"
    return to_checksum_address(receipt["contractAddress"])


def nonce(chain: ChainProcess, sender: int, block: str = "latest") -> int:
    return int(chain.rpc("eth_getTransactionCount", address(chain, sender), block), 16)


def height(chain: ChainProcess) -> int:
    return int(chain.rpc("eth_blockNumber"), 16)


def head_time(chain: ChainProcess) -> int:
    return int(chain.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)


def block_hash(chain: ChainProcess, number: int) -> str:
    return str(chain.rpc("eth_getBlockByNumber", hex(number), False)["hash"])


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < deadline


def test_snapshots_are_counted_and_a_revert_spends_them(chain: ChainProcess) -> None:
    assert [chain.rpc("evm_snapshot") for _ in range(3)] == ["0x0", "0x1", "0x2"]
    assert chain.rpc("evm_revert", "0x5") is False
    assert chain.rpc("evm_revert", "0x1") is True
    assert [chain.rpc("evm_revert", one) for one in ("0x1", "0x2")] == [False, False]
    assert chain.rpc("evm_snapshot") == "0x3"
    assert [chain.rpc("evm_revert", one) for one in ("0x0", "0x3")] == [True, False]


def test_a_revert_undoes_blocks_receipts_logs_and_state(chain: ChainProcess) -> None:
    contract = deploy(chain)
    pay(chain, 0, 0)
    head, kept = height(chain), block_hash(chain, height(chain))
    before = chain.rpc("eth_getBalance", address(chain, 0), "latest")
    snapshot = chain.rpc("evm_snapshot")
    gone = pay(chain, 0, 1, to=contract, data="0x" + "05" * 32, value=0)
    pay(chain, 1, 0)
    assert len(chain.rpc("eth_getLogs", {"fromBlock": "0x0"})) == 1
    assert int(chain.rpc("eth_getStorageAt", contract, "0x1", "latest"), 16) > 0

    assert chain.rpc("evm_revert", snapshot) is True
    assert (height(chain), block_hash(chain, head)) == (head, kept)
    assert chain.rpc("eth_getBlockByHash", gone["blockHash"], False) is None
    assert chain.rpc("eth_getBlockByNumber", gone["blockNumber"], False) is None
    assert chain.rpc("eth_getTransactionReceipt", gone["transactionHash"]) is None
    assert chain.rpc("eth_getTransactionByHash", gone["transactionHash"]) is None
    assert chain.rpc("eth_getLogs", {"fromBlock": "0x0"}) == []
    assert int(chain.rpc("eth_getStorageAt", contract, "0x1", "latest"), 16) == 0
    assert chain.rpc("eth_getBalance", address(chain, 0), "latest") == before
    assert [nonce(chain, who) for who in (0, 1)] == [1, 0]

    again = pay(chain, 0, 1, to=contract, data="0x" + "06" * 32, value=0)
    assert int(again["blockNumber"], 16) == head + 1
    assert [log["data"] for log in chain.rpc("eth_getLogs", {"fromBlock": "0x0"})] == ["0x" + "06" * 32]


def test_a_revert_leaves_the_pool_alone(chain: ChainProcess) -> None:
    snapshot = chain.rpc("evm_snapshot")
    mined = pay(chain, 0, 0)["transactionHash"]
    chain.rpc("evm_setAutomine", False)
    waiting = send(chain, 1, 0)
    assert chain.rpc("evm_revert", snapshot) is True
    assert chain.rpc("txpool_status") == {"pending": "0x1", "queued": "0x0"}
    chain.rpc("evm_mine")
    assert chain.receipt(waiting)["blockNumber"] == "0x1"
    assert chain.rpc("eth_getTransactionByHash", mined) is None


def test_a_revert_takes_the_clock_back_to_the_head(chain: ChainProcess) -> None:
    start, snapshot = head_time(chain), chain.rpc("evm_snapshot")
    chain.rpc("evm_increaseTime", 2 * DAY_S)
    chain.rpc("evm_mine")
    assert head_time(chain) >= start + 2 * DAY_S
    chain.rpc("evm_revert", snapshot)
    chain.rpc("evm_mine")
    assert start <= head_time(chain) < start + DAY_S


def test_the_next_block_can_be_given_a_time_and_the_clock_runs_on_from_it(chain: ChainProcess) -> None:
    wanted = head_time(chain) + DAY_S
    chain.rpc("evm_setNextBlockTimestamp", wanted)
    chain.rpc("evm_mine")
    assert head_time(chain) == wanted
    chain.rpc("evm_mine")
    assert wanted <= head_time(chain) < wanted + DAY_S
    with pytest.raises(RpcFailure, match="lower than previous block's timestamp"):
        chain.rpc("evm_setNextBlockTimestamp", wanted - DAY_S)


def test_without_automine_transactions_wait_for_a_call(chain: ChainProcess) -> None:
    chain.rpc("evm_setAutomine", False)
    assert chain.rpc("anvil_getAutomine") is False
    sent = [send(chain, 0, one) for one in (0, 1, 3)]
    assert chain.rpc("txpool_status") == {"pending": "0x2", "queued": "0x1"}
    content = chain.rpc("txpool_content")
    sender = next(iter(content["pending"]))
    assert sender.lower() == address(chain, 0).lower()
    assert [content["pending"][sender][str(one)]["hash"] for one in (0, 1)] == sent[:2]
    assert content["queued"][sender]["3"]["hash"] == sent[2]
    assert height(chain) == 0
    chain.rpc("anvil_mine", 2)
    assert [chain.receipt(one)["blockNumber"] for one in sent[:2]] == ["0x1", "0x1"]
    assert (height(chain), chain.rpc("txpool_status")) == (2, {"pending": "0x0", "queued": "0x1"})
    chain.rpc("evm_setAutomine", True)
    assert chain.receipt(send(chain, 0, 2))["status"] == "0x1"


def test_the_pace_can_change_to_the_clock_and_back(chain: ChainProcess) -> None:
    chain.rpc("evm_setIntervalMining", 1)
    assert (chain.rpc("anvil_getAutomine"), chain.rpc("anvil_getIntervalMining")) == (False, 1)
    until(lambda: height(chain) >= 2)
    chain.rpc("evm_setIntervalMining", 0)
    assert (chain.rpc("anvil_getAutomine"), chain.rpc("anvil_getIntervalMining")) == (False, None)
    chain.rpc("evm_setAutomine", True)
    assert pay(chain, 0, 0)["status"] == "0x1"


def test_a_pending_transaction_can_be_dropped(chain: ChainProcess) -> None:
    chain.rpc("evm_setAutomine", False)
    sent = [send(chain, 0, one) for one in (0, 1)]
    assert chain.rpc("anvil_dropTransaction", sent[0]) == sent[0]
    assert chain.rpc("anvil_dropTransaction", sent[0]) is None
    assert chain.rpc("eth_getTransactionByHash", sent[0]) is None
    chain.rpc("evm_mine")
    assert (nonce(chain, 0), nonce(chain, 0, "pending")) == (0, 0)
    assert chain.rpc("eth_getTransactionReceipt", sent[1]) is None
    chain.rpc("anvil_dropAllTransactions")
    assert chain.rpc("txpool_status") == {"pending": "0x0", "queued": "0x0"}


def test_a_reorganisation_replaces_the_last_blocks_by_empty_ones(chain: ChainProcess) -> None:
    sent = [pay(chain, 0, one)["transactionHash"] for one in range(4)]
    chain.rpc("evm_mine")
    before = [block_hash(chain, number) for number in range(6)]
    chain.rpc("anvil_reorg", 3, [])
    after = [block_hash(chain, number) for number in range(6)]
    assert height(chain) == 5
    assert [old == new for old, new in zip(before, after, strict=True)] == [True] * 3 + [False] * 3
    assert chain.rpc("eth_getBlockByHash", before[4], False) is None
    for number in range(1, 6):
        block = chain.rpc("eth_getBlockByNumber", hex(number), False)
        assert block["parentHash"] == after[number - 1]
        assert len(block["transactions"]) == (1 if number < 3 else 0)
    found = [chain.rpc("eth_getTransactionReceipt", one) is not None for one in sent]
    assert found == [True, True, False, False]
    assert [chain.rpc("eth_getTransactionByHash", one) for one in sent[2:]] == [None, None]
    assert (nonce(chain, 0), nonce(chain, 0, "pending")) == (2, 2)
    assert pay(chain, 0, 2)["blockNumber"] == "0x6"


def test_a_reorganisation_can_carry_transactions_over_to_other_blocks(chain: ChainProcess) -> None:
    raw = sign(chain, 0, 0)
    sent = chain.rpc("eth_sendRawTransaction", raw)
    first = chain.receipt(sent)
    chain.rpc("evm_mine")
    chain.rpc("anvil_reorg", 2, [[raw, 1]])
    moved = chain.receipt(sent)
    assert (first["blockNumber"], moved["blockNumber"]) == ("0x1", "0x2")
    assert nonce(chain, 0) == 1


@pytest.mark.parametrize("arguments", [(3, []), (1, [["0x", 1]])])
def test_a_reorganisation_that_cannot_be_changes_nothing(chain: ChainProcess, arguments: Any) -> None:
    chain.rpc("anvil_mine", 2)
    before = block_hash(chain, 2)
    with pytest.raises(RpcFailure):
        chain.rpc("anvil_reorg", *arguments)
    assert (height(chain), block_hash(chain, 2)) == (2, before)


def test_what_an_account_holds_is_proved_against_the_state_root(chain: ChainProcess) -> None:
    contract = deploy(chain)
    pay(chain, 0, 0, to=contract, value=5, data="0x" + "05" * 32)
    block = chain.rpc("eth_getBlockByNumber", "latest", False)
    root = bytes.fromhex(block["stateRoot"][2:])
    for account in (contract, address(chain, 0), "0x" + "ab" * 20):
        proof = chain.rpc("eth_getProof", account, ["0x" + "00" * 31 + "01", "0x" + "00" * 31 + "02"], "latest")
        encoded = proved(root, bytes.fromhex(account[2:]), proof["accountProof"])
        if account.startswith("0xab"):
            assert (encoded, proof["balance"], proof["nonce"]) == (b"", "0x0", "0x0")
            continue
        count, balance, storage_root, code_hash = rlp.decode(encoded)
        assert proof["balance"] == chain.rpc("eth_getBalance", account, "latest")
        assert int.from_bytes(balance, "big") == int(proof["balance"], 16)
        assert int.from_bytes(count, "big") == int(proof["nonce"], 16)
        assert (proof["storageHash"], proof["codeHash"]) == ("0x" + storage_root.hex(), "0x" + code_hash.hex())
        code = bytes.fromhex(chain.rpc("eth_getCode", account, "latest")[2:])
        assert keccak(code) == code_hash
        wanted = [int("05" * 32, 16), 0] if account == contract else [0, 0]
        assert [int(slot["value"], 16) for slot in proof["storageProof"]] == wanted
        for index, slot in enumerate(proof["storageProof"]):
            value = proved(storage_root, (index + 1).to_bytes(32, "big"), slot["proof"])
            assert int.from_bytes(rlp.decode(value) if value else b"", "big") == wanted[index]


def proved(root: bytes, key: bytes, proof: list[str]) -> bytes:
    """What the proof says is under a key: the account or value encoded, or nothing. Raises if it proves neither."""
    if not proof or proof == ["0x80"]:
        assert root == keccak(rlp.encode(b""))
        return b""
    nodes = [rlp.decode(bytes.fromhex(node[2:])) for node in proof]
    return bytes(HexaryTrie.get_from_proof(root, keccak(key), nodes))


def test_accounts_can_be_made_what_a_test_needs(chain: ChainProcess) -> None:
    somebody = "0x" + "ab" * 20
    chain.rpc("anvil_setBalance", somebody, "0x4d")
    chain.rpc("anvil_setNonce", somebody, "0x7")
    chain.rpc("hardhat_setCode", somebody, "0x5f545f5260205ff3")
    chain.rpc("anvil_setStorageAt", somebody, "0x0", "0x" + "00" * 31 + "09")
    assert chain.rpc("eth_getBalance", somebody, "latest") == "0x4d"
    assert chain.rpc("eth_getTransactionCount", somebody, "latest") == "0x7"
    assert int(chain.rpc("eth_call", {"to": somebody}, "latest"), 16) == 9
    chain.rpc("evm_mine")
    assert chain.rpc("eth_getBalance", somebody, "latest") == "0x4d"
