"""Raw logs of the circle contract become events; anything else in them is refused."""

from typing import Any

import msgspec
from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from ledger import events
from ledger.chain.artifact import Artifact
from ledger.errors import PeerFault


class MalformedLog(PeerFault):
    """The endpoint answered with a log that the circle contract cannot have written."""


class RawLog(msgspec.Struct, frozen=True):
    """One entry of an eth_getLogs answer; fields it has beyond these are ignored."""

    address: str
    topics: list[str]
    data: str
    blockNumber: str  # noqa: N815
    logIndex: str  # noqa: N815
    blockHash: str  # noqa: N815
    transactionHash: str  # noqa: N815
    removed: bool = False

    @property
    def position(self) -> tuple[int, int]:
        """(block number, index in the block). Raises MalformedLog."""
        try:
            return int(self.blockNumber, 16), int(self.logIndex, 16)
        except ValueError as error:
            raise MalformedLog(f"a log at block {self.blockNumber[:20]!r} has no place") from error


class LogDecoder:
    """Decodes by topic, from the ABI alone."""

    def __init__(self, artifact: Artifact) -> None:
        self._entries: dict[bytes, dict[str, Any]] = {}
        for entry in artifact.abi:
            if entry["type"] == "event":
                types = ",".join(parameter["type"] for parameter in entry["inputs"])
                self._entries[keccak(f"{entry['name']}({types})".encode())] = entry

    def decode(self, log: RawLog) -> events.Event:
        """The event in a log. Raises MalformedLog."""
        try:
            topics = [bytes.fromhex(topic[2:]) for topic in log.topics]
            entry = self._entries[topics[0]]
            indexed = [p for p in entry["inputs"] if p["indexed"]]
            plain = [p for p in entry["inputs"] if not p["indexed"]]
            if len(topics) != len(indexed) + 1:
                raise MalformedLog(f"{entry['name']} has {len(indexed)} topics, the log {len(topics) - 1}")
            values = {
                parameter["name"]: abi_decode([parameter["type"]], topic)[0]
                for parameter, topic in zip(indexed, topics[1:], strict=True)
            }
            data = abi_decode([p["type"] for p in plain], bytes.fromhex(log.data[2:]))
            values |= {parameter["name"]: value for parameter, value in zip(plain, data, strict=True)}
        except (KeyError, IndexError, ValueError, DecodingError) as error:
            raise MalformedLog(f"log {log.position} does not decode: {error}") from error
        for parameter in entry["inputs"]:
            if parameter["type"] == "address":
                values[parameter["name"]] = to_checksum_address(values[parameter["name"]])
        event: events.Event = events.EVENTS[entry["name"]](**values)
        return event
