"""Cases that execute in a world that is not: state and block overrides, eth_createAccessList, eth_simulateV1."""

from typing import Any

from scripts.chains.conformance.calling import message, near
from scripts.chains.conformance.case import Case, account, block, case, notebook
from scripts.chains.conformance.scene import GWEI, NOBODY, Scene, calldata

NOTE = "note(uint256,string)"
SLOT = "0x" + "00" * 32
# Returns the word at slot 0; returns the balance of its caller; loops for ever.
READS_SLOT, TELLS_BALANCE, LOOPS = "0x5f545f5260205ff3", "0x33315f5260205ff3", "0x5b600056"
ELSEWHERE = "0x" + "c0de" * 10


def _word(number: int) -> str:
    return f"0x{number:064x}"


def _with(changes: Any, data: str = "", **more: Any) -> list[Any]:
    """Parameters of a call of the contract in a changed world."""
    return [message(data or calldata("number()"), **more), "latest", changes]


def _of(key: Any, value: Any) -> Any:
    """An object whose key depends on the scene."""
    return lambda scene: {key(scene): value}


def _in_block(name: str, within: Any, data: str = "") -> Case:
    call = message(data or calldata("environment()"), gas="0x186a0")
    return case("eth_call", f"in a block with {name}", call, "0x5", {}, within)


OVERRIDES = [
    case("eth_call", "a slot overridden", *_with(_of(notebook, {"stateDiff": {SLOT: _word(77)}}))),
    case("eth_call", "a slot overridden at a block", *_with(_of(notebook, {"stateDiff": {SLOT: _word(77)}}))[:1], "0x2",
         _of(notebook, {"stateDiff": {SLOT: _word(78)}})),
    case("eth_call", "all slots overridden", *_with(_of(notebook, {"state": {_word(9): _word(1)}}))),
    case("eth_call", "no slot overridden", *_with(_of(notebook, {"stateDiff": {}}))),
    case("eth_call", "state and stateDiff", *_with(_of(notebook, {"state": {}, "stateDiff": {}}))),
    case("eth_call", "code overridden", *_with(_of(notebook, {"code": READS_SLOT}))),
    case("eth_call", "code removed", *_with(_of(notebook, {"code": "0x"}))),
    case("eth_call", "code where there was none", {"to": ELSEWHERE}, "latest", {ELSEWHERE: {"code": "0x60075f5260205ff3"}}),
    case("eth_call", "a balance overridden", {"from": NOBODY, "to": ELSEWHERE}, "latest",
         {NOBODY: {"balance": "0x4d"}, ELSEWHERE: {"code": TELLS_BALANCE}}),
    case("eth_call", "a value that the override pays", *_with(_of(lambda _: NOBODY, {"balance": "0x7"}),
         calldata("deposit()"), **{"from": NOBODY, "value": "0x7"})),
    case("eth_call", "a nonce overridden", *_with(_of(account(0), {"nonce": "0x64"}))),
    case("eth_call", "an override of nothing", *_with({})),
    case("eth_call", "an override null", *_with(None)),
    case("eth_call", "an override that is a list", *_with([])),
    case("eth_call", "an override of a short address", *_with({"0x12": {"balance": "0x1"}})),
    case("eth_call", "an override with an odd balance", *_with({NOBODY: {"balance": "many"}})),
    case("eth_call", "an override of a short slot", *_with(_of(notebook, {"stateDiff": {"0x0": _word(77)}}))),
    case("eth_call", "the override is gone afterwards", message(calldata("number()")), "latest"),
    _in_block("a number", {"number": "0x3e8"}),
    _in_block("a time", {"time": "0x7fffffff"}),
    _in_block("a gas limit", {"gasLimit": "0x1c9c380"}),
    _in_block("somebody's tips", {"feeRecipient": NOBODY}),
    _in_block("a base fee", {"baseFeePerGas": "0x7"}),
    _in_block("nothing different", {}),
    _in_block("a number that is none", {"number": "high"}),
    near("eth_estimateGas", "with code overridden", {"to": ELSEWHERE}, lambda _: 23_115, "latest",
         {ELSEWHERE: {"code": READS_SLOT}}),
    case("eth_estimateGas", "with a balance overridden",
         {"from": NOBODY, "to": account(0), "value": "0x1"}, "latest", {NOBODY: {"balance": "0xde0b6b3a7640000"}}),
    case("eth_estimateGas", "a loop without end, little gas", {"to": ELSEWHERE, "gas": "0xc350"}, "latest",
         {ELSEWHERE: {"code": LOOPS}}),
]  # fmt: skip


def _listed(name: str, *params: Any) -> Case:
    """The order of accounts and slots is free."""

    def ask(scene: Scene) -> Any:
        answer = case("eth_createAccessList", name, *params).ask(scene)
        for entry in answer.get("result", {}).get("accessList", []):
            entry["storageKeys"].sort()
        answer.get("result", {}).get("accessList", []).sort(key=lambda entry: entry["address"].lower())
        return answer

    return Case("eth_createAccessList", name, ask)


