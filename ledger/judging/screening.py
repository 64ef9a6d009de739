"""From blobs to verdicts: the one function that a peer attests by and an auditor recomputes with."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ledger.arithmetic.exact import State
from ledger.blobs.contents.checkpoint import encode_checkpoint
from ledger.blobs.contents.records import (
    ACCEPTED,
    INVALID,
    REJECTED,
    UNAVAILABLE,
    Entry,
    Record,
    encode_record,
    state_digest,
)
from ledger.blobs.unixfs import build
from ledger.circle.draw import mask_of
from ledger.codec import blocks_of
from ledger.errors import PeerFault
from ledger.judging.frame_chains import CircleTask, Fetched, Lost, published
from ledger.rules import Outcome, Situation, looks_back, rule_of
from ledger.rules.judge_memory import Carried


@dataclass(frozen=True)
class Sitting:
    """One judge's part in a round. judge: its seat. seed: the round's, 32 bytes.

    eligible: seats not quarantined when the round opened. shows_checkpoint: the judge shows what it goes on with.
    """

    round: int
    judge: int
    seed: bytes
    eligible: frozenset[int]
    shows_checkpoint: bool = False


@dataclass(frozen=True)
class Screened:
    """A judge's verdicts of a round. judged, accepted: masks. record, checkpoint: the blobs' bytes.

    checkpoint: None where none is due.
    """

    judged: int
    accepted: int
    record: bytes
    entries: tuple[Entry, ...]
    carried: Carried
    checkpoint: bytes | None = None

    @property
    def blobs(self) -> tuple[bytes, ...]:
        """What the judge keeps and serves of it."""
        return (self.record,) if self.checkpoint is None else (self.record, self.checkpoint)

    @property
    def record_digest(self) -> bytes:
        """What the judge anchors: the digest of the record's root block, 32 bytes."""
        return build(self.record).root


def screen(
    task: CircleTask, sitting: Sitting, judge: Fetched, carried: Carried | None, neighbours: Mapping[int, Fetched]
) -> Screened:
    """Judge a round's neighbours and mix, from what the judge brought along and the blobs alone (R10).

    judge: the judge's own update; its blob must decode (PeerFault otherwise: it judged by a state nobody can see;
    Lost where a blob that it hangs on is not at hand). Of a neighbour whose update hangs on such a blob nothing is
    said.
    carried: base and memory at the round's start, None where an auditor cannot know them (PeerFault if the rule
    needs them). task.states.origin: the genesis, which a checkpoint needs (Lost without it).
    """
    manifest, own = task.manifest, published(judge, task)
    rule = rule_of(manifest.rule, manifest.rule_parameters)
    if carried is None and looks_back(rule):
        raise PeerFault(f"rule {manifest.rule} judges from a base or memory that cannot be recomputed")
    carried = carried or Carried(own.state)
    found = {seat: _state(fetched, task) for seat, fetched in neighbours.items()}
    outcome = rule.screen(
        Situation(
            base=carried.base,
            own=own.state,
            neighbours={seat: state for seat, state in found.items() if isinstance(state, np.ndarray)},
            eligible=sitting.eligible,
            round=sitting.round,
            rounds=manifest.rounds,
            judge=sitting.judge,
            seed=sitting.seed,
            tenures={seat: fetched.tenure for seat, fetched in neighbours.items()} | {sitting.judge: judge.tenure},
            memory=carried.memory,
            loss=task.loss,
        )
    )
    entries = tuple(_entry(seat, neighbours[seat].digest, found[seat], outcome) for seat in sorted(neighbours))
    goes_on = Carried(outcome.next_base, outcome.memory)
    checkpoint = None
    if sitting.shows_checkpoint:
        checkpoint = _checkpoint(task, sitting, judge.link.author, goes_on)
    record = Record(
        task.network,
        sitting.round,
        judge.link.author,
        own.base,
        judge.digest,
        entries,
        state_digest(outcome.next_base),
        outcome.memory.digest(),
        b"" if checkpoint is None else build(checkpoint).root,
    )
    return Screened(
        judged=mask_of([e.seat for e in entries if e.verdict != UNAVAILABLE]),
        accepted=mask_of([e.seat for e in entries if e.verdict == ACCEPTED]),
        record=encode_record(record),
        entries=entries,
        carried=goes_on,
        checkpoint=checkpoint,
    )


def _checkpoint(task: CircleTask, sitting: Sitting, author: bytes, carried: Carried) -> bytes:
    if (genesis := task.states.origin) is None:
        raise Lost("the genesis is not to be had", task.manifest.genesis_digest)
    blocks = blocks_of(task.manifest.sizes)
    return encode_checkpoint(task.network, sitting.round, author, carried, genesis, blocks)


def _state(fetched: Fetched, task: CircleTask) -> State | PeerFault | None:
    """What a neighbour published; its fault where that does not decode, None where a blob is lacking."""
    try:
        return published(fetched, task).state
    except Lost:
        return None
    except PeerFault as fault:
        # [REJECT] R10: a blob that does not decode is judged and rejected, whatever it holds.
        return fault


def _entry(seat: int, digest: bytes, found: State | PeerFault | None, outcome: Outcome) -> Entry:
    if found is None:
        return Entry(seat, digest, UNAVAILABLE, False, {})
    judgement = outcome.judgements.get(seat)
    if judgement is None:
        return Entry(seat, digest, INVALID, False, {})
    verdict = ACCEPTED if judgement.accepted else REJECTED
    figures = {name: str(value) for name, value in judgement.figures.items()}
    return Entry(seat, digest, verdict, seat in outcome.mixed, figures)
