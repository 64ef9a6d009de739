"""Cases of filters that are polled."""

from typing import Any

from scripts.chains.conformance.case import Case, case, filled, notebook
from scripts.chains.conformance.scene import NOBODY, Scene, calldata

LOGS, BLOCKS, POOLED = "eth_newFilter", "eth_newBlockFilter", "eth_newPendingTransactionFilter"
CHANGES = "eth_getFilterChanges"


def _polled(name: str, kind: str, *params: Any) -> Case:
    """A filter: polled, polled after two blocks with a log each, polled again, asked for its logs, ended, polled."""

    def ask(scene: Scene) -> Any:
        opened = scene.call(kind, *(filled(item, scene) for item in params))
        if "error" in opened:
            return opened
        known = opened["result"]
        before = scene.call(CHANGES, known)
        for text in ("first", "second"):
            _note(scene, text)
        after, again, logs = (
            scene.call(CHANGES, known),
            scene.call(CHANGES, known),
            scene.call("eth_getFilterLogs", known),
        )
        ended = [scene.call("eth_uninstallFilter", known) for _ in range(2)]
        return [
            isinstance(known, str) and known.startswith("0x"),
            before, _told(scene, after), again, _told(scene, logs), ended,
            scene.call(CHANGES, known), scene.call("eth_getFilterLogs", known),
        ]  # fmt: skip

    return Case(kind, name, ask)


def _told(scene: Scene, answer: Any) -> Any:
    """What was polled, without what depends on where the chain stands: whether hashes are of blocks or transactions."""
    found = answer.get("result")
    if not isinstance(found, list):
        return answer
    return {"result": [_kind(scene, one) if isinstance(one, str) else one["data"] for one in found]}


def _kind(scene: Scene, found: str) -> str:
    is_block = scene.call("eth_getBlockByHash", found, False).get("result") is not None
    return "a block" if is_block else "a transaction"


def _note(scene: Scene, text: str) -> None:
    """A block with a log of the contract, by account 4."""
    sender = scene.address(4)
    nonce = int(scene.call("eth_getTransactionCount", sender, "latest")["result"], 16)
    fields = {"to": scene.notebook, "value": 0, "gas": 120_000, "maxFeePerGas": 10**11}
    data = calldata("note(uint256,string)", 7, text)
    scene.call("eth_sendRawTransaction", scene.sign(4, nonce, data=data, **fields))
    scene.mine()


CASES = [
    _polled("of the contract", LOGS, {"address": notebook}),
    _polled("of everyone", LOGS, {}),
    _polled("of nobody", LOGS, {"address": NOBODY}),
    _polled("from the first block on", LOGS, {"address": notebook, "fromBlock": "0x0"}),
    _polled("of blocks long ago", LOGS, {"address": notebook, "fromBlock": "0x0", "toBlock": "0x3"}),
    case(LOGS, "from above to", {"fromBlock": "0x5", "toBlock": "0x2"}),
    case(LOGS, "a short address", {"address": "0x12"}),
    case(LOGS, "nothing"),
    _polled("of blocks", BLOCKS),
    _polled("of transactions", POOLED),
    *(case(method, "a filter nobody made", "0x1234") for method in (CHANGES, "eth_getFilterLogs", "eth_uninstallFilter")),
    case(CHANGES, "a number as id", 7),
]  # fmt: skip
