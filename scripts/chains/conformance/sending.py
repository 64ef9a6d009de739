"""Cases of eth_sendRawTransaction: what is taken, what is refused and in which words; and of the pool."""

from collections.abc import Callable
from typing import Any

from eth_account import Account

from scripts.chains.conformance.case import Case, account, case
from scripts.chains.conformance.scene import CHAIN_ID, GWEI, NOBODY, Scene

SECP256K1_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SEND = "eth_sendRawTransaction"


def sending(name: str, sign: Callable[[Scene], str]) -> Case:
    """Send what `sign` makes."""
    return Case(SEND, name, lambda scene: scene.call(SEND, sign(scene)))


def _altered_s(scene: Scene) -> str:
    """The same payment with the other, higher s: the same signer, another hash."""
    import rlp

    fields = rlp.decode(bytes.fromhex(scene.sign(4, 113)[4:]))
    fields[-1] = (SECP256K1_N - int.from_bytes(fields[-1], "big")).to_bytes(32, "big")
    fields[-3] = b"" if fields[-3] else b"\1"
    return "0x02" + bytes(rlp.encode(fields)).hex()


def _unprotected(scene: Scene) -> str:
    """A legacy transaction that names no chain."""
    return scene.sign(4, 114, chainId=None, gasPrice=9 * GWEI)


def _penniless(_scene: Scene) -> str:
    poor = Account.from_key("0x" + "11" * 32)
    fields = {"chainId": CHAIN_ID, "nonce": 0, "to": NOBODY, "value": 1, "gas": 21_000, "gasPrice": 9 * GWEI}
    return str(poor.sign_transaction(fields).raw_transaction.to_0x_hex())


def _replace(tip_wei: int, fee_wei: int) -> Callable[[Scene], str]:
    return lambda scene: scene.sign(7, 0, value=9, maxPriorityFeePerGas=tip_wei, maxFeePerGas=fee_wei)


def _set_code(scene: Scene) -> str:
    authorization = scene.accounts[5].sign_authorization({"chainId": CHAIN_ID, "address": NOBODY, "nonce": 1})
    return scene.sign(4, 1, type=4, gas=100_000, authorizationList=[authorization])


def _then(*steps: Callable[[Scene], Any]) -> Callable[[Scene], Any]:
    return lambda scene: [step(scene) for step in steps]


def _send(sender: int, nonce: int, **changes: Any) -> Callable[[Scene], Any]:
    return lambda scene: scene.call(SEND, scene.sign(sender, nonce, **changes))


def _ask(method: str, *params: Any) -> Callable[[Scene], Any]:
    return case(method, "", *params).ask


def _pooled_then_mined(scene: Scene) -> Any:
    """A gap is filled: both are mined in nonce order."""
    sent = [scene.call(SEND, scene.sign(8, nonce)) for nonce in (0, 1)]
    scene.mine()
    block = scene.call("eth_getBlockByNumber", "latest", False)["result"]
    mine = [item["result"] for item in sent] + [scene.mined["early"]]
    return [
        [item for item in block["transactions"] if item in mine] == mine,
        scene.call("eth_getTransactionCount", scene.address(8), "latest"),
    ]


