"""Cases that read: blocks, transactions, receipts, accounts, fees."""

from typing import Any

from scripts.chains.conformance.case import Case, account, block, case, mined, notebook
from scripts.chains.conformance.scene import NOBODY, NOWHERE, Scene

ZERO = "0x" + "00" * 32
TRANSACTIONS = ("deploy", "legacy", "listed", "noted", "reverted", "exhausted", "created", "paid")


def _client_version(scene: Scene) -> Any:
    answer = scene.call("web3_clientVersion")
    return {"result": answer["result"].count("/") > 0}


def _gas_price(scene: Scene) -> Any:
    """A price that the next block takes is all a caller can rely on."""
    price = int(scene.call("eth_gasPrice")["result"], 16)
    base_fee = int(scene.call("eth_getBlockByNumber", "latest", False)["result"]["baseFeePerGas"], 16)
    return {"result": 7 * base_fee // 8 <= price <= 10 * base_fee + 10**10}


def _pending_transactions(scene: Scene) -> Any:
    answer = scene.call("eth_getBlockByNumber", "pending", True)["result"]
    return {"result": [[item["hash"], item["blockHash"] is None] for item in answer["transactions"]]}


def _pending_number(scene: Scene) -> Any:
    return {"result": scene.call("eth_getBlockByNumber", "pending", False)["result"]["number"]}


GENERAL = [
    Case("web3_clientVersion", "names program and version", _client_version),
    case("web3_sha3", "of two bytes", "0x1234"),
    case("web3_sha3", "of nothing", "0x"),
    case("net_version", "is the chain id in decimal"),
    case("net_listening", "is true"),
    case("net_peerCount", "nobody"),
    case("eth_chainId", "is the chain id"),
    case("eth_syncing", "is false"),
    case("eth_accounts", "which keys the node holds"),
    case("eth_blockNumber", "counts the history's blocks"),
    case("eth_blobBaseFee", "no blobs"),
    Case("eth_gasPrice", "the next block takes it", _gas_price),
    case("eth_maxPriorityFeePerGas", "a suggestion"),
    case("eth_coinbase", "who is paid the tips"),
    case("eth_mining", "asked of old"),
    case("eth_nothingOfTheSort", "an unknown method"),
    case("eth_getBalance", "without parameters"),
    case("eth_chainId", "with a parameter too many", "latest"),
]

BLOCKS = [
    *(case("eth_getBlockByNumber", f"block {number}", hex(number), False) for number in range(9)),
    case("eth_getBlockByNumber", "whole transactions, all types", "0x2", True),
    case("eth_getBlockByNumber", "a creation in whole", "0x6", True),
    *(case("eth_getBlockByNumber", tag, tag, False) for tag in ("latest", "earliest", "safe", "finalized")),
    Case("eth_getBlockByNumber", "pending: its number", _pending_number),
    Case("eth_getBlockByNumber", "pending: its transactions", _pending_transactions),
    case("eth_getBlockByNumber", "pending: its keys", "pending", False),
    case("eth_getBlockByNumber", "beyond the head", "0x3e8", False),
    case("eth_getBlockByNumber", "without the flag", "0x1"),
    case("eth_getBlockByNumber", "number with a leading zero", "0x01", False),
    case("eth_getBlockByNumber", "a decimal number", 1, False),
    case("eth_getBlockByNumber", "not a number", "0xzz", False),
    case("eth_getBlockByNumber", "an unknown tag", "newest", False),
    case("eth_getBlockByNumber", "a flag that is no flag", "0x1", "yes"),
    case("eth_getBlockByHash", "a block", block(2), False),
    case("eth_getBlockByHash", "a block in whole", block(2), True),
    case("eth_getBlockByHash", "the zero hash", ZERO, False),
    case("eth_getBlockByHash", "an unknown hash", NOWHERE, False),
    case("eth_getBlockByHash", "a short hash", "0x1234", False),
    case("eth_getBlockTransactionCountByNumber", "three", "0x2"),
    case("eth_getBlockTransactionCountByNumber", "none", "0x0"),
    case("eth_getBlockTransactionCountByNumber", "beyond the head", "0x3e8"),
    case("eth_getBlockTransactionCountByNumber", "pending", "pending"),
    case("eth_getBlockTransactionCountByHash", "three", block(2)),
    case("eth_getBlockTransactionCountByHash", "none", block(0)),
    case("eth_getBlockTransactionCountByHash", "an unknown hash", NOWHERE),
    case("eth_getUncleCountByBlockNumber", "none", "0x2"),
    case("eth_getUncleCountByBlockHash", "none", block(2)),
    case("eth_getUncleByBlockNumberAndIndex", "none", "0x2", "0x0"),
    case("eth_getUncleByBlockHashAndIndex", "none", block(2), "0x0"),
]

TRANSACTION_CASES = [
    *(case("eth_getTransactionByHash", name, mined(name)) for name in TRANSACTIONS),
    case("eth_getTransactionByHash", "pooled", mined("waiting")),
    case("eth_getTransactionByHash", "pooled behind a gap", mined("early")),
    case("eth_getTransactionByHash", "the zero hash", ZERO),
    case("eth_getTransactionByHash", "an unknown hash", NOWHERE),
    case("eth_getTransactionByHash", "a short hash", "0x1234"),
    case("eth_getTransactionByBlockNumberAndIndex", "the second", "0x2", "0x1"),
    case("eth_getTransactionByBlockNumberAndIndex", "beyond the last", "0x2", "0x7"),
    case("eth_getTransactionByBlockNumberAndIndex", "beyond the head", "0x3e8", "0x0"),
    case("eth_getTransactionByBlockHashAndIndex", "the third", block(2), "0x2"),
    case("eth_getTransactionByBlockHashAndIndex", "an unknown hash", NOWHERE, "0x0"),
    case("eth_getRawTransactionByHash", "legacy", mined("legacy")),
    case("eth_getRawTransactionByHash", "with fees", mined("noted")),
    *(case("eth_getTransactionReceipt", name, mined(name)) for name in TRANSACTIONS),
    case("eth_getTransactionReceipt", "second log of a block", mined("again")),
    case("eth_getTransactionReceipt", "pooled", mined("waiting")),
    case("eth_getTransactionReceipt", "the zero hash", ZERO),
    case("eth_getTransactionReceipt", "an unknown hash", NOWHERE),
    case("eth_getBlockReceipts", "three", "0x2"),
    case("eth_getBlockReceipts", "by hash", block(2)),
    case("eth_getBlockReceipts", "by an object with a hash", {"blockHash": block(2)}),
    case("eth_getBlockReceipts", "the first block", "0x0"),
    case("eth_getBlockReceipts", "earliest", "earliest"),
    case("eth_getBlockReceipts", "latest, empty", "latest"),
    case("eth_getBlockReceipts", "beyond the head", "0x3e8"),
    case("eth_getBlockReceipts", "an unknown hash", NOWHERE),
]

ACCOUNTS = [
    case("eth_getBalance", "who paid", account(6), "latest"),
    case("eth_getBalance", "the contract's", notebook, "latest"),
    case("eth_getBalance", "who paid, before", account(6), "0x6"),
    case("eth_getBalance", "at a block's hash", notebook, block(6)),
    case("eth_getBalance", "at an object with a number", notebook, {"blockNumber": "0x6"}),
    case("eth_getBalance", "at an object with a hash", notebook, {"blockHash": block(6), "requireCanonical": True}),
    case("eth_getBalance", "without a block", notebook),
    case("eth_getBalance", "the miner's, summed tips", "0x" + "00" * 20, "latest"),
    case("eth_getBalance", "nobody's", NOBODY, "latest"),
    case("eth_getBalance", "beyond the head", account(0), "0x3e8"),
    case("eth_getBalance", "at an unknown hash", account(0), {"blockHash": NOWHERE}),
    case("eth_getBalance", "a short address", "0x1234", "latest"),
    case("eth_getTransactionCount", "who sent", account(3), "latest"),
    case("eth_getTransactionCount", "the contract's", notebook, "latest"),
    case("eth_getTransactionCount", "at a block", account(3), "0x2"),
    case("eth_getTransactionCount", "nobody's", NOBODY),
    case("eth_getTransactionCount", "latest with one pooled", account(7), "latest"),
    case("eth_getTransactionCount", "pending with one pooled", account(7), "pending"),
    case("eth_getTransactionCount", "pending behind a gap", account(8), "pending"),
    case("eth_getCode", "the contract's", notebook, "latest"),
    case("eth_getCode", "before it was there", notebook, "0x0"),
    case("eth_getCode", "nobody's", NOBODY),
    case("eth_getStorageAt", "set", notebook, "0x0", "latest"),
    case("eth_getStorageAt", "before", notebook, "0x0", "0x1"),
    case("eth_getStorageAt", "a padded slot", notebook, ZERO, "latest"),
    case("eth_getStorageAt", "not set", notebook, "0x5", "latest"),
    case("eth_getStorageAt", "without a block", notebook, "0x0"),
    case("eth_getStorageAt", "nobody's", NOBODY, "0x1", "latest"),
    case("eth_getStorageAt", "a slot with a leading zero", notebook, "0x00", "latest"),
    case("eth_getStorageAt", "a slot too long", notebook, "0x" + "00" * 33, "latest"),
    case("eth_getStorageAt", "a slot that is not hex", notebook, "0xasdf", "latest"),
]

FEES = [
    case("eth_feeHistory", "the whole history", "0x9", "latest", [0, 25, 50, 100]),
    case("eth_feeHistory", "one block of three transactions", "0x1", "0x2", [10, 50, 90]),
    case("eth_feeHistory", "an empty block", "0x1", "0x4", [50]),
    case("eth_feeHistory", "no percentiles", "0x2", "0x5", []),
    case("eth_feeHistory", "percentiles left out", "0x2", "0x5"),
    case("eth_feeHistory", "percentiles null", "0x2", "0x5", None),
    case("eth_feeHistory", "more than there are", "0x64", "latest", []),
    case("eth_feeHistory", "a decimal count", 2, "latest", []),
    case("eth_feeHistory", "no blocks", "0x0", "latest", []),
    case("eth_feeHistory", "beyond the head", "0x1", "0x3e8", []),
    case("eth_feeHistory", "falling percentiles", "0x1", "latest", [50, 10]),
    case("eth_feeHistory", "a percentile of 101", "0x1", "latest", [101]),
    case("eth_feeHistory", "pending", "0x2", "pending", []),
]

CASES = [*GENERAL, *BLOCKS, *TRANSACTION_CASES, *ACCOUNTS, *FEES]
