"""Blocks, transactions, receipts and logs as the JSON-RPC specification of Ethereum writes them."""

from collections.abc import Iterable
from itertools import accumulate
from typing import Any

import rlp
from eth._utils.address import generate_contract_address
from eth_utils.address import to_checksum_address

from ledger.testchain.evm.vm import Header, LocalVM, Transaction
from ledger.testchain.storage.blocks import BlockRecord, MinedTransaction, take_transaction
from ledger.testchain.storage.logs import Log

Json = dict[str, Any]


def hex_data(value: bytes) -> str:
    """0x-prefixed hex, two digits a byte."""
    return "0x" + value.hex()


def hex_bloom(bloom: int) -> str:
    """256 bytes."""
    return f"0x{bloom:0512x}"


def header_view(header: Header) -> Json:
    """The fields of a block that its header holds."""
    return {
        "number": hex(header.block_number),
        "hash": hex_data(header.hash),
        "parentHash": hex_data(header.parent_hash),
        "nonce": hex_data(header.nonce),
        "sha3Uncles": hex_data(header.uncles_hash),
        "logsBloom": hex_bloom(header.bloom),
        "transactionsRoot": hex_data(header.transaction_root),
        "stateRoot": hex_data(header.state_root),
        "receiptsRoot": hex_data(header.receipt_root),
        "miner": to_checksum_address(header.coinbase),
        "difficulty": hex(header.difficulty),
        "extraData": hex_data(header.extra_data),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": hex(header.gas_used),
        "timestamp": hex(header.timestamp),
        "mixHash": hex_data(header.mix_hash),
        "baseFeePerGas": hex(header.base_fee_per_gas),
        "withdrawalsRoot": hex_data(header.withdrawals_root),
        "blobGasUsed": hex(header.blob_gas_used),
        "excessBlobGas": hex(header.excess_blob_gas),
        "parentBeaconBlockRoot": hex_data(header.parent_beacon_block_root),
        "requestsHash": hex_data(header.requests_hash),
    }


def block_view(record: BlockRecord, full: bool) -> Json:
    """A mined block, with whole transactions or their hashes."""
    transactions = [
        transaction_view(take_transaction(record, index)) if full else hex_data(transaction.hash)
        for index, transaction in enumerate(record.transactions)
    ]
    return {
        **header_view(record.header),
        "size": hex(_block_bytes(record)),
        "transactions": transactions,
        "uncles": [],
        "withdrawals": [],
    }


def pending_block_view(header: Header, transactions: list[Transaction], full: bool) -> Json:
    """The block that would come next; what only mining decides is null."""
    listed = [pending_view(transaction) if full else hex_data(transaction.hash) for transaction in transactions]
    unknown = dict.fromkeys(("hash", "nonce", "logsBloom", "miner"))
    block = {
        **header_view(header),
        **unknown,
        "size": "0x0",
        "transactions": listed,
        "uncles": [],
        "withdrawals": [],
    }
    return block


def transaction_view(place: MinedTransaction) -> Json:
    """A mined transaction."""
    transaction, header = place.transaction, place.header
    return {
        **_transaction_fields(transaction),
        "blockHash": hex_data(header.hash),
        "blockNumber": hex(header.block_number),
        "blockTimestamp": hex(header.timestamp),
        "transactionIndex": hex(place.position),
        "gasPrice": hex(effective_gas_price(transaction, header.base_fee_per_gas)),
    }


def unsigned_view(header: Header, index: int, transaction: Transaction) -> Json:
    """A transaction of a simulated block."""
    return {
        **_transaction_fields(transaction),
        "blockHash": hex_data(header.hash),
        "blockNumber": hex(header.block_number),
        "blockTimestamp": hex(header.timestamp),
        "transactionIndex": hex(index),
        "gasPrice": hex(effective_gas_price(transaction, header.base_fee_per_gas)),
    }


def pending_view(transaction: Transaction) -> Json:
    """A pooled transaction."""
    return {
        **_transaction_fields(transaction),
        "blockHash": None,
        "blockNumber": None,
        "transactionIndex": None,
        "gasPrice": hex(transaction.max_fee_per_gas),
    }


