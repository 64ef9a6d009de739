"""A4: the seeds are what the chain's blocks give, so nobody chose who judges and who votes."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ledger.audit.findings import Check, Report
from ledger.audit.kinds import Kind
from ledger.chain.placed_event import PlacedEvent
from ledger.chain.rpc import answers
from ledger.chain.rpc.answers import Nonsense
from ledger.chain.rpc.client import Rpc
from ledger.circle import events
from ledger.circle.draw import derive_draw_seed
from ledger.identity.addresses import address_bytes
from ledger.identity.network import Network


class BlockHeader(msgspec.Struct, frozen=True):
    """What the audit reads of a block: its hash, 32 bytes, and its time in Unix seconds."""

    hash: bytes
    time_s: int


def fetch_header(rpc: Rpc, number: int, block_hash: str) -> BlockHeader:
    """The header of the block that logs name so. Raises ChainUnreachable, or RpcFault for another one."""

    def parse(raw: Any) -> BlockHeader:
        found = answers.block_parser(number)(raw)
        if found.hash != block_hash:
            raise Nonsense(f"block {number} with hash {found.hash}, its logs name {block_hash}")
        return BlockHeader(bytes.fromhex(found.hash[2:]), found.time_s)

    return rpc.request("eth_getBlockByNumber", [hex(number), False], parse)


def check_draws(
    placed: Iterable[PlacedEvent], headers: Mapping[int, BlockHeader], network: Network, report: Report
) -> None:
    """Recompute every seed. placed: the circle's events in order; headers: by number, of `draw_blocks` (R22)."""
    raised: dict[int, int] = {}
    contract = address_bytes(network.contract)
    for place in placed:
        event, block = place.event, place.position[0]
        match event:
            case events.Disputed():
                raised[event.dispute] = block
            case events.Summoned():
                seed = derive_draw_seed(headers[raised[event.dispute]].hash, event.dispute, contract)
                _compare(event.seed, seed, f"the jury of dispute {event.dispute}", None, block, report)
            case events.Drawn():
                seed = derive_draw_seed(headers[block].hash, event.round, contract)
                _compare(event.seed, seed, "the round", event.round, block, report)


def _compare(seed: bytes, expected: bytes, what: str, round_number: int | None, block: int, report: Report) -> None:
    report.count(Check.DRAWS)
    if seed != expected:
        fact = f"{what} was drawn with another seed than its block's hash gives"
        report.add(
            Check.DRAWS,
            fact,
            Kind.WRONG_DRAW,
            round_number=round_number,
            block=block,
            seed=seed.hex(),
            recomputed=expected.hex(),
        )


def draw_blocks(placed: Iterable[PlacedEvent]) -> set[int]:
    """The blocks whose headers `check_draws` needs."""
    return {place.position[0] for place in placed if isinstance(place.event, events.Drawn | events.Disputed)}


def fetch_headers(rpc: Rpc, blocks: Mapping[int, str]) -> dict[int, BlockHeader]:
    """The headers of these blocks. blocks: number → hash. Raises like `fetch_header`."""
    return {number: fetch_header(rpc, number, block_hash) for number, block_hash in sorted(blocks.items())}
