"""Where our chain and Anvil differ about simulations and filters, and what ours does not offer."""

from scripts.chains.conformance.rule import CHOICE, MISSING, OURS, Rule, rule_for

_HEADER = (
    "baseFeePerGas|blobGasUsed|excessBlobGas|number|parentHash|receiptsRoot|requestsHash|size|transactionsRoot"
)

SIMULATED_SMALL = [
    Rule(
        "eth_simulateV1: .*",
        rf"result\[\]\.({_HEADER}|logsBloom|transactions\[\]|withdrawals|withdrawalsRoot): .*"
        r"|result\[\]\.calls\[\]\.logs\[\]\.(blockNumber|transactionHash): .*",
        OURS,
        "The block around simulated calls is on ours one that could follow: the next number, the parent's hash, roots "
        "and hashes of its transactions, a base fee of 0 unless validated. Anvil's has the number of the block that "
        "it stands on, and neither size nor withdrawals.",
        is_small=True,
    ),
    Rule(
        "eth_simulateV1: .*",
        r"result\[\]\.calls\[\]\.error\.(code: .* / -3200|data: .* / nothing|message: .* / something else)",
        OURS,
        "A simulated call that fails says why: 3 and the revert's data, or -32015, as in go-ethereum. Anvil: -3200.",
        is_small=True,
    ),
    Rule(
        "eth_simulateV1: .*",
        r"error\.code: -380\d\d / -32\d\d\d",
        OURS,
        "What no block could hold has the specification's codes (-38010 to -38026); Anvil has -32000 or -32003.",
        is_small=True,
    ),
]

SIMULATED = [
    rule_for(
        "eth_call: an override of a short slot",
        CHOICE,
        "Short slot numbers are fine; Anvil wants all 32 bytes.",
    ),
    rule_for(
        "eth_call: in a block with .*",
        CHOICE,
        "A call that names no price sees a base fee of 0, as in go-ethereum; Anvil shows the block's.",
        "result: .*",
    ),
    rule_for(
        "eth_simulateV1: a payment that fails, traced",
        OURS,
        "Coin that a revert gave back did not move; Anvil says that it did.",
        r"result\[\]\.calls\[\]\.logs: .*",
    ),
    rule_for("eth_simulateV1: a creation", OURS, "Contracts can be created; Anvil refuses a call to nobody."),
    rule_for(
        "eth_simulateV1: (an environment of its own|blocks left out)",
        OURS,
        "Numbers left out become empty blocks; Anvil leaves them out.",
        "result: .*",
    ),
    rule_for(
        "eth_simulateV1: whole transactions",
        OURS,
        "A simulated transaction has its chain, nonce, gas and place; Anvil leaves zeros and null.",
        r"result\[\]\.transactions\[\]\..*",
    ),
    rule_for(
        "eth_simulateV1: validated, .*",
        OURS,
        "Validated calls need the fee and nonce of a real transaction; Anvil does not look.",
    ),
    rule_for("eth_simulateV1: no blocks", OURS, "Nothing to simulate is an error; Anvil finds nothing."),
    rule_for(
        "eth_simulateV1: (a block before the head|a time before the head|too many blocks)",
        OURS,
        "Numbers and times must rise, by 256 blocks at most; Anvil takes anything.",
    ),
    rule_for(
        "eth_createAccessList: (a revert|out of gas)",
        OURS,
        "The list of an execution that fails comes with its `error`; Anvil gives only the error.",
    ),
    rule_for(
        "eth_sendRawTransactionSync: no block in time",
        OURS,
        "Code 4 and the hash of what is pooled (EIP-7966); Anvil -32602.",
        r"error\.(code|data): .*",
    ),
    rule_for(
        "txpool_inspect: .*",
        CHOICE,
        "Accounts with their checksum, as in go-ethereum; Anvil's in lower case.",
    ),
    rule_for(
        "eth_newFilter: (from the first block on|of blocks long ago)",
        OURS,
        "eth_getFilterChanges tells what came since the filter was made; Anvil's first answer has earlier logs, too.",
        r"\[\]\.result: .*",
    ),
    rule_for("eth_newFilter: from above to", OURS, "An error (-32602), as for eth_getLogs; Anvil takes it."),
]

NOT_OFFERED = [
    rule_for(
        r"eth_sendRawTransaction: carries blobs \(type 3\)",
        MISSING,
        "Types 0, 1 and 2 are taken; nothing here keeps blobs for a chain (EIP-4844).",
    ),
    rule_for(
        "(debug|trace)_.*",
        MISSING,
        "No traces: what a call does is told by eth_simulateV1, and by receipts and logs.",
    ),
    rule_for(
        "eth_sign.*",
        MISSING,
        "Ours holds no keys, so it signs nothing for callers.",
    ),
    rule_for(
        "anvil_(impersonate|autoImpersonate).*",
        MISSING,
        "Ours sends nothing for callers, so it needs not pretend to be anybody; eth_call takes any `from`.",
    ),
]
