"""A4: the seeds on chain are what the chain's own randomness gives, so nobody chose who judges and who votes."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from eth_hash.auto import keccak
from eth_utils.address import to_canonical_address

from ledger import events
from ledger.audit.findings import Check, Report
from ledger.chain.circle import Placed
from ledger.chain.rpc import BadAnswer, Rpc
from ledger.errors import PeerFault
from ledger.network import Network

# Chains without a randomness of their own answer this for prevrandao, whatever their headers say.
_CONSTANT: Final = (1).to_bytes(32, "big")


class Header(msgspec.Struct, frozen=True):
    """What the audit reads of a block: digests 32 bytes, time in Unix seconds."""

    parent: bytes
    prevrandao: bytes
    time_s: int


def read_header(rpc: Rpc, number: int) -> Header:
    """One block's header. Raises RpcFault for nonsense."""
    found = rpc.request("eth_getBlockByNumber", [hex(number), False], dict[str, Any])
    try:
        parent, mixed = bytes.fromhex(found["parentHash"][2:]), bytes.fromhex(found["mixHash"][2:])
        header = Header(parent, mixed, int(found["timestamp"], 16))
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswer(rpc.url, "eth_getBlockByNumber", f"block {number} without {error}") from error
    if len(header.parent) != 32 or len(header.prevrandao) != 32:
        raise BadAnswer(rpc.url, "eth_getBlockByNumber", f"block {number} with digests of another length")
    return header


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


def read_headers(rpc: Rpc, numbers: Iterable[int], report: Report) -> dict[int, Header]:
    """The headers of these blocks; for one that cannot be read, a finding under A4."""
    found: dict[int, Header] = {}
    for number in sorted(set(numbers)):
        try:
            found[number] = read_header(rpc, number)
        except PeerFault as fault:
            report.add(Check.DRAWS, f"the header of block {number} cannot be read: {fault}")
    return found


def _contract(network: Network) -> bytes:
    return to_canonical_address(network.contract).rjust(32, b"\0")
