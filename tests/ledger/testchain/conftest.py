"""A served chain in a thread, a small contract, and signed transactions for the test chain's tests."""

import asyncio
import json
import threading
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_utils.address import to_checksum_address

from ledger.testchain.accounts import DEV_ACCOUNTS
from ledger.testchain.server.serve import ChainConfig, serve

with warnings.catch_warnings():
    # web3 still imports this module of websockets; nothing here uses it.
    warnings.filterwarnings("ignore", "websockets.legacy is deprecated", DeprecationWarning)
    from web3 import HTTPProvider, Web3

WAIT_S = 60
GWEI = 10**9
NOTEBOOK = """
# pragma version 0.4.3
# pragma evm-version prague

event Noted:
    author: indexed(address)
    number: indexed(uint256)
    text: String[32]

event Closed:
    pass

count: public(uint256)
random: public(uint256)

@external
def note(number: uint256, text: String[32]):
    assert number > 0, "notebook: number is zero"
    self.count += 1
    self.random = convert(block.prevrandao, uint256)
    log Noted(author=msg.sender, number=number, text=text)

@external
def close():
    log Closed()

@view
@external
def clock() -> (uint256, uint256):
    return block.number, block.timestamp

@view
@external
def earlier() -> (bytes32, bytes32):
    return blockhash(block.number - 1), blockhash(block.number - 2)

@external
@payable
def deposit():
    pass
"""


class ServedChain:
    """A chain served from a thread of this process, until `stop`."""

    def __init__(self, config: ChainConfig) -> None:
        self._started = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(config,))
        self._thread.start()
        assert self._started.wait(WAIT_S)
        if self._failure is not None:
            self._thread.join(WAIT_S)
            raise self._failure
        self.w3 = Web3(HTTPProvider(self.url))

    def _run(self, config: ChainConfig) -> None:
        async def main() -> None:
            task = asyncio.current_task()
            assert task is not None
            self._loop, self._task = asyncio.get_running_loop(), task
            await serve(config, self._ready)

        try:
            asyncio.run(main())
        except asyncio.CancelledError:
            pass
        except Exception as error:  # handed to the test's thread
            self._failure = error
            self._started.set()

    def _ready(self, url: str) -> None:
        self.url = url
        self._started.set()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()

    def post(self, body: bytes, **headers: str) -> tuple[int, bytes]:
        """Raw HTTP. Returns status and body."""
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json", **headers})
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def rpc(self, method: str, *params: Any) -> Any:
        """One call; returns the result, or the error object under the key `error`."""
        _, body = self.post(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode())
        answer = json.loads(body)
        return answer["result"] if "result" in answer else {"error": answer["error"]}

    def receipt(self, transaction_hash: Any) -> Any:
        return self.w3.eth.wait_for_transaction_receipt(transaction_hash, timeout=WAIT_S, poll_latency=0.01)

    def send(self, raw: bytes) -> Any:
        """Send and wait. Returns the receipt."""
        return self.receipt(self.w3.eth.send_raw_transaction(raw))

    def deploy(self, code: dict[str, Any], author: int = 0) -> Any:
        sender = to_checksum_address(DEV_ACCOUNTS[author].address)
        nonce = self.w3.eth.get_transaction_count(sender, "pending")
        receipt = self.send(sign_transaction(author, nonce, to=b"", data=code["bytecode"], gas=2_000_000))
        assert receipt["status"] == 1
        return self.w3.eth.contract(receipt["contractAddress"], abi=code["abi"])


def sign_transaction(author: int, nonce: int, **changes: Any) -> bytes:
    """A signed transfer of 1 wei by a development account, with changed fields."""
    fields = {
        "chainId": 1337,
        "nonce": nonce,
        "to": DEV_ACCOUNTS[9].address,
        "value": 0 if "data" in changes else 1,
        "gas": 21_000,
        "maxFeePerGas": 10 * GWEI,
        "maxPriorityFeePerGas": GWEI,
        **changes,
    }
    if "gasPrice" in fields:
        del fields["maxFeePerGas"], fields["maxPriorityFeePerGas"]
    fields = {name: value for name, value in fields.items() if value is not None}
    return bytes(Account.from_key(DEV_ACCOUNTS[author].key).sign_transaction(fields).raw_transaction)


@pytest.fixture(scope="session")
def signed() -> Callable[..., bytes]:
    """Makes signed transactions: (author, nonce, **changed fields)."""
    return sign_transaction


@pytest.fixture(scope="session")
def notebook() -> dict[str, Any]:
    import vyper

    compiled: dict[str, Any] = vyper.compile_code(NOTEBOOK, output_formats=["abi", "bytecode"])
    return compiled


@pytest.fixture
def start_chain(tmp_path: Path) -> Iterator[Callable[..., ServedChain]]:
    """Start chains on free ports, by default all on one data directory; they stop when the test ends."""
    running: list[ServedChain] = []

    def start(**changes: Any) -> ServedChain:
        chain = ServedChain(ChainConfig(**{"data_dir": tmp_path / "chain", "port": 0, **changes}))
        running.append(chain)
        return chain

    yield start
    for chain in running:
        if chain._thread.is_alive():
            chain.stop()


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedChain]:
    """One chain for the tests of a module that do not mind each other's transactions."""
    served = ServedChain(ChainConfig(tmp_path_factory.mktemp("chain"), port=0))
    yield served
    served.stop()
