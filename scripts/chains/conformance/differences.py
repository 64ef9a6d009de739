"""Where our chain and Anvil answer differently, and why. Anything else that differs is a failure."""

from scripts.chains.conformance.rule import CHOICE, MISSING, OURS, Rule, rule_for
from scripts.chains.conformance.simulated_differences import NOT_OFFERED, SIMULATED, SIMULATED_SMALL

EVERYWHERE = [
    *SIMULATED_SMALL,
    Rule(
        r".*",
        r".*\.stateRoot: .*|.*accountProof\[\]: .*",
        CHOICE,
        "Anvil keeps two system contracts of the main network in its state (block hashes, beacon roots), so its "
        "state root and the upper nodes of a proof differ; ours has none. Balances, nonces, code and storage roots "
        "agree. Anvil's root of block 0 is that of an empty state.",
        is_small=True,
    ),
    Rule(
        r".*",
        r".*\.parentBeaconBlockRoot: .*",
        CHOICE,
        "No chain here has a beacon chain: ours puts the empty trie's root, Anvil zeros.",
        is_small=True,
    ),
    Rule(
        r".*",
        r".*\.totalDifficulty: nothing / 0x0",
        OURS,
        "Anvil still names the total difficulty, which the specification dropped with proof of work.",
        is_small=True,
    ),
    Rule(
        r".*",
        r".*\.(blobGasPrice: nothing / 0x1|blockTimestamp: nothing / \d+)",
        OURS,
        "Anvil's receipts name a blob price for transactions without blobs, and a time, as a JSON number.",
        is_small=True,
    ),
    Rule(
        r"eth_(sendRaw|call|estimate).*",
        r"error\.code: -32000 / -320(03|02)",
        CHOICE,
        "For what a chain refuses, ours answers -32000 as go-ethereum does; Anvil -32003 (rejected) or, if it "
        "cannot be decoded, -32602.",
        is_small=True,
    ),
    Rule(
        r"eth_(call|estimateGas): (fail_unreachable|out of gas)",
        r"error\.(code: -32000 / -320?603|message: out of gas / something else)",
        CHOICE,
        "A halted call is -32000 `out of gas` or `invalid opcode` as in go-ethereum; Anvil: -32603 `EVM error …`.",
        is_small=True,
    ),
    Rule(
        r".*",
        r"error\.code: -32000 / -32(602|001)",
        CHOICE,
        "A block that does not exist is -32000 `header not found` as in go-ethereum; Anvil: -32602 by number and "
        "-32001 by hash.",
        is_small=True,
    ),
    Rule(
        r"(JSON-RPC|WebSocket): (not JSON|nothing).*",
        r".*error\.(code: -32700 / -32600|message: not JSON / bad request)",
        OURS,
        "What is no JSON is a parse error (-32700); Anvil calls it an invalid request (-32600).",
        is_small=True,
    ),
    Rule(
        r".*",
        r".*error\.message: ("
        r"bad parameters / something else|something else / (bad parameters|bad request|reverted)|"
        r"no such method / something else|too much gas / not enough gas|bad type / bad encoding)",
        CHOICE,
        "The same refusal in words that do not say the same.",
        is_small=True,
    ),
    Rule(
        r"eth_feeHistory: .*",
        r"result\.reward: nothing / 0 of them",
        CHOICE,
        "Without percentiles ours leaves `reward` out, as go-ethereum does; Anvil sends an empty list.",
        is_small=True,
    ),
]

