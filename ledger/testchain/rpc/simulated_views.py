"""Simulated blocks as ethereum/execution-apis writes them."""

from typing import Any

import rlp
from eth_utils.address import to_checksum_address

from ledger.testchain.evm.block_simulation import SimulatedBlock, SimulatedCall
from ledger.testchain.evm.messages import ExecutionReverted
from ledger.testchain.rpc import views
from ledger.testchain.rpc.errors import REVERTED

VM_ERROR = -32015


def simulated_block_view(block: SimulatedBlock, whole: bool) -> views.Json:
    """A block with what became of its calls. whole: with whole transactions, not their hashes."""
    header, transactions = block.header, [one.transaction for one in block.calls]
    hashes = [views.hex_data(one.hash) for one in transactions]
    place = {
        "blockHash": views.hex_data(header.hash),
        "blockNumber": hex(header.block_number),
        "blockTimestamp": hex(header.timestamp),
    }
    shown: list[Any] = (
        [views.unsigned_view(header, at, one) for at, one in enumerate(transactions)] if whole else hashes
    )
    calls, first_log = [], 0
    for index, call in enumerate(block.calls):
        calls.append(_call_view(call, {**place, "transactionHash": hashes[index]}, index, first_log))
        first_log += 0 if call.failure else len(call.logs)
    return {
        **views.header_view(header),
        "size": hex(len(rlp.encode([type(header).serialize(header), [], [], []]))),
        "transactions": shown,
        "uncles": [],
        "withdrawals": [],
        "calls": calls,
    }


def _call_view(call: SimulatedCall, place: views.Json, index: int, first_log: int) -> views.Json:
    logs = [
        {
            "address": to_checksum_address(address),
            "topics": [f"0x{topic:064x}" for topic in topics],
            "data": views.hex_data(data),
            **place,
            "transactionIndex": hex(index),
            "logIndex": hex(first_log + offset),
            "removed": False,
        }
        for offset, (address, topics, data) in enumerate(call.logs)
    ]
    view = {
        "returnData": views.hex_data(call.output),
        "logs": logs,
        "gasUsed": hex(call.gas_used),
        "status": "0x0" if call.failure else "0x1",
    }
    if call.failure is None:
        return view
    if isinstance(call.failure, ExecutionReverted):
        error = {"code": REVERTED, "message": str(call.failure), "data": views.hex_data(call.failure.data)}
    else:
        error = {"code": VM_ERROR, "message": str(call.failure)}
    return {**view, "error": error}
