"""What eth_feeHistory answers: base fees, fullness and tips of a range of blocks."""

from collections.abc import Sequence
from typing import Any

from eth.vm.forks.london.headers import calculate_expected_base_fee_per_gas

from ledger.testchain.mining.chain import LocalChain
from ledger.testchain.rpc.views import effective_gas_price
from ledger.testchain.storage.blocks import BlockRecord

MAX_BLOCKS = 1024
SUGGESTED_TIP_WEI = 10**9
# Blobs are not offered, so their price stays at its floor.
BLOB_BASE_FEE_WEI = 1


def fee_history(chain: LocalChain, count: int, newest: int, percentiles: Sequence[float]) -> dict[str, Any]:
    """The `count` blocks up to `newest`, fewer if the chain is shorter or MAX_BLOCKS is reached.

    baseFeePerGas has one entry more: that of the block after the newest, mined or not.
    """
    count = min(count, newest + 1, MAX_BLOCKS)
    if count < 1:
        return {"oldestBlock": hex(0), "baseFeePerGas": [], "gasUsedRatio": []}
    found = [chain.header_by_number(number) for number in range(newest - count + 1, newest + 1)]
    headers = [header for header in found if header is not None]
    base_fees = [header.base_fee_per_gas for header in headers]
    base_fees.append(calculate_expected_base_fee_per_gas(headers[-1]))
    history = {
        "oldestBlock": hex(headers[0].block_number),
        "baseFeePerGas": [hex(fee) for fee in base_fees],
        "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
        "baseFeePerBlobGas": [hex(BLOB_BASE_FEE_WEI)] * (count + 1),
        "blobGasUsedRatio": [0.0] * count,
    }
    if percentiles:
        history["reward"] = [
            [hex(tip) for tip in tip_percentiles(chain.read_record(header), percentiles)] for header in headers
        ]
    return history


def tip_percentiles(record: BlockRecord, percentiles: Sequence[float]) -> list[int]:
    """Tips in wei below which the given shares of the block's gas were paid; zeros for an empty block."""
    if not record.transactions:
        return [0] * len(percentiles)
    base_fee = record.header.base_fee_per_gas
    paid = sorted(
        (effective_gas_price(transaction, base_fee) - base_fee, gas_used)
        for transaction, gas_used in zip(record.transactions, gas_each(record), strict=True)
    )
    tips, index, covered = [], 0, paid[0][1]
    for percentile in percentiles:
        threshold = int(record.header.gas_used * percentile / 100)
        while covered < threshold and index < len(paid) - 1:
            index += 1
            covered += paid[index][1]
        tips.append(paid[index][0])
    return tips


def gas_each(record: BlockRecord) -> list[int]:
    """Gas used by each transaction of a block (receipts hold running totals)."""
    totals = [receipt.gas_used for receipt in record.receipts]
    return [total - before for total, before in zip(totals, [0, *totals], strict=False)]