LISTS = [
    _listed("a payment", {"from": account(0), "to": NOBODY, "value": "0x1"}, "latest"),
    _listed("a getter", message(calldata("number()")), "latest"),
    _listed("a note", message(calldata(NOTE, 8, "eight")), "latest"),
    _listed("a revert", message(calldata(NOTE, 0, "zero")), "latest"),
    _listed("out of gas", message(calldata("exhaust()"), gas="0x186a0"), "latest"),
    _listed("a balance asked for", {"to": ELSEWHERE, "data": "0x"}, "latest"),
    _listed("a creation that reads", {"from": account(0), "data": "0x5f545f5260205ff3"}, "latest"),
    _listed("a creation that looks elsewhere", {"from": account(0), "data": f"0x73{ELSEWHERE[2:]}3b5f5260205ff3"}, "latest"),
    _listed("a list given before", message(calldata("number()"), accessList=[{"address": NOBODY, "storageKeys": []}])),
    _listed("beyond the head", message(calldata("number()")), "0x3e8"),
    _listed("an object that is none", "0x", "latest"),
]  # fmt: skip


def _call(**changes: Any) -> dict[str, Any]:
    """Account 6 speaks: nothing of its waits in the pool."""
    return {"from": account(6), "to": notebook, "data": calldata("number()"), **changes}


def _simulated(name: str, *blocks: Any, at: Any = "latest", **options: Any) -> Case:
    return case("eth_simulateV1", name, {"blockStateCalls": list(blocks), **options}, at)


def _calls(*calls: Any, **more: Any) -> dict[str, Any]:
    return {"calls": list(calls), **more}


_NOTE_CALL = _call(data=calldata(NOTE, 9, "nine"))
_PAID = {"maxFeePerGas": hex(9 * GWEI), "maxPriorityFeePerGas": hex(GWEI)}
SIMULATIONS = [
    _simulated("a getter", _calls(_call())),
    _simulated("a note and its log", _calls(_NOTE_CALL)),
    _simulated("two calls, the second sees the first", _calls(_NOTE_CALL, _call())),
    _simulated("two blocks, the second sees the first", _calls(_NOTE_CALL), _calls(_call())),
    _simulated("logs are numbered within the block", _calls(_NOTE_CALL, _NOTE_CALL)),
    _simulated("a revert", _calls(_call(data=calldata(NOTE, 0, "zero")))),
    _simulated("a bare revert", _calls(_call(data=calldata("fail_bare()")))),
    _simulated("out of gas", _calls(_call(data=calldata("exhaust()"), gas="0x186a0"))),
    _simulated("a failure, then a note", _calls(_call(data=calldata("fail_bare()")), _NOTE_CALL)),
    _simulated("a payment", _calls(_call(to=NOBODY, data="0x", value="0x1"))),
    _simulated("a payment, traced", _calls(_call(to=NOBODY, data="0x", value="0x1")), traceTransfers=True),
    _simulated("a payment that fails, traced", _calls(_call(data=calldata(NOTE, 1, "one"), value="0x1")), traceTransfers=True),
    _simulated("more than there is", _calls({"from": NOBODY, "to": account(0), "value": "0x1"})),
    _simulated("more than there was", _calls({"from": NOBODY, "to": account(0), "value": "0x1"},
               stateOverrides={NOBODY: {"balance": "0x1"}})),
    _simulated("a creation", _calls(_call(to=None, data="0x600160005560006000f3"))),
    _simulated("an environment of its own", _calls(_call(data=calldata("environment()"), gas="0x186a0"),
               blockOverrides={"number": "0x64", "time": "0x7fffffff", "gasLimit": "0xf4240", "feeRecipient": NOBODY})),
    _simulated("blocks left out", _calls(_call(), blockOverrides={"number": "0xb"})),
    _simulated("a slot overridden", _calls(_call(), stateOverrides=_of(notebook, {"stateDiff": {SLOT: _word(77)}}))),
    _simulated("whole transactions", _calls(_call()), returnFullTransactions=True),
    _simulated("validated", _calls(_call(**_PAID)), validation=True),
    _simulated("validated, no fee", _calls(_call()), validation=True),
    _simulated("validated, a nonce too high", _calls(_call(nonce="0x63", **_PAID)), validation=True),
    _simulated("validated, a nonce too low", _calls(_call(nonce="0x0", **_PAID)), validation=True),
    _simulated("less gas than a call costs", _calls(_call(gas="0x64"))),
    _simulated("more gas than a block has", _calls(_call(gas="0x5f5e100"))),
    _simulated("a block without calls", {}),
    _simulated("no blocks"),
    _simulated("a block before the head", _calls(_call(), blockOverrides={"number": "0x1"})),
    _simulated("a time before the head", _calls(_call(), blockOverrides={"time": "0x1"})),
    _simulated("too many blocks", _calls(_call(), blockOverrides={"number": "0x3e8"})),
    _simulated("in the past", _calls(_call()), at="0x2"),
    _simulated("at a block's hash", _calls(_call()), at={"blockHash": block(2)}),
    _simulated("beyond the head", _calls(_call()), at="0x3e8"),
    case("eth_simulateV1", "without a block", {"blockStateCalls": [_calls(_call())]}),
    case("eth_simulateV1", "an object that is none", "0x", "latest"),
]  # fmt: skip

CASES = [*OVERRIDES, *LISTS, *SIMULATIONS]
