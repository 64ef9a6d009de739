"""A4: the seeds on chain are what the chain's own randomness gives, so nobody chose who judges and who votes."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from eth_hash.auto import keccak
from eth_utils.address import to_canonical_address

from ledger import events
from ledger.audit.findings import Check, Report
from ledger.chain import answers
from ledger.chain.answers import Nonsense
from ledger.chain.circle import Placed
from ledger.chain.rpc import Rpc
from ledger.network import Network

# Chains without a randomness of their own answer this for prevrandao, whatever their headers say.
_CONSTANT: Final = (1).to_bytes(32, "big")


class Header(msgspec.Struct, frozen=True):
    """What the audit reads of a block: digests 32 bytes, time in Unix seconds."""

    parent: bytes
    prevrandao: bytes
    time_s: int


def read_header(rpc: Rpc, number: int, block_hash: str) -> Header:
    """The header of the block that logs name so. Raises ChainUnreachable, or RpcFault for another one."""

    def parse(raw: Any) -> Header:
        found = answers.block(number)(raw)
        if found.prevrandao is None or found.hash != block_hash:
            raise Nonsense(f"block {number} with hash {found.hash}, its logs name {block_hash}")
        return Header(bytes.fromhex(found.parent[2:]), found.prevrandao, found.time_s)

    return rpc.request("eth_getBlockByNumber", [hex(number), False], parse)


def round_seed(prevrandao: bytes, parent: bytes, number: int, network: Network) -> bytes:
    """A round's seed (R3.9). parent: 32 zero bytes where the circle does not mix it in."""
    return keccak(prevrandao + parent + number.to_bytes(32, "big") + _contract(network))


def jury_seed(block_hash: bytes, dispute: int, network: Network) -> bytes:
    """The seed of a dispute's jury (R26.2). block_hash: of the block in which it was raised."""
    return keccak(block_hash + dispute.to_bytes(32, "big") + _contract(network))


def check_draws(
    placed: Iterable[Placed], headers: dict[int, Header], network: Network, *, mixes_parent: bool, report: Report
) -> None:
    """Recompute every seed. placed: the circle's events in order; headers: by number, of the blocks with draws."""
    raised: dict[int, str] = {}
    seen: dict[bytes, int] = {}
    for place in placed:
        event, block = place.event, place.position[0]
        match event:
            case events.Disputed():
                raised[event.dispute] = place.block_hash
            case events.Summoned():
                report.count(Check.DRAWS)
                expected = jury_seed(bytes.fromhex(raised[event.dispute][2:]), event.dispute, network)
                if event.seed != expected:
                    fact = f"the jury of dispute {event.dispute} was drawn with another seed than its block gives"
                    report.add(Check.DRAWS, fact, block=block, seed=event.seed.hex(), recomputed=expected.hex())
            case events.Drawn() if block in headers:
                report.count(Check.DRAWS)
                header = headers[block]
                _check_round(event, block, header, network, mixes_parent, report)
                seen[header.prevrandao] = seen.get(header.prevrandao, 0) + 1
    if not mixes_parent and any(times > 1 for times in seen.values()):
        report.notes.append(
            "the chain's prevrandao is the same in several blocks: members could foretell who judges whom"
        )


def _check_round(
    event: events.Drawn, block: int, header: Header, network: Network, mixes_parent: bool, report: Report
) -> None:
    parent = header.parent if mixes_parent else bytes(32)
    expected = round_seed(header.prevrandao, parent, event.round, network)
    if event.seed not in (expected, round_seed(_CONSTANT, parent, event.round, network)):
        report.add(
            Check.DRAWS,
            "the round was drawn with another seed than its block's prevrandao gives",
            round_number=event.round,
            block=block,
            seed=event.seed.hex(),
            recomputed=expected.hex(),
        )


def draw_blocks(placed: Iterable[Placed]) -> set[int]:
    """The blocks whose headers `check_draws` needs."""
    return {place.position[0] for place in placed if isinstance(place.event, events.Drawn)}


def read_headers(rpc: Rpc, blocks: Mapping[int, str]) -> dict[int, Header]:
    """The headers of these blocks. blocks: number → hash. Raises like `read_header`."""
    return {number: read_header(rpc, number, block_hash) for number, block_hash in sorted(blocks.items())}


def _contract(network: Network) -> bytes:
    return to_canonical_address(network.contract).rjust(32, b"\0")
