"""From blobs to verdicts: the one function that a peer attests by and an auditor recomputes with."""

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.blobs.unixfs import build
from ledger.codec import decode
from ledger.errors import PeerFault
from ledger.exact import State
from ledger.manifest import Manifest
from ledger.records import (
    ACCEPTED,
    INVALID,
    REJECTED,
    UNAVAILABLE,
    Entry,
    Record,
    decode_update,
    encode_record,
    state_digest,
)
from ledger.rules import Outcome, Situation, rule_of
from ledger.topology import mask_of


@dataclass(frozen=True)
class Fetched:
    """A neighbour's anchored digest and author, and what fetching it gave.

    digest: 32 bytes; author: 20 bytes. blob: its bytes, None if nobody had them. invalid: the bytes are there but
    no blob can be made of them (too large, or a broken DAG).
    """

    digest: bytes
    author: bytes
    blob: bytes | None
    invalid: bool = False


@dataclass(frozen=True)
class Screened:
    """A judge's verdicts of a round. judged, accepted: masks. record: the record blob's bytes."""

    judged: int
    accepted: int
    record: bytes
    entries: tuple[Entry, ...]
    next_base: State

    @property
    def record_digest(self) -> bytes:
        """What the judge anchors: the digest of the record's root block, 32 bytes."""
        return build(self.record).root


def decode_state(blob: bytes, manifest: Manifest, network: bytes, round_number: int, author: bytes) -> State:
    """The public state in an update blob, (d,), int32. Raises InvalidBlob or MalformedFrame."""
    update = decode_update(blob, manifest, network, round_number, author)
    return decode(update.payload, update.codec, manifest.parameters)


def screen(
    manifest: Manifest,
    network: bytes,
    round_number: int,
    judge: Fetched,
    base: State | None,
    neighbours: Mapping[int, Fetched],
    eligible: frozenset[int],
) -> Screened:
    """Judge a round's neighbours and mix, from the judge's base and the blobs alone.

    judge: the judge's own update; its blob must decode (PeerFault otherwise: it judged by a state nobody can see).
    base: its model at the round's start, None where an auditor cannot know it (PeerFault if the rule needs it).
    eligible: seats not quarantined when the round opened.
    """
    if judge.blob is None:
        raise PeerFault("the judge's own update is not to be had")
    update = decode_update(judge.blob, manifest, network, round_number, judge.author)
    own = decode(update.payload, update.codec, manifest.parameters)
    rule = rule_of(manifest.rule, manifest.rule_parameters)
    if base is None and rule.needs_base:
        raise PeerFault(f"rule {manifest.rule} judges from a base that cannot be recomputed")
    states = _states(manifest, network, round_number, neighbours)
    situation = Situation(own if base is None else base, own, states, eligible, round_number, manifest.rounds)
    outcome = rule.screen(situation)
    entries = tuple(_entry(seat, fetched, outcome) for seat, fetched in sorted(neighbours.items()))
    record = Record(
        network,
        round_number,
        judge.author,
        update.base,
        judge.digest,
        entries,
        state_digest(outcome.next_base),
    )
    return Screened(
        judged=mask_of([e.seat for e in entries if e.verdict != UNAVAILABLE]),
        accepted=mask_of([e.seat for e in entries if e.verdict == ACCEPTED]),
        record=encode_record(record),
        entries=entries,
        next_base=outcome.next_base,
    )


def _states(
    manifest: Manifest, network: bytes, round_number: int, neighbours: Mapping[int, Fetched]
) -> dict[int, State]:
    states: dict[int, State] = {}
    for seat, fetched in neighbours.items():
        if fetched.blob is None:
            continue
        try:
            states[seat] = decode_state(fetched.blob, manifest, network, round_number, fetched.author)
        except PeerFault:
            # [REJECT] R10: a blob that does not decode is judged and rejected, whatever it holds.
            continue
    return states


def _entry(seat: int, fetched: Fetched, outcome: Outcome) -> Entry:
    if fetched.blob is None and not fetched.invalid:
        return Entry(seat, fetched.digest, UNAVAILABLE, False, {})
    judgement = outcome.judgements.get(seat)
    if judgement is None:
        return Entry(seat, fetched.digest, INVALID, False, {})
    verdict = ACCEPTED if judgement.accepted else REJECTED
    figures = {name: str(value) for name, value in judgement.figures.items()}
    return Entry(seat, fetched.digest, verdict, seat in outcome.mixed, figures)
