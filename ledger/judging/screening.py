"""From blobs to verdicts: the one function that a peer attests by and an auditor recomputes with."""

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.blobs.contents.checkpoint import encode_checkpoint
from ledger.blobs.contents.records import (
    ACCEPTED,
    INVALID,
    REJECTED,
    UNAVAILABLE,
    Record,
    RecordEntry,
    encode_record,
    state_digest,
)
from ledger.blobs.unixfs import build_dag
from ledger.circle.draw import mask_of
from ledger.circle.manifest import Manifest
from ledger.codec import blocks_of
from ledger.errors import PeerFault
from ledger.judging.frame_chains import (
    BlobMissing,
    CircleTask,
    DecodedState,
    FetchedUpdate,
    decode_public_state,
)
from ledger.judging.noise_floor import find_noise_floor
from ledger.rules import ScreeningInput, ScreeningResult, Weights, find_rule, looks_back
from ledger.rules.judge_memory import CarriedState


@dataclass(frozen=True)
class JudgeRound:
    """One judge's part in a round."""

    round: int
    """Its number."""
    judge: int
    """The judge's seat."""
    seed: bytes
    """The round's, 32 bytes."""
    eligible: frozenset[int]
    """Seats not quarantined when the round opened."""
    shows_checkpoint: bool = False
    """The judge shows what it goes on with."""


@dataclass(frozen=True)
class RoundVerdicts:
    """A judge's verdicts of a round."""

    judged: int
    """Mask of the seats that it has a verdict about."""
    accepted: int
    """Mask of those that it accepts."""
    record: bytes
    """The record blob's bytes."""
    entries: tuple[RecordEntry, ...]
    """The record's, one for each neighbour."""
    carried: CarriedState
    """What the judge goes on with."""
    checkpoint: bytes | None = None
    """The checkpoint blob's bytes; None where none is due."""
    next_base: bytes = b""
    """Digest of the base that the judge goes on with, 32 bytes."""
    weights: Weights | None = None
    """What its next base is made of (R33); None as of `ScreeningResult`."""

    @property
    def blobs(self) -> tuple[bytes, ...]:
        """What the judge keeps and serves of it."""
        return (self.record,) if self.checkpoint is None else (self.record, self.checkpoint)

    @property
    def record_digest(self) -> bytes:
        """What the judge anchors: the digest of the record's root block, 32 bytes."""
        return build_dag(self.record).root


def screen(
    task: CircleTask,
    judge_round: JudgeRound,
    judge: FetchedUpdate,
    carried: CarriedState | None,
    neighbours: Mapping[int, FetchedUpdate],
) -> RoundVerdicts:
    """Judge a round's neighbours and mix, from what the judge brought along and the blobs alone (R10).

    judge: the judge's own update; its blob must decode (PeerFault otherwise: it judged by a state nobody can see;
    Lost where a blob that it hangs on is not at hand). Of a neighbour whose update hangs on such a blob nothing is
    said.
    carried: base and memory at the round's start, None where an auditor cannot know them (PeerFault if the rule
    needs them). task.states.origin: the genesis, which a checkpoint needs (Lost without it).
    """
    manifest, own = task.manifest, decode_public_state(judge, task)
    rule = find_rule(manifest)
    if carried is None and looks_back(rule):
        raise PeerFault(f"rule {manifest.rule} judges from a base or memory that cannot be recomputed")
    carried = carried or CarriedState(own.state)
    found = {seat: _decode_state(fetched, task) for seat, fetched in neighbours.items()}
    states = {seat: one for seat, one in found.items() if isinstance(one, DecodedState)}
    outcome = rule.screen(
        ScreeningInput(
            base=carried.base,
            own=own.state,
            neighbours={seat: one.state for seat, one in states.items()},
            eligible=judge_round.eligible,
            round=judge_round.round,
            rounds=manifest.rounds,
            judge=judge_round.judge,
            seed=judge_round.seed,
            tenures={seat: fetched.tenure for seat, fetched in neighbours.items()}
            | {judge_round.judge: judge.tenure},
            memory=carried.memory,
            loss=task.loss,
            noise_floors=_find_noise_floors(task.manifest, {**states, judge_round.judge: own}),
        )
    )
    entries = tuple(_make_entry(seat, neighbours[seat].digest, found[seat], outcome) for seat in sorted(neighbours))
    goes_on, next_base = CarriedState(outcome.next_base, outcome.memory), state_digest(outcome.next_base)
    checkpoint = None
    if judge_round.shows_checkpoint:
        checkpoint = _encode_checkpoint(task, judge_round, judge.commit.author, goes_on)
    record = Record(
        task.network,
        judge_round.round,
        judge.commit.author,
        own.base,
        judge.digest,
        entries,
        next_base,
        outcome.memory.digest(),
        b"" if checkpoint is None else build_dag(checkpoint).root,
    )
    return RoundVerdicts(
        judged=mask_of([e.seat for e in entries if e.verdict != UNAVAILABLE]),
        accepted=mask_of([e.seat for e in entries if e.verdict == ACCEPTED]),
        record=encode_record(record),
        entries=entries,
        carried=goes_on,
        checkpoint=checkpoint,
        next_base=next_base,
        weights=outcome.weights,
    )


def _encode_checkpoint(task: CircleTask, judge_round: JudgeRound, author: bytes, carried: CarriedState) -> bytes:
    if (genesis := task.states.origin) is None:
        raise BlobMissing("the genesis is not to be had", task.manifest.genesis_digest)
    blocks = blocks_of(task.manifest.sizes)
    return encode_checkpoint(task.network, judge_round.round, author, carried, genesis, blocks)


def _find_noise_floors(manifest: Manifest, states: Mapping[int, DecodedState]) -> dict[int, int] | None:
    if manifest.privacy is None:
        return None
    variance = manifest.privacy.compute_noise_variance()
    return {
        seat: find_noise_floor(one.state, manifest.layout, variance) if one.is_charged else 0
        for seat, one in states.items()
    }


def _decode_state(fetched: FetchedUpdate, task: CircleTask) -> DecodedState | PeerFault | None:
    """What a neighbour published; its fault where that does not decode, None where a blob is lacking."""
    try:
        return decode_public_state(fetched, task)
    except BlobMissing:
        return None
    except PeerFault as fault:
        # [REJECT] R10: a blob that does not decode is judged and rejected, whatever it holds.
        return fault


def _make_entry(
    seat: int, digest: bytes, found: DecodedState | PeerFault | None, outcome: ScreeningResult
) -> RecordEntry:
    if found is None:
        return RecordEntry(seat, digest, UNAVAILABLE, False, {})
    judgement = outcome.judgements.get(seat)
    if judgement is None:
        return RecordEntry(seat, digest, INVALID, False, {})
    verdict = ACCEPTED if judgement.accepted else REJECTED
    figures = {name: str(value) for name, value in judgement.figures.items()}
    return RecordEntry(seat, digest, verdict, seat in outcome.mixed, figures)