# Each with a nonce of its own: what one chain takes must not stand in the way of the next.
REFUSED = [
    sending("another chain's", lambda scene: scene.sign(4, 100, chainId=1)),
    sending("a nonce already used", lambda scene: scene.sign(3, 0, value=77)),
    sending("the very same again, mined", lambda scene: scene.raw["noted"]),
    sending("the very same again, pooled", lambda scene: scene.raw["waiting"]),
    sending("more than the sender has", lambda scene: scene.sign(4, 101, value=10**23)),
    sending("from someone without a coin", _penniless),
    sending("less gas than a payment costs", lambda scene: scene.sign(4, 102, gas=20_999)),
    sending(
        "less gas than its calldata costs", lambda scene: scene.sign(4, 103, gas=21_010, data="0x" + "ff" * 100)
    ),
    sending(
        "between intrinsic gas and calldata floor",
        lambda scene: scene.sign(4, 104, gas=23_000, data="0x" + "ff" * 100),
    ),
    sending("more gas than a block has", lambda scene: scene.sign(4, 105, gas=60_000_001)),
    sending(
        "more gas than a transaction may have (2^24)", lambda scene: scene.sign(4, 106, gas=2**24 + 1, value=0)
    ),
    sending(
        "a tip above the fee", lambda scene: scene.sign(4, 107, maxFeePerGas=GWEI, maxPriorityFeePerGas=2 * GWEI)
    ),
    sending("a replacement at the same price", _replace(GWEI, 10 * GWEI)),
    sending("a replacement at 5 % more", _replace(GWEI * 105 // 100, 10 * GWEI * 105 // 100)),
    sending("130 kB of calldata", lambda scene: scene.sign(4, 108, gas=10_000_000, data="0x" + "00" * 140_000)),
    sending(
        "creation code above 48 kB",
        lambda scene: scene.sign(4, 109, to=None, gas=10_000_000, data="0x" + "00" * 49_153),
    ),
    sending("the higher of two s", _altered_s),
    sending("no chain id (before EIP-155)", _unprotected),
    sending("a nonce of 2^64 - 1", lambda scene: scene.sign(4, 2**64 - 1)),
    case(SEND, "nothing", "0x"),
    case(SEND, "no transaction", "0xdeadbeef"),
    case(SEND, "not hex", "0xzz"),
    case(SEND, "an object", {}),
    case(SEND, "cut short", lambda scene: scene.sign(4, 110)[:-2]),
    case(SEND, "one byte too many", lambda scene: scene.sign(4, 111) + "00"),
    case(SEND, "an unknown type", lambda scene: "0x7f" + scene.sign(4, 112)[4:]),
    case(
        "eth_sendTransaction",
        "from an account the node may hold",
        {"from": account(9), "to": NOBODY, "value": "0x1"},
    ),
]

TAKEN = [
    Case(
        SEND,
        "a replacement at an eighth more",
        _then(
            lambda scene: scene.call(SEND, _replace(GWEI * 9 // 8, 10 * GWEI * 9 // 8)(scene)),
            lambda scene: scene.call("eth_getTransactionByHash", scene.mined["waiting"]),
            _ask("eth_getTransactionCount", account(7), "pending"),
        ),
    ),
    Case(SEND, "a gap filled", _pooled_then_mined),
    Case(SEND, "a fee below the base fee", _send(6, 1, maxFeePerGas=1, maxPriorityFeePerGas=1)),
    Case(SEND, "a nonce far ahead", _send(5, 1000)),
    Case(SEND, "a payment to oneself of nothing", _send(9, 1, to=NOBODY, value=0)),
    sending("sets an account's code (type 4)", _set_code),
]

MINING = [
    Case(
        "evm_mine",
        "twice",
        _then(_ask("evm_mine"), _ask("evm_mine"), _ask("eth_getBlockByNumber", "latest", False)),
    ),
    Case("evm_increaseTime", "an hour", lambda scene: _clock(scene, "evm_increaseTime", 3600)),
    Case("evm_increaseTime", "an hour in hex", lambda scene: _clock(scene, "evm_increaseTime", "0xe10")),
    Case("evm_mine", "at a given time", lambda scene: _mine_at(scene, 100_000)),
    Case("evm_setNextBlockTimestamp", "a day ahead", lambda scene: _next_at(scene, 200_000)),
    Case("evm_setNextBlockTimestamp", "in the past", lambda scene: scene.call("evm_setNextBlockTimestamp", 1)),
]


def _latest_time(scene: Scene) -> int:
    return int(scene.call("eth_getBlockByNumber", "latest", False)["result"]["timestamp"], 16)


def _clock(scene: Scene, method: str, seconds: Any) -> Any:
    """Whether the next block is that much later, give or take the time it took."""
    scene.mine()
    before = _latest_time(scene)
    answer = scene.call(method, seconds)
    scene.mine()
    passed = _latest_time(scene) - before
    return ["error" not in answer, 3600 <= passed < 3700]


def _mine_at(scene: Scene, ahead_s: int) -> Any:
    wanted = _latest_time(scene) + ahead_s
    answer = scene.call("evm_mine", wanted)
    return ["error" not in answer, _latest_time(scene) - wanted]


def _next_at(scene: Scene, ahead_s: int) -> Any:
    wanted = _latest_time(scene) + ahead_s
    answer = scene.call("evm_setNextBlockTimestamp", wanted)
    scene.mine()
    return ["error" not in answer, _latest_time(scene) - wanted]


def _snapshot(scene: Scene) -> Any:
    """Back to an earlier block: the later one is gone, its transaction's nonce is free again."""
    number = scene.call("eth_blockNumber")["result"]
    taken = scene.call("evm_snapshot")
    if "error" in taken:
        return taken
    sent = scene.call(
        SEND, scene.sign(9, int(scene.call("eth_getTransactionCount", scene.address(9), "latest")["result"], 16))
    )
    scene.mine()
    reverted = scene.call("evm_revert", taken["result"])
    return [
        reverted,
        scene.call("eth_blockNumber")["result"] == number,
        scene.call("eth_getTransactionReceipt", sent["result"]),
        scene.call("evm_revert", taken["result"]),
    ]


SNAPSHOTS = [
    Case("evm_snapshot", "there and back", _snapshot),
    case("evm_revert", "to a snapshot that never was", "0x3e8"),
]

CASES = [*REFUSED, *TAKEN, *MINING, *SNAPSHOTS]
