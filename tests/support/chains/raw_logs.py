"""Events as an endpoint's eth_getLogs tells them."""

from dataclasses import fields
from typing import Any

from eth_abi.abi import encode as abi_encode
from eth_hash.auto import keccak

from ledger.chain.contract.artifact import load_circle_artifact
from ledger.circle.events import Event, Woken

ADDRESS = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


def raw_log(event: Event, block: int, index: int = 0, **changed: Any) -> dict[str, Any]:
    """A log as JSON. changed: members of it that are to be otherwise."""
    inputs = load_circle_artifact().find_entry("event", type(event).__name__)["inputs"]
    values = {field.name: getattr(event, field.name) for field in fields(event)}
    signature = f"{type(event).__name__}({','.join(parameter['type'] for parameter in inputs)})"
    topics = [keccak(signature.encode())]
    topics += [abi_encode([p["type"]], [values[p["name"]]]) for p in inputs if p["indexed"]]
    plain = [p for p in inputs if not p["indexed"]]
    data = abi_encode([p["type"] for p in plain], [values[p["name"]] for p in plain])
    known = {
        "address": ADDRESS.lower(),
        "topics": ["0x" + topic.hex() for topic in topics],
        "data": "0x" + data.hex(),
        "blockNumber": hex(block),
        "logIndex": hex(index),
        "blockHash": f"0x{block:064x}",
        "transactionHash": f"0x{index:064x}",
        "removed": False,
    }
    return known | changed


def log_at(block: int, index: int = 0, **changed: Any) -> dict[str, Any]:
    """Any log at a place."""
    return raw_log(Woken(1, 0), block, index, **changed)
