"""A probe of the chain that does not go as it should is told as what it was, not always as a missing fork."""

from collections.abc import Iterator
from typing import Any

import pytest

from ledger.chain.deployment.preflight import check_chain
from ledger.chain.rpc.client import ChainUnreachable, Rpc
from ledger.errors import SetupError
from tests.support.chains.fault_proxy import FaultProxy, fault_proxy
from tests.support.chains.kinds import our_chain

TOO_OLD, UNTOLD = "it needs the Cancun instructions", "is not known: .* was asked to run them"


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    with our_chain() as chain:
        yield chain.url


@pytest.fixture
def proxy(target: str) -> Iterator[FaultProxy]:
    with fault_proxy(target) as made:
        yield made


@pytest.mark.parametrize(
    "message",
    [
        "invalid opcode: MCOPY",
        "EVM error: NotActivated",
        "EVM error OpcodeNotFound",
        "VM Exception while processing transaction: invalid opcode",
        "INVALID_OPERATION",
        "BadInstruction",
    ],
)
def test_an_instruction_that_is_not_known_is_a_missing_fork(proxy: FaultProxy, message: str) -> None:
    proxy.errors["eth_call"] = {"code": -32000, "message": message}
    with pytest.raises(SetupError, match=TOO_OLD):
        check_chain(Rpc(proxy.url), None)


@pytest.mark.parametrize(
    "error",
    [
        {"code": -32601, "message": "the method eth_call does not exist/is not available"},
        {"code": -32602, "message": "missing value for required argument 'to'"},
        {"code": -32000, "message": "insufficient funds for gas * price + value"},
        {"code": -32001, "message": "unauthorized"},
    ],
)
def test_a_refusal_is_told_as_one(proxy: FaultProxy, error: dict[str, Any]) -> None:
    proxy.errors["eth_call"] = error
    with pytest.raises(SetupError, match=UNTOLD) as told:
        check_chain(Rpc(proxy.url), None)
    assert error["message"] in str(told.value)
    assert "Cancun" not in str(told.value)


@pytest.mark.parametrize("answer", ["0x", "0x" + "00" * 32, "0x02", "many", None, {"data": 1}])
def test_an_odd_answer_is_told_as_one(proxy: FaultProxy, answer: Any) -> None:
    proxy.answers["eth_call"] = answer
    with pytest.raises(SetupError, match=UNTOLD):
        check_chain(Rpc(proxy.url), None)


def test_a_probe_that_is_not_answered_is_told_as_that(proxy: FaultProxy) -> None:
    proxy.lose_answers["eth_call"] = 9
    with pytest.raises(ChainUnreachable, match="does not answer"):
        check_chain(Rpc(proxy.url), None)
    proxy.status = 429
    with pytest.raises(ChainUnreachable, match="too much to do"):
        check_chain(Rpc(proxy.url), None)
