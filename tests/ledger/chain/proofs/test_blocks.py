"""Headers, receipts, transactions and accounts of real blocks, of our chain and Anvil, proved from a hash."""

from typing import Any

import pytest
from eth_account import Account
from eth_utils.address import to_checksum_address

from ledger.chain.proofs.accounts import prove_account, prove_word
from ledger.chain.proofs.headers import Header, decode_header, encode_header
from ledger.chain.proofs.items import BadProof
from ledger.chain.proofs.receipts import (
    ProvedLog,
    find_proved_logs,
    find_proved_transaction,
    make_receipts_trie,
    make_transactions_trie,
)
from ledger.chain.rpc.answers import Nonsense
from tests.support.chains.kinds import ChainProcess

pytestmark = pytest.mark.rule("R32.4")

# Logs its calldata's first word under the topic 7, and stores it at slot 1.
NOTING = bytes.fromhex("60003580600052600155600760206000a1")
CREATE_NOTING = bytes.fromhex("60118060093d393df3") + NOTING
WORD = bytes.fromhex("05" * 32)


def to_bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def send(chain: ChainProcess, nonce: int, **changes: Any) -> str:
    fields = {"chainId": chain.chain_id, "nonce": nonce, "value": 0, "gas": 200_000, **changes}
    fields |= {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9}
    if changes.get("type") == 0:
        fields = {"chainId": chain.chain_id, "nonce": nonce, "value": 0, "gas": 200_000, "gasPrice": 10**10}
        fields |= {name: value for name, value in changes.items() if name != "type"}
    signed = Account.from_key(chain.keys[0]).sign_transaction(fields).raw_transaction
    return str(chain.rpc("eth_sendRawTransaction", signed.to_0x_hex()))


def test_what_a_block_did_follows_from_its_hash(chain: ChainProcess) -> None:
    made = chain.receipt(send(chain, 0, to=None, data=CREATE_NOTING))
    contract = str(to_checksum_address(made["contractAddress"]))
    chain.rpc("evm_setAutomine", False)
    sent = [
        send(chain, 1, to=contract, data=WORD),
        send(chain, 2, to="0x" + "11" * 20, type=0),
        send(chain, 3, to=contract, data=WORD),
    ]
    chain.rpc("anvil_mine", 1)
    block = chain.rpc("eth_getBlockByNumber", "latest", False)
    assert block["transactions"] == sent

    encoded = encode_header(block, to_bytes(block["hash"]))
    assert encoded is not None
    header = decode_header(encoded)
    assert (header.hash, header.number, header.time_s) == (
        to_bytes(block["hash"]),
        int(block["number"], 16),
        int(block["timestamp"], 16),
    )
    check_receipts(chain, header, contract)
    signed = [to_bytes(chain.rpc("eth_getRawTransactionByHash", one)) for one in sent]
    check_transactions(header, signed)
    check_account(chain, header, contract)


def check_receipts(chain: ChainProcess, header: Header, contract: str) -> None:
    trie = make_receipts_trie(chain.rpc("eth_getBlockReceipts", hex(header.number)))
    assert trie.root == header.receipts_root
    noted = [ProvedLog(to_bytes(contract), ((7).to_bytes(32, "big"),), WORD)]
    for index, logs in enumerate([noted, [], noted]):
        assert find_proved_logs(header.receipts_root, index, trie.show(bytes([index or 0x80]))) == logs
    with pytest.raises(BadProof):
        find_proved_logs(header.receipts_root, 3, trie.show(bytes([3])))


def check_transactions(header: Header, signed: list[bytes]) -> None:
    trie = make_transactions_trie(signed)
    assert trie.root == header.transactions_root
    for index, one in enumerate(signed):
        assert find_proved_transaction(header.transactions_root, index, trie.show(bytes([index or 0x80]))) == one
    with pytest.raises(BadProof):
        find_proved_transaction(header.transactions_root, 9, trie.show(bytes([9])))


def check_account(chain: ChainProcess, header: Header, contract: str) -> None:
    told = chain.rpc("eth_getProof", contract, [f"0x{slot:064x}" for slot in (0, 1)], hex(header.number))
    account = prove_account(header.state_root, to_bytes(contract), [to_bytes(one) for one in told["accountProof"]])
    assert "0x" + account.code_hash.hex() == told["codeHash"]
    words = [
        prove_word(account.storage_root, slot, [to_bytes(one) for one in told["storageProof"][slot]["proof"]])
        for slot in (0, 1)
    ]
    assert words == [bytes(32), WORD]
    absent = chain.rpc("eth_getProof", "0x" + "ab" * 20, [], hex(header.number))
    with pytest.raises(BadProof, match="no such account"):
        prove_account(header.state_root, b"\xab" * 20, [to_bytes(one) for one in absent["accountProof"]])


@pytest.mark.parametrize("field", ["miner", "timestamp", "stateRoot", "requestsHash"])
def test_a_header_told_otherwise_than_it_is_is_none(chain: ChainProcess, field: str) -> None:
    block = chain.rpc("eth_getBlockByNumber", "latest", False)
    for wrong in (None, "nonsense", "0x", "0x11"):
        assert encode_header({**block, field: wrong}, to_bytes(block["hash"])) is None


@pytest.mark.parametrize(
    "told", [None, {}, [None], [{}], [{"status": "0x1", "logs": 5}], [{"status": "x", "logs": []}]]
)
def test_receipts_that_are_none_are_refused(told: Any) -> None:
    with pytest.raises(Nonsense):
        make_receipts_trie(told)
