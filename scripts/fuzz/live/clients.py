"""The servers that speak HTTP, with valid requests of all that they offer."""

import json
from typing import Any, Final

from ledger.blobs.cid import cid_of, digest_of
from node.watch.routes import ROUTES
from scripts.fuzz.live.http import HttpClient, Request
from scripts.fuzz.live.server import Server
from scripts.fuzz.live.serving import HANDED, LACKING

_JSON: Final = (b"Content-Type: application/json",)
_ADDRESS: Final = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
_HASH: Final = "0x" + "ab" * 32
_CALL: Final = {"from": _ADDRESS, "to": _ADDRESS, "data": "0x1234", "value": "0x1", "gas": "0x5208"}
_CALLS: Final[dict[str, list[Any]]] = {
    "web3_clientVersion": [],
    "web3_sha3": ["0x1234"],
    "net_version": [],
    "eth_chainId": [],
    "eth_blockNumber": [],
    "eth_gasPrice": [],
    "eth_feeHistory": ["0x4", "latest", [10, 50.5]],
    "eth_getBalance": [_ADDRESS, "latest"],
    "eth_getTransactionCount": [_ADDRESS, "pending"],
    "eth_getCode": [_ADDRESS, "0x0"],
    "eth_getStorageAt": [_ADDRESS, "0x0", "latest"],
    "eth_call": [_CALL, "latest"],
    "eth_estimateGas": [_CALL],
    "eth_sendRawTransaction": ["0x02f86b"],
    "eth_getBlockByNumber": ["latest", True],
    "eth_getBlockByHash": [_HASH, False],
    "eth_getBlockReceipts": ["latest"],
    "eth_getLogs": [
        {"fromBlock": "0x0", "toBlock": "latest", "address": _ADDRESS, "topics": [_HASH, None, [_HASH]]}
    ],
    "eth_getTransactionByHash": [_HASH],
    "eth_getTransactionReceipt": [_HASH],
    "eth_getProof": [_ADDRESS, ["0x0"], "latest"],
    "eth_createAccessList": [_CALL, "latest"],
    "eth_simulateV1": [
        {"blockStateCalls": [{"calls": [_CALL], "stateOverrides": {_ADDRESS: {"balance": "0x1"}}}]},
        "latest",
    ],
    "eth_newFilter": [{"fromBlock": "latest", "topics": [[_HASH]]}],
    "eth_newBlockFilter": [],
    "eth_newPendingTransactionFilter": [],
    "eth_getFilterChanges": ["0x1"],
    "eth_getFilterLogs": ["0x1"],
    "eth_uninstallFilter": ["0x1"],
    "eth_sendRawTransactionSync": ["0x02f86b", 1],
    "anvil_mine": ["0x1"],
    "anvil_setNextBlockTimestamp": [2_000_000_000],
    "anvil_reorg": [1, []],
    "evm_setAutomine": [True],
    "evm_setIntervalMining": [0],
    "eth_subscribe": ["newHeads"],
    "eth_unsubscribe": ["0x1"],
    "evm_mine": [],
    "evm_snapshot": [],
    "evm_revert": ["0x1"],
    "evm_increaseTime": [1],
}


def make_gateway_client(server: Server) -> HttpClient:
    """Asks for blobs."""
    cids = server.told["cids"]
    targets = [f"/ipfs/{cid}?format={kind}" for cid in cids.values() for kind in ("raw", "car")]
    targets += ["/ipfs/bafkqaaa?format=raw", f"/ipfs/{cids['small']}?format=car&car-version=1"]
    accept = (b"Accept: application/vnd.ipld.car; version=1, application/vnd.ipld.raw",)
    samples = [Request(target.encode()) for target in targets]
    samples += [Request(f"/ipfs/{cid}".encode(), headers=accept) for cid in cids.values()]
    samples.append(Request(targets[0].encode(), b"HEAD", (b'If-None-Match: "x"',)))
    for blob in HANDED:
        name = cid_of(digest_of(blob)).text
        samples += [Request(f"/ipfs/{name}{under}".encode(), b"PUT", (), blob) for under in ("", f"?under={name}")]
    for blob in LACKING:
        samples.append(Request(f"/ipfs/{cid_of(digest_of(blob)).text}".encode(), b"PUT", (), blob[:-1]))
    return HttpClient(server, samples, Request(f"/ipfs/{cids['small']}?format=raw".encode()))


def make_page_client(server: Server) -> HttpClient:
    """Asks for all that the live page asks for."""
    values = {
        "metric": "accuracy",
        "points": "10",
        "from": "1",
        "to": "3",
        "q": "0x",
        "ask": "parts",
        "seats": "0,1",
    }
    samples = []
    for route in ROUTES:
        path = route.path.replace("{seat}", "1").replace("{number}", "2")
        query = "&".join(f"{name}={values.get(name, '1')}" for name in route.parameters)
        samples.append(Request(f"{path}?{query}".rstrip("?").encode()))
    samples += [Request(b"/"), Request(b"/app.js", headers=(b"Accept-Encoding: gzip",)), Request(b"/api/live")]
    return HttpClient(server, samples, Request(b"/api/circle"))


def make_metrics_client(server: Server) -> HttpClient:
    """Asks for figures and health."""
    accept = (b"Accept: application/openmetrics-text; version=1.0.0; charset=utf-8, text/plain;q=0.5",)
    samples = [Request(b"/metrics", headers=accept), Request(b"/metrics"), Request(b"/livez"), Request(b"/healthz")]
    return HttpClient(server, [*samples, Request(b"/readyz", b"HEAD")], Request(b"/livez"))


def make_chain_client(server: Server) -> HttpClient:
    """Calls all methods."""
    samples = [Request(b"/", b"POST", _JSON, body) for body in list_calls()]
    return HttpClient(server, samples, Request(b"/", b"POST", _JSON, CHAIN_GOOD), marks_of_faults=(CHAIN_FAULT,))


def list_calls() -> list[bytes]:
    """A valid call of each method, and a batch of some."""
    bodies = [_encode_call(method, params) for method, params in _CALLS.items()]
    return [*bodies, b"[" + b",".join(bodies[:5]) + b"]"]


def _encode_call(method: str, params: list[Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()


CHAIN_GOOD: Final = _encode_call("eth_chainId", [])
"""A call that is answered at any time."""
CHAIN_FAULT: Final = b"-32603"
"""The code of what nobody foresaw."""
