"""What draws an audit's sample: a number, or the hash of a block, which nobody knew before there was that block."""

import hashlib
from collections.abc import Iterable
from typing import Final

from ledger.chain.circle import BlockMark, Circle
from ledger.chain.placed_event import PlacedEvent
from ledger.circle.events import Attested
from ledger.errors import UsageError
from ledger.identity.network import Network

_DOMAIN: Final = b"folkmoot audit sample 1"
# No more than a double holds, for readers of JSON.
_SEED_BYTES: Final = 6


def derive_sample_seed(block_hash: str, network: Network) -> int:
    """What a block draws of this circle's attestations: anybody comes to the same (R22.2). block_hash: 0x, hex."""
    named = bytes.fromhex(block_hash.removeprefix("0x"))
    return int.from_bytes(hashlib.sha256(_DOMAIN + named + network.domain_separator).digest()[:_SEED_BYTES])


def fetch_sample_block(circle: Circle, number: int, head: int) -> BlockMark:
    """The block that is to draw a sample. head: up to which the circle was read.

    Raises UsageError where that is not there yet, ChainUnreachable where the endpoint does not tell.
    """
    if number > head:
        raise UsageError(
            f"block {number} is not there yet, the newest is {head}: audit once it is, or name one up to there"
        )
    mark = circle.fetch_mark(number)
    if mark is None:
        raise UsageError(f"the endpoint has no block {number}: give another, or another --rpc")
    return mark


def find_last_attestation_block(placed: Iterable[PlacedEvent]) -> int:
    """The block in which a verdict was anchored last, 0 where there is none."""
    return max((place.position[0] for place in placed if isinstance(place.event, Attested)), default=0)


def describe_foreknowledge(drawn: int, last: int) -> str | None:
    """What to say where judges could know the sample: its block was there before the last of them attested."""
    if drawn > last:
        return None
    return (
        f"block {drawn}, which drew the sample, is not later than block {last}, in which a verdict was attested"
        " last: whoever attested after it could know whether that is looked at. Take a later block"
    )
