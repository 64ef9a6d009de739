"""Recomputing one disputed verdict: what a juror votes by, and what a challenger looks at first."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from ledger.audit.jury import blobs_behind, is_false_verdict, rounds_behind
from ledger.errors import PeerFault
from ledger.exact import State
from ledger.history import History, Round
from ledger.lineage import Held, States, further, is_chained
from ledger.memory import Carried
from ledger.records import decode_genesis
from ledger.replay import blobs_needed, replay
from ledger.rules import looks_back, rule_of

# digest → author's seat in, digest → bytes out, None for bytes that make no blob; what comes back may read them
# when it is asked. Raises Unavailable.
Fetch = Callable[[Mapping[bytes, int]], Awaitable[Mapping[bytes, bytes | None]]]


async def is_false(
    history: History, network: bytes, round_number: int, judge: int, target: int, fetch: Fetch
) -> bool | None:
    """Whether a judge's attested verdict about a target is another than the blobs give; None where nobody can tell.

    A judge that did not attest, or a target it did not judge, is no false verdict. Raises Unavailable.
    """
    round_ = history.rounds[round_number - 1]
    if judge not in round_.attestations:
        return False
    states = States(await _genesis(history, judge, fetch))
    carried = await _brought_into(history, network, round_, judge, fetch, states)
    held = await whole(history, round_, blobs_behind(history, round_, judge, target), fetch, states)
    return await asyncio.to_thread(is_false_verdict, history, network, round_, judge, target, carried, held, states)


async def true_record(
    history: History, network: bytes, round_number: int, judge: int, fetch: Fetch
) -> bytes | None:
    """Digest of the record that the judge should have anchored, None where none can be made. Raises Unavailable."""
    round_ = history.rounds[round_number - 1]
    states = States(await _genesis(history, judge, fetch))
    carried = await _brought_into(history, network, round_, judge, fetch, states)
    held = await whole(history, round_, blobs_needed(round_, judge), fetch, states)
    try:
        screened = await asyncio.to_thread(replay, history, network, round_, judge, carried, held, states=states)
    except PeerFault:
        return None
    return screened.record_digest


async def _genesis(history: History, judge: int, fetch: Fetch) -> State | None:
    """The circle's first state; None where the rest follows without it, or no state can be made of it."""
    manifest = history.manifest
    if not (looks_back(rule_of(manifest.rule, manifest.rule_parameters)) or is_chained(manifest.codec)):
        return None
    blob = (await fetch({manifest.genesis_digest: judge}))[manifest.genesis_digest]
    try:
        return None if blob is None else decode_genesis(blob, manifest)
    except PeerFault:
        return None


async def _brought_into(
    history: History, network: bytes, round_: Round, judge: int, fetch: Fetch, states: States
) -> Carried | None:
    """What the judge brought into the round; None where the rule does not look back, or nobody can know it.

    Round by round, so that the blobs of a long history are never in memory together.
    """
    manifest = history.manifest
    if states.origin is None or not looks_back(rule_of(manifest.rule, manifest.rule_parameters)):
        return None
    carried = Carried(states.origin)
    for before in rounds_behind(history, round_, judge):
        held = await whole(history, before, blobs_needed(before, judge), fetch, states)
        try:
            carried = (
                await asyncio.to_thread(replay, history, network, before, judge, carried, held, states=states)
            ).carried
        except PeerFault:
            return None
    return carried


async def whole(
    history: History,
    round_: Round,
    needed: Mapping[int, bytes],
    fetch: Fetch,
    states: States,
    held: Held | None = None,
) -> Held:
    """The blobs of these seats' updates, and the earlier ones, or states, that they hang on. Raises Unavailable.

    held: added to and returned. At most MAX_CHAIN + 1 blobs a seat are asked for, whatever their authors wrote into
    them.
    """
    held = Held() if held is None else held
    wanted = {digest: seat for seat, digest in needed.items()}
    while wanted:
        held.add(await fetch(wanted))
        wanted = further(history, round_, needed, held, states)
    return held
