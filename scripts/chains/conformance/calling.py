"""Cases that execute without a transaction: eth_call, eth_estimateGas."""

from typing import Any

from scripts.chains.conformance.case import Case, account, block, case, notebook
from scripts.chains.conformance.scene import GWEI, NOBODY, NOWHERE, Scene, calldata, notebook_code

NOTE = "note(uint256,string)"
FAILURES = ("fail_bare", "fail_data", "fail_panic", "fail_unreachable")


def message(data: str, **changes: Any) -> dict[str, Any]:
    """A call of the contract by account 0."""
    return {"from": account(0), "to": notebook, "data": data, **changes}


def near(method: str, name: str, call: dict[str, Any], exact: Any, *more: Any) -> Case:
    """An estimate is right if the execution succeeds with it, and not 5 % more than is needed."""

    def ask(scene: Scene) -> Any:
        answer = case(method, name, call, *more).ask(scene)
        if "error" in answer:
            return answer
        return {"result": exact(scene) <= int(answer["result"], 16) <= exact(scene) * 1.05}

    return Case(method, name, ask)


def _used(name: str) -> Any:
    return lambda scene: int(scene.call("eth_getTransactionReceipt", scene.mined[name])["result"]["gasUsed"], 16)


CALLS = [
    case("eth_call", "a getter", message(calldata("number()")), "latest"),
    case("eth_call", "a getter in the past", message(calldata("number()")), "0x2"),
    case("eth_call", "a getter at a block's hash", message(calldata("number()")), {"blockHash": block(2)}),
    case("eth_call", "without a block", message(calldata("number()"))),
    case("eth_call", "input instead of data", {"to": notebook, "input": calldata("number()")}, "latest"),
    case(
        "eth_call",
        "input and data, equal",
        message(calldata("number()"), input=calldata("number()")),
        "latest",
    ),
    case("eth_call", "input and data, unequal", message(calldata("number()"), input="0x1234"), "latest"),
    case("eth_call", "the environment", message(calldata("environment()"), gas="0x186a0"), "0x5"),
    case("eth_call", "the price, none named", message(calldata("price()")), "0x5"),
    case("eth_call", "the price of a legacy call", message(calldata("price()"), gasPrice=hex(9 * GWEI)), "latest"),
    case(
        "eth_call",
        "the price of a call with fees",
        message(calldata("price()"), maxFeePerGas=hex(9 * GWEI), maxPriorityFeePerGas=hex(GWEI)),
        "latest",
    ),
    case("eth_call", "a fee below the base fee", message(calldata("price()"), maxFeePerGas="0x1"), "latest"),
    case("eth_call", "with a value", message(calldata("deposit()"), value="0x7"), "latest"),
    case("eth_call", "a value nobody has", message(calldata("deposit()"), **{"from": NOBODY, "value": "0x7"})),
    case("eth_call", "a revert with a reason", message(calldata(NOTE, 0, "zero")), "latest"),
    *(case("eth_call", name, message(calldata(f"{name}()"), gas="0x186a0"), "latest") for name in FAILURES),
    case("eth_call", "out of gas", message(calldata("exhaust()"), gas="0x186a0"), "latest"),
    case("eth_call", "less gas than a call costs", message(calldata("number()"), gas="0x64"), "latest"),
    case("eth_call", "no such function", message("0x12345678"), "latest"),
    case("eth_call", "of nobody", {"to": NOBODY, "data": "0x1234"}, "latest"),
    case("eth_call", "a creation", {"data": "0x600160005560006000f3"}, "latest"),
    case(
        "eth_call",
        "an access list",
        message(calldata("number()"), accessList=[{"address": notebook, "storageKeys": []}]),
    ),
    case("eth_call", "beyond the head", message(calldata("number()")), "0x3e8"),
    case("eth_call", "an unknown hash", message(calldata("number()")), {"blockHash": NOWHERE}),
    case("eth_call", "a short address", {"to": "0x1234"}, "latest"),
    case("eth_call", "odd hex", message("0x123"), "latest"),
    case("eth_call", "an object that is none", "0x", "latest"),
]

ESTIMATES = [
    case("eth_estimateGas", "a payment", {"from": account(0), "to": NOBODY, "value": "0x1"}),
    case("eth_estimateGas", "a payment without a sender", {"to": NOBODY}),
    near("eth_estimateGas", "a payment to a contract", message(calldata("deposit()"), value="0x1"), _used("paid")),
    near("eth_estimateGas", "a note", message(calldata(NOTE, 8, "eight")), lambda _: 31_500),
    near("eth_estimateGas", "a deployment", {"from": account(0), "data": notebook_code()}, _used("deploy")),
    case("eth_estimateGas", "a revert with a reason", message(calldata(NOTE, 0, "zero"))),
    *(case("eth_estimateGas", name, message(calldata(f"{name}()"), gas="0x186a0")) for name in FAILURES),
    case("eth_estimateGas", "out of gas", message(calldata("exhaust()"), gas="0x186a0")),
    case("eth_estimateGas", "a value nobody has", {"from": NOBODY, "to": account(0), "value": "0x1"}),
    near("eth_estimateGas", "a call without arguments", message(calldata("close()")), _used("closed")),
    case("eth_estimateGas", "less gas than a payment costs", {"to": NOBODY, "gas": "0x64"}),
]

CASES = [*CALLS, *ESTIMATES]
