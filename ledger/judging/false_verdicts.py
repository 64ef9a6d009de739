"""Whether what a judge said on chain is another than the blobs give: what a juror votes by, and an audit checks by.

A verdict follows from the judge's update, the updates it judged and, under some rules, what the judge carried over
from its earlier rounds: ledger.judging.replay says from which.
"""

from dataclasses import dataclass
from enum import StrEnum

from ledger.blobs.contents.records import decode_record, state_digest
from ledger.circle.draw import seats_of
from ledger.circle.history import History, Round
from ledger.errors import PeerFault
from ledger.judging.frame_chains import BlobMissing, CircleTask, HeldBlobs
from ledger.judging.replay import digests_behind_attestation, replay
from ledger.judging.screening import RoundVerdicts
from ledger.rules import find_rule, looks_back
from ledger.rules.judge_memory import CarriedState


class Truth(StrEnum):
    """What recomputing says of a claim that something a judge said is false (R26.3)."""

    FALSE = "false"
    """It is: another verdict, record or base follows."""
    RIGHT = "right"
    """It is not."""
    WITHHELD = "withheld"
    """What it follows from is not to be had, of the judge or of anyone else: the burden of proof is the judge's."""
    UNKNOWABLE = "unknowable"
    """Nobody but the judge can tell: the rule goes by its private data, or the circle has no genesis."""


@dataclass(frozen=True)
class Examination:
    """All that a judge said in a round, held against what follows."""

    false: tuple[int, ...]
    """The targets of the claims that are right: seats, and the judge's own where its record is not the one that
    follows, or its update names another base than it had."""
    record: bytes | None
    """Digest of the record that follows; None where none does, since the judge's own update is none."""


def examine(
    history: History,
    task: CircleTask,
    round_: Round,
    judge: int,
    carried: CarriedState | None,
    held: HeldBlobs,
) -> Examination:
    """Recompute a whole attestation; the judge must have attested, under a rule that can be replayed.

    carried: what the judge brought into the round; None only where the rule does not look back, and then its base
    is not checked. held: the blobs that `digests_behind_attestation` names. Raises Lost where one is not to be had.
    """
    attestation = round_.attestations[judge]
    try:
        screened = replay(history, task, round_, judge, carried, held)
    except PeerFault:
        # R26.3: it has no state to judge from.
        return Examination((*seats_of(attestation.judged), judge), None)
    false = seats_of((attestation.accepted ^ screened.accepted) & attestation.judged)
    if attestation.record != screened.record_digest or not _is_base_named(screened, carried):
        false.append(judge)
    return Examination(tuple(false), screened.record_digest)


def _is_base_named(screened: RoundVerdicts, carried: CarriedState | None) -> bool:
    return carried is None or decode_record(screened.record).base == state_digest(carried.base)


def is_false_verdict(
    history: History,
    task: CircleTask,
    round_: Round,
    judge: int,
    target: int,
    carried: CarriedState | None,
    held: HeldBlobs,
) -> bool | None:
    """True where what the judge said is another than the rule gives, None where that cannot be recomputed.

    target: whom the verdict is about; where it is the judge itself, the claim is about all that it attested: its
    record, the base that its update names, or any verdict is another than the one that follows. carried: what the
    judge brought into the round, None where it cannot be known, or the rule does not look back and the claim is
    about a verdict. held: the blobs; see
    `digests_behind_verdict`.
    A judge that did not attest, or that did not judge the target, said nothing false. A judge whose own update
    cannot be read has no state to judge from: whatever it said is false.
    """
    attestation, rule = round_.attestations.get(judge), find_rule(history.manifest)
    if attestation is None or not (attestation.judged | 1 << judge) >> target & 1:
        return False
    if not rule.is_replayable or (carried is None and (looks_back(rule) or target == judge)):
        return None
    try:
        if target == judge:
            # R26.3: all that it attested is asked about; what it shows for it must clear no lie beside its record.
            return bool(examine(history, task, round_, judge, carried, held).false)
        only = target if rule.judges_each_alone else None
        screened = replay(history, task, round_, judge, carried, held, only=only)
    except BlobMissing:
        return None
    except PeerFault:
        return True
    return bool((attestation.accepted ^ screened.accepted) >> target & 1)


def digests_behind_verdict(history: History, round_: Round, judge: int, target: int) -> dict[int, bytes]:
    """Seat → digest of the updates that a verdict follows from; the judge must have attested."""
    needed = digests_behind_attestation(round_, judge)
    if find_rule(history.manifest).judges_each_alone and target != judge:
        return {seat: digest for seat, digest in needed.items() if seat in (judge, target)}
    return needed
