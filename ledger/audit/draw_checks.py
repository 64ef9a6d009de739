"""A4: the seeds are what the chain's blocks give, so nobody chose who judges and who votes."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from eth_utils.address import to_canonical_address

from ledger.audit.findings import Check, Report
from ledger.chain.circle import Placed
from ledger.chain.rpc import answers
from ledger.chain.rpc.answers import Nonsense
from ledger.chain.rpc.client import Rpc
from ledger.circle import events
from ledger.circle.draw import drawn_seed
from ledger.identity.network import Network


class Header(msgspec.Struct, frozen=True):
    """What the audit reads of a block: its hash, 32 bytes, and its time in Unix seconds."""

    hash: bytes
    time_s: int


def read_header(rpc: Rpc, number: int, block_hash: str) -> Header:
    """The header of the block that logs name so. Raises ChainUnreachable, or RpcFault for another one."""

    def parse(raw: Any) -> Header:
        found = answers.block(number)(raw)
        if found.hash != block_hash:
            raise Nonsense(f"block {number} with hash {found.hash}, its logs name {block_hash}")
        return Header(bytes.fromhex(found.hash[2:]), found.time_s)

    return rpc.request("eth_getBlockByNumber", [hex(number), False], parse)


def check_draws(placed: Iterable[Placed], headers: Mapping[int, Header], network: Network, report: Report) -> None:
    """Recompute every seed. placed: the circle's events in order; headers: by number, of `draw_blocks` (R22)."""
    raised: dict[int, int] = {}
    contract = to_canonical_address(network.contract)
    for place in placed:
        event, block = place.event, place.position[0]
        match event:
            case events.Disputed():
                raised[event.dispute] = block
            case events.Summoned():
                seed = drawn_seed(headers[raised[event.dispute]].hash, event.dispute, contract)
                _compare(event.seed, seed, f"the jury of dispute {event.dispute}", None, block, report)
            case events.Drawn():
                seed = drawn_seed(headers[block].hash, event.round, contract)
                _compare(event.seed, seed, "the round", event.round, block, report)


def _compare(seed: bytes, expected: bytes, what: str, round_number: int | None, block: int, report: Report) -> None:
    report.count(Check.DRAWS)
    if seed != expected:
        fact = f"{what} was drawn with another seed than its block's hash gives"
        report.add(
            Check.DRAWS,
            fact,
            round_number=round_number,
            block=block,
            seed=seed.hex(),
            recomputed=expected.hex(),
        )


def draw_blocks(placed: Iterable[Placed]) -> set[int]:
    """The blocks whose headers `check_draws` needs."""
    return {place.position[0] for place in placed if isinstance(place.event, events.Drawn | events.Disputed)}


def read_headers(rpc: Rpc, blocks: Mapping[int, str]) -> dict[int, Header]:
    """The headers of these blocks. blocks: number → hash. Raises like `read_header`."""
    return {number: read_header(rpc, number, block_hash) for number, block_hash in sorted(blocks.items())}
