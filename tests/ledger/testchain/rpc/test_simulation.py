"""Executions that nobody pays for: bounded, beside the chain, in a changed world."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.testchain.accounts import DEV_ACCOUNTS
from ledger.testchain.mining.engine import Engine
from ledger.testchain.mining.miner import Miner
from ledger.testchain.mining.turns import Turns
from ledger.testchain.rpc import dispatch, simulation
from ledger.testchain.rpc.methods import RpcMethods

LOOP = "0x5b600056"
# The contract calls itself with all that is left, and then once more.
RECURSION = "0x5f5f5f5f5f305af15f5f5f5f5f305af100"
ELSEWHERE = "0x" + "c0de" * 10
SENDER = DEV_ACCOUNTS[0].address
WAIT_S = 60


def in_background(ask: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """A thread that asks, and a list that will hold the answer."""
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(ask()))
    thread.start()
    return thread, answers


def test_an_estimate_without_end_leaves_the_chain_to_others(
    start_chain: Any, signed: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulation, "LIMIT_S", 2.0)
    chain = start_chain()
    thread, answers = in_background(lambda: chain.rpc("eth_estimateGas", {"data": LOOP}))
    # Blocks are made and read while it runs.
    for nonce in range(2):
        assert chain.send(signed(1, nonce))["status"] == 1
    assert thread.is_alive()
    thread.join(WAIT_S)
    assert answers[0]["error"] == {"code": -32000, "message": "execution aborted (timeout = 2s)"}
    assert chain.rpc("eth_estimateGas", {"from": SENDER, "to": SENDER}) == "0x5208"


@pytest.mark.parametrize("code", [LOOP, RECURSION])
def test_a_call_without_end_ends(start_chain: Any, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(simulation, "LIMIT_S", 0.2)
    chain = start_chain()
    code_there = {ELSEWHERE: {"code": code}}
    for method in ("eth_call", "eth_estimateGas", "eth_createAccessList"):
        assert "timeout" in chain.rpc(method, {"to": ELSEWHERE}, "latest", code_there)["error"]["message"]
    blocks = {"blockStateCalls": [{"calls": [{"to": ELSEWHERE}], "stateOverrides": code_there}]}
    assert "timeout" in chain.rpc("eth_simulateV1", blocks)["error"]["message"]


def test_a_chain_stops_in_the_middle_of_a_simulation(start_chain: Any) -> None:
    chain = start_chain()
    thread, answers = in_background(lambda: chain.post(_call("eth_call", {"data": LOOP})))
    chain.rpc("eth_blockNumber")
    started = time.monotonic()
    chain.stop()
    thread.join(WAIT_S)
    assert time.monotonic() - started < simulation.LIMIT_S
    assert answers


async def test_calls_beyond_the_bound_are_refused_and_others_are_not(tmp_path: Path) -> None:
    engine, over = Engine(tmp_path / "chain", 1337, None), asyncio.Event()
    full, waiting = asyncio.Event(), 0

    async def run(function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)

    async def simulate(function: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal waiting
        waiting += 1
        if waiting == dispatch.MAX_SIMULATIONS:
            full.set()
        await over.wait()
        return function(*arguments)

    asked = dispatch.Dispatcher(RpcMethods(engine, Turns()), Miner(engine, run), run, simulate, False)
    call = _call("eth_call", {"to": SENDER}, "latest")
    running = [asyncio.create_task(asked.answer(call)) for _ in range(dispatch.MAX_SIMULATIONS)]
    await full.wait()
    assert json.loads(await asked.answer(call) or b"")["error"]["code"] == -32005
    assert json.loads(await asked.answer(_call("eth_blockNumber")) or b"")["result"] == "0x0"
    over.set()
    assert {json.loads(answer or b"")["result"] for answer in await asyncio.gather(*running)} == {"0x"}
    assert "result" in json.loads(await asked.answer(call) or b"")
    engine.close()


def test_an_override_changes_nothing_for_anybody_else(chain: Any) -> None:
    asked = {"from": SENDER, "to": ELSEWHERE}
    assert chain.rpc("eth_call", asked, "latest", {ELSEWHERE: {"code": "0x60075f5260205ff3"}}) == f"0x{7:064x}"
    assert chain.rpc("eth_call", asked, "latest") == "0x"
    assert chain.rpc("eth_getCode", ELSEWHERE, "latest") == "0x"


def test_simulated_blocks_stand_on_each_other(chain: Any) -> None:
    # BLOCKHASH of the block before, of number - 1.
    tells_parent = {"to": ELSEWHERE, "data": "0x"}
    code = {ELSEWHERE: {"code": "0x60014303405f5260205ff3"}}
    plan = [{"calls": [tells_parent], "stateOverrides": code}, {"calls": [tells_parent]}]
    first, second = chain.rpc("eth_simulateV1", {"blockStateCalls": plan})
    head = chain.rpc("eth_getBlockByNumber", "latest", False)
    assert first["calls"][0]["returnData"] == first["parentHash"] == head["hash"]
    assert second["calls"][0]["returnData"] == second["parentHash"] == first["hash"]
    assert chain.rpc("eth_getBlockByHash", first["hash"], False) is None


def test_slots_that_a_whole_state_does_not_name_are_empty(
    chain: Any, notebook: dict[str, Any], signed: Any
) -> None:
    contract = chain.deploy(notebook, 2)
    data = contract.encode_abi("note", args=[1, "one"])
    chain.send(signed(2, 1, to=contract.address, data=data, gas=200_000))
    asked = {"to": contract.address, "data": contract.encode_abi("count")}
    worlds: list[dict[str, Any]] = [{}, {"stateDiff": {"0x" + "00" * 31 + "07": "0x" + "00" * 32}}, {"state": {}}]
    counted = [chain.rpc("eth_call", asked, "latest", {contract.address: changes}) for changes in worlds]
    assert counted == [f"0x{number:064x}" for number in (1, 1, 0)]


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        ("eth_call", [{}, "latest", {SENDER: {"colour": "0x1"}}], -32602),
        ("eth_call", [{}, "latest", {SENDER: {"movePrecompileToAddress": ELSEWHERE}}], -32602),
        ("eth_call", [{}, "latest", {SENDER: {"stateDiff": {"0x0": "0x1"}}}], -32602),
        ("eth_call", [{}, "latest", {}, {"withdrawals": []}], -32602),
        ("eth_call", [{}, "latest", {f"0x{at:040x}": {} for at in range(1001)}], -32602),
        ("eth_simulateV1", [{"blockStateCalls": []}], -32602),
        ("eth_simulateV1", [{"blockStateCalls": [{"calls": [{}] * 1001}]}], -32602),
        ("eth_simulateV1", [{"blockStateCalls": [{"blockOverrides": {"number": "0x1f4"}}]}], -38026),
        ("eth_simulateV1", [{"blockStateCalls": [{}] * 257}], -38026),
        ("eth_sendRawTransactionSync", [], -32602),
    ],
)
def test_bad_calls_are_refused(chain: Any, method: str, arguments: list[Any], code: int) -> None:
    assert chain.rpc(method, *arguments)["error"]["code"] == code


def test_a_sender_can_wait_for_the_receipt(chain: Any, signed: Callable[..., bytes]) -> None:
    receipt = chain.rpc("eth_sendRawTransactionSync", "0x" + signed(3, 0).hex())
    assert receipt == chain.rpc("eth_getTransactionReceipt", receipt["transactionHash"])
    waiting = chain.rpc("eth_sendRawTransactionSync", "0x" + signed(3, 2).hex(), 50)
    assert waiting["error"]["code"] == dispatch.NOT_MINED_YET
    assert chain.rpc("eth_getTransactionByHash", waiting["error"]["data"])["nonce"] == "0x2"


def _call(method: str, *params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()


@pytest.mark.parametrize("method", ["eth_estimateGas", "eth_simulateV1"])
def test_each_execution_of_code_without_a_jump_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    turns, given = Turns(), list[None]()
    monkeypatch.setattr(turns, "give_way", lambda: given.append(None))
    engine = Engine(tmp_path / "chain", 1337, None)
    accounts, message = {ELSEWHERE: {"code": "0x" + "5f50" * 100}}, {"to": ELSEWHERE, "data": "0x01"}
    plans = {"blockStateCalls": [{"stateOverrides": accounts, "calls": [message] * 3}]}
    asked = [plans] if method == "eth_simulateV1" else [message, "latest", accounts]
    RpcMethods(engine, turns).answer(method, asked)
    engine.close()
    assert len(given) >= 3
