"""What makes a node healthy: a chain that answers and goes on, a seat, events read, a disk, a clock. Pure."""

from dataclasses import dataclass
from typing import Final

from node.metrics.chain_watch import ChainSight
from node.metrics.health import Check, Health
from node.operating.disk import DiskRoom

# Longer than a transaction is waited for, and while one is, nothing is read.
_READ_MAX_S: Final = 180.0
_SEEN_MAX_S: Final = 60.0
STALE_S: Final = 600.0
"""A chain that makes blocks by itself and has made none for so long stands still, or its endpoint does."""
CLOCK_MAX_S: Final = 30.0
"""Blocks may be so far ahead of this machine's clock: builders' clocks differ too."""


@dataclass(frozen=True)
class NodeSights:
    """What is known of a node at one moment. Times in Unix seconds, spans in seconds."""

    now_s: float
    """The moment."""
    sight: ChainSight | None
    """What an endpoint said last."""
    trouble: str
    """Why none answered the last question; empty where one did."""
    read_s: float | None
    """Since the circle's events were last read to the newest block; None before the first time."""
    makes_blocks: bool
    """Whether the chain makes blocks where nobody sends anything: a local test chain does not."""
    seat: int | None
    """The seat that the node's key holds."""
    is_away: bool
    """Whether another process with this key serves it."""
    is_finished: bool
    """Whether the circle has ended: nothing is asked of a seat any more."""
    room: DiskRoom | None
    """What the disk has left; None where it cannot be looked at."""
    room_trouble: str
    """Why it cannot."""


def check_node(sights: NodeSights) -> Health:
    """All checks. Each is always there, so that a name that is missing means an older program."""
    return Health(
        [
            _check_chain(sights),
            _check_fresh(sights),
            _check_following(sights),
            _check_seat(sights),
            _check_disk(sights),
            _check_clock(sights),
        ]
    )


def _check_chain(sights: NodeSights) -> Check:
    if sights.trouble:
        return Check("chain", False, sights.trouble)
    if sights.sight is None or sights.now_s - sights.sight.at_s > _SEEN_MAX_S:
        return Check("chain", False, "no endpoint has been asked for a minute")
    return Check("chain", True, f"an endpoint answers, block {sights.sight.head} is the newest")


def _check_fresh(sights: NodeSights) -> Check:
    if sights.sight is None:
        return Check("chain_fresh", False, "no block was seen")
    age_s = max(0.0, sights.now_s - sights.sight.head_time_s)
    if not sights.makes_blocks:
        return Check(
            "chain_fresh", True, "a local test chain, which may make blocks only when there is something in them"
        )
    says = f"the newest block is {age_s:.0f} s old, {STALE_S:.0f} s are borne with"
    return Check("chain_fresh", age_s <= STALE_S, says)


def _check_following(sights: NodeSights) -> Check:
    if sights.read_s is None:
        return Check("following", False, "the circle's events were not read yet")
    says = f"the circle's events were last read {sights.read_s:.0f} s ago"
    return Check("following", sights.read_s <= _READ_MAX_S, says)


def _check_seat(sights: NodeSights) -> Check:
    if sights.is_finished:
        return Check("seat", True, "the circle has finished its last round")
    if sights.seat is None:
        return Check("seat", False, "this node's key holds no seat yet, or none any more")
    if sights.is_away:
        return Check("seat", False, f"another process serves seat {sights.seat}, and this one stands by")
    return Check("seat", True, f"seat {sights.seat} is held")


def _check_disk(sights: NodeSights) -> Check:
    if sights.room is None:
        return Check("disk", False, f"the disk cannot be looked at: {sights.room_trouble}", is_needed=False)
    short = sights.room.complaint
    says = short or f"{sights.room.free_bytes >> 20} MiB are free"
    return Check("disk", short is None, says, is_needed=False)


def _check_clock(sights: NodeSights) -> Check:
    if sights.sight is None:
        return Check("clock", False, "no block was seen to compare it with", is_needed=False)
    ahead_s = sights.sight.head_time_s - sights.sight.at_s
    if ahead_s > CLOCK_MAX_S:
        says = f"this machine's clock is {ahead_s:.0f} s behind the chain's newest block: set it by NTP"
        return Check("clock", False, says, is_needed=False)
    return Check("clock", True, "not behind the chain's newest block", is_needed=False)
