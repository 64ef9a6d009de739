"""Starting, stopping, killing and reopening a chain, and what its HTTP front lets through."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import SetupError, UsageError
from ledger.testchain.accounts import DEV_ACCOUNTS
from ledger.testchain.mining.engine import Engine
from ledger.testchain.rpc.dispatch import MAX_BATCH
from ledger.testchain.server.port import MAX_BODY_BYTES
from ledger.testchain.server.serve import ChainConfig

WAIT_S = 60
Signed = Callable[..., bytes]
Start = Callable[..., Any]
SERVE = """
import sys
from pathlib import Path
from ledger.testchain.server.serve import ChainConfig, run_chain
run_chain(ChainConfig(Path(sys.argv[1]), port=0), lambda url: print(url, flush=True))
print("closed", flush=True)
"""
MINE = """
import sys
from pathlib import Path
from ledger.testchain.mining.engine import Engine
engine = Engine(Path(sys.argv[1]), 1337, None)
raws = [bytes.fromhex(line) for line in sys.stdin.read().split()]
print("ready", flush=True)
for raw in raws:
    engine.submit(raw)
    print(engine.mine().header.block_number, flush=True)
"""


def start_process(program: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments], text=True, stdout=subprocess.PIPE, **options
    )


def test_a_port_in_use_is_one_sentence_with_a_next_step(start_chain: Start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SetupError) as caught:
            start_chain(port=port)
    expected = f"port {port} on 127.0.0.1 is in use: stop the other program or choose --port"
    assert str(caught.value) == expected
    assert not (tmp_path / "chain").exists()


def test_an_unknown_host_is_a_setup_error(start_chain: Start) -> None:
    with pytest.raises(SetupError, match="cannot listen on"):
        start_chain(host="192.0.2.1", allow_remote=True)


def test_a_data_directory_has_one_owner(start_chain: Start) -> None:
    start_chain()
    with pytest.raises(SetupError, match="is in use by another chain"):
        start_chain()


def test_a_data_directory_keeps_its_chain_id_and_seed(start_chain: Start) -> None:
    start_chain(chain_id=4242, seed=7).stop()
    with pytest.raises(SetupError, match="holds chain id 4242, not 1337"):
        start_chain(seed=7)
    with pytest.raises(SetupError, match="another seed"):
        start_chain(chain_id=4242, seed=8)
    assert start_chain(chain_id=4242).w3.eth.chain_id == 4242


def test_an_unwritable_data_directory_is_a_setup_error(start_chain: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="choose another data directory"):
        start_chain(data_dir=tmp_path / "file" / "chain")


@pytest.mark.parametrize("changes", [{"port": 70_000}, {"chain_id": 0}, {"block_time_s": -1.0}])
def test_a_configuration_that_means_nothing_is_a_usage_error(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        ChainConfig(tmp_path, **changes)


def test_the_same_seed_draws_the_same_prevrandao(tmp_path: Path) -> None:
    drawn = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2), ("d", None)):
        engine = Engine(tmp_path / name, 1337, seed)
        drawn.append([engine.mine().header.mix_hash for _ in range(3)])
        engine.close()
    assert drawn[0] == drawn[1]
    assert len({mix for draws in drawn[1:] for mix in draws}) == 9


def test_fast_blocks_share_a_timestamp_and_the_clock_never_runs_ahead(tmp_path: Path) -> None:
    engine = Engine(tmp_path, 1337, None)
    genesis = engine.head.timestamp
    assert engine.chain.next_timestamp(genesis + 0.9) == genesis
    assert [engine.mine(genesis).header.timestamp for _ in range(3)] == [genesis] * 3
    assert engine.chain.next_timestamp(genesis + 0.9) == genesis
    assert engine.chain.next_timestamp(genesis + 5.0) == genesis + 5
    assert engine.chain.next_timestamp(genesis - 100.0) == genesis
    engine.close()


def test_a_killed_chain_reopens_at_its_last_whole_block(tmp_path: Path, signed: Signed) -> None:
    lines = "\n".join(signed(0, nonce).hex() for nonce in range(400))
    child = start_process(MINE, str(tmp_path), stdin=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(lines)
    child.stdin.close()
    assert child.stdout.readline() == "ready\n"
    for _ in range(20):
        child.stdout.readline()
    child.kill()
    printed = [20, *(int(line) for line in child.stdout.read().split())]
    child.wait(WAIT_S)
    child.stdout.close()
    engine = Engine(tmp_path, 1337, None)
    head = engine.head.block_number
    assert head in (printed[-1], printed[-1] + 1)
    assert engine.nonce_of(bytes.fromhex(DEV_ACCOUNTS[0].address[2:])) == head
    records = [engine.chain.read_record(engine.chain.header_by_number(number)) for number in range(1, head + 1)]
    assert all(len(record.transactions) == len(record.receipts) == 1 for record in records)
    engine.submit(signed(0, head))
    assert len(engine.mine().transactions) == 1
    engine.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signalled_chain_closes_in_order(tmp_path: Path, number: signal.Signals) -> None:
    child = start_process(SERVE, str(tmp_path))
    assert child.stdout is not None
    assert child.stdout.readline().startswith("http://127.0.0.1:")
    child.send_signal(number)
    assert child.communicate(timeout=WAIT_S)[0] == "closed\n"
    assert child.returncode == 0
    Engine(tmp_path, 1337, None).close()


def test_interval_mining_makes_empty_blocks_and_full_ones(start_chain: Start, signed: Signed) -> None:
    chain = start_chain(block_time_s=0.05)
    hashes = [chain.w3.eth.send_raw_transaction(signed(0, nonce)) for nonce in (2, 1, 0)]
    receipts = [chain.receipt(one) for one in hashes]
    assert all(receipt["status"] == 1 for receipt in receipts)
    while chain.w3.eth.block_number < receipts[0]["blockNumber"] + 2:  # bounded by the test's own timeout
        pass
    assert chain.w3.eth.get_block(receipts[0]["blockNumber"] + 1)["transactions"] == []


def test_transactions_sent_together_share_blocks(start_chain: Start, signed: Signed) -> None:
    chain = start_chain()
    raws = [signed(author, 0) for author in range(8)]
    batch = [
        {"jsonrpc": "2.0", "id": index, "method": "eth_sendRawTransaction", "params": ["0x" + raw.hex()]}
        for index, raw in enumerate(raws)
    ]
    _, body = chain.post(json.dumps(batch).encode())
    answers = json.loads(body)
    assert [answer["id"] for answer in answers] == list(range(8))
    numbers = {chain.receipt(answer["result"])["blockNumber"] for answer in answers}
    assert len(numbers) < 8
    assert chain.w3.eth.get_balance(DEV_ACCOUNTS[9].address) == 10_000 * 10**18 + 8


def test_a_transaction_that_breaks_the_machine_is_dropped_and_the_rest_is_mined(
    tmp_path: Path, signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(tmp_path, 1337, None)
    from ledger.testchain.evm.vm import LocalVM

    whole = LocalVM.apply_transaction

    def break_on_one(vm: Any, header: Any, transaction: Any) -> Any:
        if transaction.value == 666:
            raise RuntimeError("a bug in the machine")
        return whole(vm, header, transaction)

    monkeypatch.setattr(LocalVM, "apply_transaction", break_on_one)
    engine.submit(signed(0, 0, maxPriorityFeePerGas=5))
    engine.submit(signed(1, 0, value=666, maxPriorityFeePerGas=4))
    engine.submit(signed(2, 0, maxPriorityFeePerGas=3))
    assert [transaction.value for transaction in engine.mine().transactions] == [1, 1]
    assert len(engine.pool) == 0
    engine.close()


def test_http_lets_only_json_from_safe_names_through(start_chain: Start) -> None:
    chain = start_chain()
    call = b'{"jsonrpc":"2.0","id":"x","method":"eth_chainId"}'
    assert json.loads(chain.post(call)[1]) == {"jsonrpc": "2.0", "id": "x", "result": "0x539"}
    assert chain.post(call, **{"Content-Type": "text/plain"})[0] == 415
    for coding in ("gzip", "deflate", "br"):
        assert chain.post(b"not packed", **{"Content-Encoding": coding})[0] == 415
    assert chain.post(call, Host="rebound.example:80")[0] == 403
    assert chain.post(call, Host="localhost:80")[0] == 200
    assert chain.post(b" " * (MAX_BODY_BYTES + 1))[0] == 413
    assert chain.post(b'{"jsonrpc":"2.0","method":"eth_chainId"}') == (204, b"")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"[" * 100_000, -32700),
        (b"\xff", -32700),
        (b"[]", -32600),
        (b"7", -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":{}}', -32602),
        (b"[" + b",".join([b"1"] * (MAX_BATCH + 1)) + b"]", -32600),
    ],
)
def test_malformed_requests_get_json_rpc_errors(shared: Any, body: bytes, code: int) -> None:
    assert json.loads(shared.post(body)[1])["error"]["code"] == code


def test_a_batch_answers_each_call_in_order(shared: Any) -> None:
    good = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}
    batch = [good, {**good, "id": 2, "method": "eth_nothing"}, 5, {**good, "id": 4}]
    answers = json.loads(shared.post(json.dumps(batch).encode())[1])
    assert [answer["id"] for answer in answers] == [1, 2, None, 4]
    assert ["result" in answer for answer in answers] == [True, False, False, True]


def test_many_clients_at_once_are_all_served(shared: Any) -> None:
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(shared.rpc("eth_chainId"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert results == ["0x539"] * 16


def test_importing_the_entry_point_does_not_load_the_virtual_machine() -> None:
    program = (
        "import sys, ledger.testchain.server.serve; sys.exit('eth' in sys.modules or 'aiohttp' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], env=os.environ, check=False).returncode == 0


@pytest.fixture(scope="module", name="shared")
def _shared(chain: Any) -> Any:
    return chain