def receipt_views(record: BlockRecord) -> list[Json]:
    """The receipts of a whole block."""
    first_logs = accumulate((len(receipt.logs) for receipt in record.receipts), initial=0)
    gas_before = [0, *(receipt.gas_used for receipt in record.receipts)]
    parts = zip(record.transactions, record.receipts, gas_before, first_logs, strict=False)
    return [receipt_view(MinedTransaction(record.header, index, *part)) for index, part in enumerate(parts)]


def receipt_view(mined: MinedTransaction) -> Json:
    """The receipt of a mined transaction, its logs numbered within the block."""
    header, index, transaction, receipt, gas_before, first_log = mined
    place = {
        "blockHash": hex_data(header.hash),
        "blockNumber": hex(header.block_number),
        "transactionHash": hex_data(transaction.hash),
        "transactionIndex": hex(index),
    }
    logs = [
        {
            "address": to_checksum_address(log.address),
            "topics": [f"0x{topic:064x}" for topic in log.topics],
            "data": hex_data(log.data),
            **place,
            "blockTimestamp": hex(header.timestamp),
            "logIndex": hex(first_log + offset),
            "removed": False,
        }
        for offset, log in enumerate(receipt.logs)
    ]
    return {
        **place,
        "from": to_checksum_address(transaction.sender),
        "to": to_checksum_address(transaction.to) if transaction.to else None,
        "contractAddress": None if transaction.to else _created(transaction),
        "cumulativeGasUsed": hex(receipt.gas_used),
        "gasUsed": hex(receipt.gas_used - gas_before),
        "effectiveGasPrice": hex(effective_gas_price(transaction, header.base_fee_per_gas)),
        "status": hex(int.from_bytes(receipt.state_root, "big")),
        "type": hex(transaction.type_id or 0),
        "logs": logs,
        "logsBloom": hex_bloom(receipt.bloom),
    }


def access_list_view(access_list: Iterable[tuple[bytes, Iterable[int]]]) -> list[Json]:
    """Accounts and their slots (EIP-2930)."""
    return [
        {"address": to_checksum_address(account), "storageKeys": [f"0x{key:064x}" for key in keys]}
        for account, keys in access_list
    ]


def log_view(log: Log) -> Json:
    """A log found by a filter."""
    return {
        "address": to_checksum_address(log.stored.address),
        "topics": [hex_data(topic) for topic in log.stored.topics],
        "data": hex_data(log.stored.data),
        "blockHash": hex_data(log.block_hash),
        "blockNumber": hex(log.block_number),
        "blockTimestamp": hex(log.timestamp),
        "transactionHash": hex_data(log.stored.transaction_hash),
        "transactionIndex": hex(log.stored.transaction_index),
        "logIndex": hex(log.index),
        "removed": False,
    }


def effective_gas_price(transaction: Transaction, base_fee_wei: int) -> int:
    """What a transaction pays per gas at a base fee, in wei (EIP-1559)."""
    return int(min(transaction.max_fee_per_gas, base_fee_wei + transaction.max_priority_fee_per_gas))


def _transaction_fields(transaction: Transaction) -> Json:
    fields = {
        "hash": hex_data(transaction.hash),
        "type": hex(transaction.type_id or 0),
        "chainId": hex(transaction.chain_id or 0),
        "nonce": hex(transaction.nonce),
        "from": to_checksum_address(transaction.sender),
        "to": to_checksum_address(transaction.to) if transaction.to else None,
        "gas": hex(transaction.gas),
        "value": hex(transaction.value),
        "input": hex_data(transaction.data),
        "r": hex(transaction.r),
        "s": hex(transaction.s),
    }
    if transaction.type_id is None:
        return {**fields, "v": hex(transaction.v)}
    fields |= {"v": hex(transaction.y_parity), "yParity": hex(transaction.y_parity)}
    fees = {}
    if transaction.type_id == 2:
        fees = {
            "maxFeePerGas": hex(transaction.max_fee_per_gas),
            "maxPriorityFeePerGas": hex(transaction.max_priority_fee_per_gas),
        }
    return {**fields, **fees, "accessList": access_list_view(transaction.access_list)}


def _created(transaction: Transaction) -> str:
    return to_checksum_address(generate_contract_address(transaction.sender, transaction.nonce))


def _block_bytes(record: BlockRecord) -> int:
    builder = LocalVM.get_transaction_builder()
    transactions = [builder.serialize(transaction) for transaction in record.transactions]
    return len(rlp.encode([type(record.header).serialize(record.header), transactions, [], []]))
