"""Raw logs of the circle contract become events; anything else in them is refused."""

from typing import Any, Final

import msgspec
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from ledger.chain.contract.artifact import Artifact
from ledger.chain.placed_event import PlacedEvent
from ledger.chain.rpc import answers
from ledger.chain.rpc.answers import Nonsense
from ledger.circle import events
from ledger.circle.draw import derive_draw_seed
from ledger.identity.addresses import address_bytes

_INDEX_MAX: Final = 1 << 32


class MalformedLog(Nonsense):
    """A log that the circle contract cannot have written."""


class RawLog(msgspec.Struct, frozen=True):
    """One entry of an eth_getLogs answer, all in 0x-prefixed hex; fields it has beyond these are ignored."""

    address: str
    """The contract's."""
    topics: list[str]
    """The event's signature hash, then what is indexed."""
    data: str
    """What is not indexed."""
    blockNumber: str  # noqa: N815
    """A quantity."""
    logIndex: str  # noqa: N815
    """A quantity, within the block."""
    blockHash: str  # noqa: N815
    """32 bytes."""
    transactionHash: str  # noqa: N815
    """32 bytes."""
    removed: bool = False
    """The block was reorganised away."""

    @property
    def position(self) -> tuple[int, int]:
        """(block number, index in the block). Raises Nonsense."""
        return answers.parse_height(self.blockNumber), answers.parse_quantity(self.logIndex, _INDEX_MAX)


class LogDecoder:
    """Decodes by topic, from the ABI alone; only a round's seed is not in the log (R3.9)."""

    def __init__(self, artifact: Artifact) -> None:
        self._entries: dict[bytes, dict[str, Any]] = {}
        for entry in artifact.abi:
            if entry["type"] == "event":
                types = ",".join(parameter["type"] for parameter in entry["inputs"])
                self._entries[keccak(f"{entry['name']}({types})".encode())] = entry

    def decode_placed(self, log: RawLog) -> PlacedEvent:
        """A log as an event with its place. Raises Nonsense."""
        block_hash, transaction = answers.parse_digest(log.blockHash), answers.parse_digest(log.transactionHash)
        return PlacedEvent(log.position, block_hash, transaction, self.decode(log))

    def decode(self, log: RawLog) -> events.Event:
        """The event in a log. Raises MalformedLog."""
        try:
            topics = [answers.parse_data(topic) for topic in log.topics]
            entry = self._entries[topics[0]]
            indexed = [p for p in entry["inputs"] if p["indexed"]]
            plain = [p for p in entry["inputs"] if not p["indexed"]]
            if len(topics) != len(indexed) + 1:
                raise MalformedLog(f"{entry['name']} has {len(indexed)} topics, the log {len(topics) - 1}")
            values = {
                parameter["name"]: answers.decode_abi_values([parameter["type"]], topic)[0]
                for parameter, topic in zip(indexed, topics[1:], strict=True)
            }
            data = answers.decode_abi_values([p["type"] for p in plain], answers.parse_data(log.data))
            values |= {parameter["name"]: value for parameter, value in zip(plain, data, strict=True)}
            if entry["name"] == events.Drawn.__name__:
                block_hash = bytes.fromhex(answers.parse_digest(log.blockHash)[2:])
                values["seed"] = derive_draw_seed(block_hash, values["round"], address_bytes(log.address))
        except (KeyError, IndexError, ValueError) as error:
            raise MalformedLog(f"log {log.position} does not decode: {error}") from error
        for parameter in entry["inputs"]:
            if parameter["type"] == "address":
                values[parameter["name"]] = to_checksum_address(values[parameter["name"]])
        event: events.Event = events.EVENTS[entry["name"]](**values)
        return event