PER_METHOD = [
    *NOT_OFFERED,
    *SIMULATED,
    rule_for("eth_accounts: .*", CHOICE, "Ours holds no keys, so it signs nothing for callers; Anvil holds ten."),
    rule_for("eth_sendTransaction: .*", MISSING, "Ours holds no keys: sign, then eth_sendRawTransaction."),
    rule_for(
        "eth_coinbase: .*", MISSING, "Gone from the specification; tips go to the zero address, as with Anvil."
    ),
    rule_for("net_peerCount: .*", CHOICE, "Ours says 0; Anvil does not offer it."),
    rule_for(
        "eth_getBlockByNumber: (safe|finalized)|eth_getLogs: earliest to finalized",
        CHOICE,
        "On ours the latest block is final: nothing but a test's evm_revert or anvil_reorg takes one back. Anvil "
        "counts 32 and 64 blocks back.",
    ),
    rule_for(
        "eth_getBlockByNumber: pending: .*",
        CHOICE,
        "Ours lists the transactions the next block would try, without executing them: what only mining decides is "
        "null. Anvil executes it and names a hash, which will be another once the block exists.",
    ),
    rule_for(
        "eth_getBlockByNumber: without the flag", CHOICE, "Ours takes a missing flag for false; Anvil refuses."
    ),
    rule_for(
        "eth_getBlockByNumber: a decimal number",
        OURS,
        "Block numbers are hex; Anvil takes decimal JSON numbers as well.",
    ),
    rule_for(
        "eth_getBlockTransactionCountByNumber: beyond the head",
        OURS,
        "No such block: null; Anvil answers an error.",
    ),
    rule_for(
        "eth_getTransactionByHash: pooled.*",
        CHOICE,
        "The `gasPrice` of a pooled transaction is the most it offers, as in go-ethereum; Anvil's is what it would "
        "pay now.",
        r"result\.gasPrice: .*",
    ),
    rule_for(
        r"eth_get(Balance|StorageAt): without a block|eth_get(TransactionCount|Code): nobody's",
        OURS,
        "Without a block it is the latest; Anvil has a hole here and answers an error.",
    ),
    rule_for(
        "eth_getStorageAt: a slot too long",
        OURS,
        "More than 32 bytes is an error; Anvil cuts them off.",
    ),
    rule_for(
        "eth_feeHistory: (one block of three transactions|an empty block|no percentiles|percentiles left out)",
        OURS,
        "The last base fee is that of the block after the newest asked for; Anvil's is always the pending block's.",
        r"result\.baseFeePerGas\[\]: .*",
    ),
    rule_for("eth_feeHistory: percentiles null", CHOICE, "Ours takes null for left out; Anvil refuses."),
    rule_for(
        "eth_feeHistory: no blocks", CHOICE, "Asked for no blocks ours names none, as go-ethereum; Anvil one."
    ),
    rule_for("eth_feeHistory: beyond the head", OURS, "No such block is an error; Anvil answers for the latest."),
    rule_for(
        "eth_feeHistory: (falling percentiles|a percentile of 101)",
        OURS,
        "Percentiles rise from 0 to 100; Anvil takes anything.",
    ),
    rule_for(
        "eth_getLogs: (more positions than the log has topics|anything in each of three positions)",
        OURS,
        "A log must have as many topics as the filter has positions, null or not; Anvil ignores trailing nulls.",
    ),
    rule_for("eth_getLogs: from above to", OURS, "An error (-32602); Anvil finds nothing."),
    rule_for(
        "eth_getLogs: wholly beyond the head",
        CHOICE,
        "Ours finds nothing beyond the head, whether the range begins there or only ends there; Anvil refuses the "
        "one and not the other, the specification's newest test refuses both.",
    ),
    rule_for(
        "eth_call: input and data, unequal",
        OURS,
        "Ours refuses the contradiction; Anvil takes `input`.",
    ),
    rule_for(
        "eth_call: the environment",
        CHOICE,
        "A call that names no price sees a base fee of 0, as in go-ethereum; Anvil shows the block's.",
    ),
    rule_for("eth_call: a fee below the base fee", OURS, "Ours refuses; Anvil executes it at that price."),
    rule_for(
        "eth_estimateGas: a value nobody has",
        OURS,
        "A payment the sender cannot make has no estimate; Anvil says 21,000.",
    ),
    rule_for("JSON-RPC: a broken number as id", CHOICE, "JSON-RPC allows it, and ours returns it; Anvil refuses."),
    rule_for(
        "JSON-RPC: a text as params",
        CHOICE,
        "Bad parameters (-32602) with ours, a bad request (-32600) with Anvil.",
        r"error\.code: -32602 / -32600",
    ),
    rule_for("JSON-RPC: a field nobody knows", CHOICE, "Ours ignores it; Anvil refuses."),
    rule_for(
        "JSON-RPC: a batch with a number in it",
        OURS,
        "The entry gets an error of its own and the others their answers; Anvil drops the whole batch.",
    ),
    rule_for(
        "WebSocket: an unknown method",
        OURS,
        "-32601 as over HTTP; Anvil: -32602.",
        r"\[\]\.error\.code: -32601 / -32602",
    ),
    rule_for(
        "eth_getProof: (slots set and not set|slots without a leading zero|at a block's hash)",
        OURS,
        "Short slot numbers are fine; Anvil wants all 32 bytes.",
    ),
    rule_for(
        "eth_getProof: a padded slot",
        CHOICE,
        "Ours names the slot as a number, Anvil in 32 bytes.",
        r"result\.storageProof\[\]\.key: .*",
    ),
    rule_for(
        "eth_sendRawTransaction: (less gas than its calldata costs|between intrinsic gas and calldata floor)",
        OURS,
        "Refused at once; Anvil pools what no block can take.",
    ),
    rule_for(
        r"eth_sendRawTransaction: more gas than a transaction may have \(2\^24\)",
        CHOICE,
        "The main network's limit since Osaka, kept here so that what passes here passes there; Anvil at Prague "
        "has none.",
    ),
    rule_for(
        "eth_sendRawTransaction: a replacement at 5 % more",
        CHOICE,
        "Ours wants an eighth more on both fees; Anvil takes anything above. (go-ethereum: a tenth.)",
    ),
    rule_for("eth_sendRawTransaction: 130 kB of calldata", OURS, "128 kB at most, as in every node's pool."),
    rule_for(
        "eth_sendRawTransaction: the higher of two s",
        OURS,
        "Invalid since Homestead (EIP-2): it would give one payment two hashes. Anvil takes it.",
    ),
    rule_for(
        r"eth_sendRawTransaction: no chain id \(before EIP-155\)",
        CHOICE,
        "Refused: it could be replayed on any chain. go-ethereum refuses it, too; Anvil takes it.",
    ),
    rule_for(
        "eth_sendRawTransaction: a nonce of 2.*", OURS, "No nonce may reach 2^64 - 1 (EIP-2681); Anvil takes it."
    ),
    rule_for(
        "eth_sendRawTransaction: one byte too many",
        OURS,
        "One transaction, one encoding; Anvil ignores what follows it.",
    ),
    rule_for(
        "eth_sendRawTransaction: a fee below the base fee",
        CHOICE,
        "Ours pools it until the base fee has fallen, as public nodes do, so a stuck fee can be tested; Anvil no.",
    ),
    rule_for(
        r"eth_sendRawTransaction: sets an account's code \(type 4\)",
        MISSING,
        "Types 0, 1 and 2 are taken; no account of this project delegates to code (EIP-7702).",
    ),
    rule_for(
        "evm_mine: twice",
        CHOICE,
        "Follows from what each took before: Anvil's blocks hold other transactions by then.",
        r"\[\]\.result\.baseFeePerGas: .*",
    ),
    rule_for(
        "eth_subscribe: newHeads",
        CHOICE,
        "Ours tells the header's fields, as go-ethereum; Anvil those of a whole block without transactions.",
        r"\[\]\.params\.result: .*",
    ),
]


def explained(case: str, found: list[str]) -> tuple[list[Rule], list[str]]:
    """The rules behind a case's differences, and the differences that no rule explains."""
    rules, unexplained = [], []
    for line in found:
        rule = next((rule for rule in (*PER_METHOD, *EVERYWHERE) if rule.covers(case, line)), None)
        if rule is None:
            unexplained.append(line)
        elif rule not in rules:
            rules.append(rule)
    return rules, unexplained
