"""Checks of one round after the other: verdicts, records, bases, copies and disputes, from the blobs. Pure."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from ledger.arithmetic.compiled import expect
from ledger.arithmetic.exact import GridState, to_float
from ledger.audit.copies import CopyLog, PublishedState
from ledger.audit.findings import Check, Report
from ledger.audit.kinds import Kind, Unit
from ledger.audit.plan import AuditPlan, Work, plan_from, plan_owed
from ledger.audit.privacy_checks import PrivacyChecks
from ledger.audit.shared_steps import SharedSteps, ShownPrivacy
from ledger.audit.shares import Phase, SeatShare
from ledger.audit.spill import Spill
from ledger.audit.working_set import CarriedStates, Holder
from ledger.blobs.contents.checkpoint import decode_checkpoint, decode_checkpoint_record, first_disputable_round
from ledger.blobs.contents.records import Record, decode_update, state_digest
from ledger.circle.draw import mask_of, seats_of
from ledger.circle.history import History, Round
from ledger.codec import Blocks, blocks_of, frame_steps
from ledger.errors import PeerFault
from ledger.identity.network import Network
from ledger.judging.false_verdicts import is_false_verdict
from ledger.judging.frame_chains import (
    BlobMissing,
    CircleTask,
    DecodedState,
    FetchedUpdate,
    HeldBlobs,
    StateCache,
    decode_public_state,
    find_frame_chain,
)
from ledger.judging.replay import digests_behind_attestation, replay, shows_checkpoint
from ledger.judging.screening import RoundVerdicts
from ledger.rules import find_rule, looks_back
from ledger.rules.judge_memory import CarriedState


def stands_still(state: GridState, base: GridState | None, blocks: Blocks) -> bool:
    """Whether a published state is its author's own base but for rounding: within one step of a frame of the base.

    state, base: (d,), int32, cut into `blocks`; an unknown base stands still with nothing.
    """
    if base is None:
        return False
    # Who learns anything moves somewhere in the first block already.
    first = int(blocks.lengths[0]) if blocks.count else 0
    return _is_near(state[:first], base[:first], blocks_of((first,))) and _is_near(state, base, blocks)


def _is_near(state: GridState, base: GridState, blocks: Blocks) -> bool:
    return bool((np.abs(state - base) <= frame_steps(to_float(base), blocks)).all())


def find_named_checkpoints(
    network: bytes, round_: Round, judges: Iterable[int], blobs: Mapping[bytes, bytes | None]
) -> list[tuple[int, bytes]]:
    """(judge, digest of its checkpoint) of those of the judges whose records are among the blobs."""
    found: list[tuple[int, bytes]] = []
    for judge in judges:
        with suppress(PeerFault, KeyError):
            found.append((judge, read_named_record(network, round_, judge, blobs).checkpoint))
    return found


def read_named_record(network: bytes, round_: Round, judge: int, blobs: Mapping[bytes, bytes | None]) -> Record:
    """The record that a judge anchored, where its round owes a checkpoint. Raises KeyError or PeerFault."""
    return decode_checkpoint_record(blobs[round_.attestations[judge].record], network, round_, judge)


@dataclass(frozen=True)
class Standing:
    """Where an audit is after some rounds: all that later rounds follow from."""

    carried: dict[Holder, CarriedState | None]
    """Seat and where its line began → what it goes on with, None where that is not known."""
    unknown: set[Holder]
    """Those of whom a note says that they cannot be recomputed for now."""
    copies: list[tuple[bytes, int, int, int]]
    """Who published what first, see CopyLog."""


class RoundAuditor:
    """Walks the rounds in order and keeps what each seat carries on, base and memory, as the blobs give it.

    genesis: (d,), int32; None where nobody could provide it. false_verdicts: dispute → whether the claim that it is
    about is right, None where that cannot be recomputed; filled in as the rounds are checked.
    """

    def __init__(
        self,
        history: History,
        network: Network,
        genesis: GridState | None,
        report: Report,
        *,
        states: StateCache | None = None,
        carried: CarriedStates | None = None,
        plan: AuditPlan | None = None,
        share: SeatShare | None = None,
        standing: Standing | None = None,
    ) -> None:
        """states: what is decoded is kept there, to save time. carried: bases and memories are kept there.

        plan: which rounds of which seats are recomputed; all of them where it is None. share: of the seats, where
        others do the rest (ledger.audit.crew); then what needs all of them, copies and borrowed noise, is left to
        whoever joins that.
        standing: where an earlier audit was when it broke off; the plan goes on behind that.
        """
        self._history, self._report = history, report
        self._rule = find_rule(history.manifest)
        self._genesis = None if genesis is None else CarriedState(genesis)
        # By seat and where its line began: who takes a seat that another has left starts from the genesis again,
        # and so does a seat that lost what it had.
        self._carried = CarriedStates(Spill()) if carried is None else carried
        self._base_digests: dict[tuple[int, int], bytes] = {}
        states = StateCache(genesis) if states is None else states
        self._task = CircleTask(history.manifest, network.domain_separator, states)
        self._plan = plan_from(history, 1) if plan is None else plan
        self._owed = plan_owed(history)
        self._share, self._copies, self._shared = share, CopyLog(), SharedSteps()
        self.published: list[PublishedState] = []
        """What the last round's updates decode to."""
        self.shown: list[ShownPrivacy] = []
        """What the last round's updates show of their privacy."""
        self._awaited: dict[int, bool] = {}
        self._unknown: set[tuple[int, int]] = set()
        self._privacy = PrivacyChecks(history, report)
        expect(self._plan.count_work() * history.manifest.state_size // (1 if share is None else share.parts))
        self.false_verdicts: dict[int, bool | None] = {}
        if standing is not None:
            self._resume(standing)

    def describe_standing(self) -> Standing:
        """Where this audit is after the rounds so far."""
        carried = {holder: self._carried.get(holder, None) for holder in self._carried.list_holders()}
        return Standing(carried, set(self._unknown), self._copies.to_fields())

    def _resume(self, standing: Standing) -> None:
        for holder, carried in standing.carried.items():
            if self._is_mine(holder[0]):
                self._carried.put(holder, carried)
        self._unknown = {holder for holder in standing.unknown if self._is_mine(holder[0])}
        if self._share is None:
            self._copies = CopyLog.from_fields(standing.copies)

    def check(self, round_: Round, blobs: Mapping[bytes, bytes | None]) -> None:
        """Check a round, from blobs that are all there: the updates, and records and checkpoints too."""
        self.examine(round_, blobs)
        self.take_up(round_, blobs)

    def examine(self, round_: Round, blobs: Mapping[bytes, bytes | None]) -> None:
        """Check what the plan asks for in a round.

        blobs: digest → bytes, None for bytes that make no blob, of its updates and of all earlier ones that they
        hang on, however long ago; without those nobody serves.
        """
        held = HeldBlobs(blobs)
        self._awaited, self.published, self.shown = {}, [], []
        # In the order of the commits on chain: of two equal states the later one is the copy.
        for place, seat in enumerate(round_.commits):
            if self._is_mine(seat) and self._plan.work_of(round_.number, seat) is Work.CHECK:
                self._check_update(round_, seat, held)
                self._end_step(Phase.UPDATES, place)
        if self._share is None:
            self._copies.check(round_, self.published, self._report)
            self._shared.check(round_, self.shown, self._report)
        if not self._rule.is_replayable:
            self._note_private_rule()
            self._end_step(Phase.NOTES, 0)
        if round_.seed is None:
            return
        self._recompute_disputed(round_, held)
        for judge in sorted(filter(self._is_mine, round_.attestations)):
            self._judge(round_, judge, held)
            self._end_step(Phase.VERDICTS, judge)

    def _judge(self, round_: Round, judge: int, held: HeldBlobs) -> None:
        work = self._plan.work_of(round_.number, judge)
        # Without the genesis no base is known, and no checkpoint can be made: told once, and no judge's fault.
        if not self._rule.is_replayable or self._genesis is None:
            self._put(round_, judge, None)
            self._count(work, done=False)
        elif work is Work.START:
            self._put(round_, judge, None)
            self._awaited[judge] = True
        elif work is not None:
            self._recompute(round_, judge, held, work)

    def _note_private_rule(self) -> None:
        note = (
            f"rule {self._history.manifest.rule} judges by private data: its verdicts, records and bases are "
            "the peers' word, and only who judged whom, the updates and the reputations were checked"
        )
        if note not in self._report.notes:
            self._report.notes.append(note)

    def _is_mine(self, seat: int) -> bool:
        return self._share is None or self._share.holds(seat)

    def _end_step(self, phase: Phase, place: int) -> None:
        if self._share is not None:
            self._share.take(phase, place, self._report)

    def find_awaited(self, round_: Round) -> list[tuple[int, bytes]]:
        """(judge, digest of its record) of those whose checkpoints tell how the audit goes on after the round."""
        return [(judge, round_.attestations[judge].record) for judge in self._awaited]

    def read_named_checkpoints(self, round_: Round, blobs: Mapping[bytes, bytes | None]) -> list[tuple[int, bytes]]:
        """(judge, digest of its checkpoint) of those awaited whose records are among the blobs."""
        return find_named_checkpoints(self._task.network, round_, self._awaited, blobs)

    def take_up(self, round_: Round, blobs: Mapping[bytes, bytes | None]) -> None:
        """Go on, as jurors do, from the checkpoints that judges show where these are not what the audit knows.

        A checkpoint that is false is a finding when its round is recomputed; its judge's later verdicts follow
        from it all the same. One that is none is looked behind.
        """
        for judge, is_needed in sorted(self._awaited.items()):
            try:
                record = self._decode_record(round_, judge, blobs)
                genesis = self._genesis
                assert genesis is not None
                blob = blobs[record.checkpoint]
                shown = decode_checkpoint(blob, self._history.manifest, record, genesis.base)
            except PeerFault as fault:
                if is_needed:
                    self._report_not_shown(round_, judge, f"what it shows for its checkpoint is none: {fault}")
            except KeyError:
                self._put(round_, judge, None)
                if is_needed:
                    fact = "it does not show its checkpoint, from which its later verdicts follow"
                    self._report_not_shown(round_, judge, fact)
            else:
                self._put(round_, judge, shown)
                self._unknown.discard((judge, round_.begun[judge]))
                self._report.started += 1
            self._end_step(Phase.CHECKPOINTS, judge)
        self._awaited = {}

    def _decode_record(self, round_: Round, judge: int, blobs: Mapping[bytes, bytes | None]) -> Record:
        return read_named_record(self._task.network, round_, judge, blobs)

    def _report_not_shown(self, round_: Round, judge: int, fact: str) -> None:
        """Of a checkpoint the burden of proof is the judge's, while what can be disputed follows from it (R29)."""
        if self._owed.work_of(round_.number, judge) is not None:
            self._find(Kind.CHECKPOINT_NOT_SHOWN, Check.VERDICTS, round_, judge, fact)

    def _recompute_disputed(self, round_: Round, held: HeldBlobs) -> None:
        for dispute in self._history.disputes:
            claim = dispute.claim
            if claim.round == round_.number and self._is_mine(claim.judge):
                carried = self._find_brought(round_, claim.judge) if claim.judge in round_.tenures else None
                self.false_verdicts[claim.dispute] = is_false_verdict(
                    self._history, self._task, round_, claim.judge, claim.target, carried, held
                )

    def _check_update(self, round_: Round, seat: int, held: HeldBlobs) -> None:
        digest = round_.commits[seat]
        self._count_of(Unit.UPDATES, round_, seat)
        fetched = FetchedUpdate(find_frame_chain(self._history, round_, seat), held, round_.tenures[seat])
        if not fetched.is_here:
            return
        if fetched.blob is None:
            self._find(
                Kind.INVALID_UPDATE,
                Check.BLOBS,
                round_,
                seat,
                "the bytes at the digest make no blob",
                digest=digest.hex(),
            )
            return
        try:
            found = decode_public_state(fetched, self._task)
        except BlobMissing as lost:
            # Of the genesis it is told once, and no author's fault; frames of final rounds need not be there.
            if lost.digest != self._history.manifest.genesis_digest and self._is_disputable(round_):
                self._find(
                    Kind.LOST_FRAME,
                    Check.BLOBS,
                    round_,
                    seat,
                    f"the update cannot be decoded: {lost}",
                    digest=digest.hex(),
                )
            return
        except PeerFault as fault:
            self._find(
                Kind.INVALID_UPDATE,
                Check.BLOBS,
                round_,
                seat,
                f"the update is invalid: {fault}",
                digest=digest.hex(),
            )
            return
        self._check_base(round_, seat, found)
        self._note_state(round_, seat, found.state)
        self._check_privacy(round_, seat, fetched, found)

    def _check_privacy(self, round_: Round, seat: int, fetched: FetchedUpdate, found: DecodedState) -> None:
        if self._history.manifest.privacy is None or fetched.blob is None:
            return
        # It decoded, so this does too.
        here = (self._task.network, round_.number, round_.author_of(seat))
        said = decode_update(fetched.blob, self._history.manifest, *here).privacy
        is_named = self._find_base_digest(round_, seat) == found.base
        base = self._find_base(round_, seat) if is_named else None
        shown = self._privacy.check(round_, seat, said, found.state, base)
        self.shown += [] if shown is None else [shown]

    def _is_disputable(self, round_: Round) -> bool:
        return round_.number >= first_disputable_round(self._history.number)

    def _note_state(self, round_: Round, seat: int, state: GridState) -> None:
        is_still = stands_still(state, self._find_base(round_, seat), blocks_of(self._history.manifest.sizes))
        self.published.append(PublishedState(seat, state_digest(state), is_still))

    def _check_base(self, round_: Round, seat: int, found: DecodedState) -> None:
        expected = self._find_base_digest(round_, seat)
        if expected is None:
            return
        self._report.count(Check.RECORDS)
        self._count_of(Unit.BASES, round_, seat)
        if found.base != expected:
            self._find(
                Kind.WRONG_BASE,
                Check.RECORDS,
                round_,
                seat,
                "the update names another base than the seat's last attested round gives",
                named=found.base.hex(),
                recomputed=expected.hex(),
            )

    def _recompute(self, round_: Round, judge: int, held: HeldBlobs, work: Work) -> None:
        """A judge's round: what it goes on with and, where the plan says so, its verdicts and its record."""
        attested, carried = round_.attestations[judge], self._find_brought(round_, judge)
        self._put(round_, judge, None)
        self._count_of(Unit.ATTESTATIONS, round_, judge)
        is_due = shows_checkpoint(self._history, round_, judge)
        lacking = self._find_lacking(round_, judge, held)
        if work is Work.CHECK:
            linked = mask_of(round_.find_neighbours(self._history.manifest.degree)[judge])
            self._report.unavailable_verdicts += (linked & ~attested.judged).bit_count()
        if lacking or (carried is None and looks_back(self._rule)):
            self._count(work, done=False)
            self._awaited |= {judge: True} if is_due else {}
            if lacking:
                whose = ", ".join("its own" if seat == judge else f"seat {seat}'s" for seat in lacking)
                if self._owed.work_of(round_.number, judge) in (Work.CHECK, Work.CARRY):
                    fact = f"it does not show what it judged from: the update is missing, {whose}"
                    self._find(Kind.NOT_SHOWN, Check.VERDICTS, round_, judge, fact)
                self._check_remaining(round_, judge, carried, held, work)
            else:
                self._note_unknown(round_, judge)
            return
        self._count(work, done=True)
        try:
            screened = replay(self._history, self._task, round_, judge, carried, held)
        except PeerFault as fault:
            # R15: its own update is none, so its base stays as it was; whatever it says of others is false.
            self._put(round_, judge, carried)
            self._awaited |= {judge: False} if is_due else {}
            if work is Work.CHECK:
                self._find(Kind.NO_STATE, Check.VERDICTS, round_, judge, f"it had no state to judge from: {fault}")
            return
        self._put(round_, judge, screened.carried, screened.next_base)
        if is_due and attested.record != screened.record_digest:
            self._awaited[judge] = False
        if work is Work.CHECK:
            self._check_attestation(round_, judge, screened)

    def _note_unknown(self, round_: Round, judge: int) -> None:
        """Named when it came about was whoever is at fault: until its next checkpoint the judge may be honest."""
        holder = (judge, round_.begun[judge])
        if holder not in self._unknown:
            self._unknown.add(holder)
            self._report.notes.append(
                f"the verdicts of seat {judge} ({round_.peers[judge]}) from round {round_.number} to its next"
                " checkpoint cannot be recomputed: they follow from a base or memory that is unknown"
            )

    def _check_attestation(self, round_: Round, judge: int, screened: RoundVerdicts) -> None:
        attested = round_.attestations[judge]
        self._report.count(Check.VERDICTS, attested.judged.bit_count())
        self._count_of(Unit.VERDICTS, round_, judge, attested.judged.bit_count())
        for entry in screened.entries:
            claimed = bool(attested.accepted >> entry.seat & 1)
            if attested.judged >> entry.seat & 1 and claimed != bool(screened.accepted >> entry.seat & 1):
                self._find(
                    Kind.FALSE_VERDICT,
                    Check.VERDICTS,
                    round_,
                    judge,
                    f"it attested that it {'accepted' if claimed else 'rejected'} seat {entry.seat}; "
                    f"the rule gives {entry.verdict}",
                    **entry.figures,
                )
        self._report.count(Check.RECORDS)
        self._count_of(Unit.RECORDS, round_, judge)
        if attested.record != (recomputed := screened.record_digest):
            named = "record, with its checkpoint," if screened.checkpoint else "record"
            self._find(
                Kind.WRONG_RECORD,
                Check.RECORDS,
                round_,
                judge,
                f"the anchored {named} is not the one that the blobs give",
                anchored=attested.record.hex(),
                recomputed=recomputed.hex(),
            )

    def _find_lacking(self, round_: Round, judge: int, held: HeldBlobs) -> list[int]:
        """The seats whose updates cannot be had, or not decoded without another that cannot."""
        return sorted(
            seat
            for seat in digests_behind_attestation(round_, judge)
            if held.find_lacking(
                find_frame_chain(self._history, round_, seat), self._task.manifest, self._task.states
            )
        )

    def _check_remaining(
        self, round_: Round, judge: int, carried: CarriedState | None, held: HeldBlobs, work: Work
    ) -> None:
        """With some updates lost, the verdicts that follow without them: withholding shields no liar (R22.1)."""
        for target in seats_of(round_.attestations[judge].judged) if work is Work.CHECK else ():
            is_false = is_false_verdict(self._history, self._task, round_, judge, target, carried, held)
            self._report.count(Check.VERDICTS, is_false is not None)
            self._count_of(Unit.VERDICTS, round_, judge, is_false is not None)
            if is_false:
                fact = f"its verdict about seat {target} is not what the rule gives"
                self._find(Kind.FALSE_VERDICT, Check.VERDICTS, round_, judge, fact)

    def _find_brought(self, round_: Round, seat: int) -> CarriedState | None:
        return self._carried.get((seat, round_.begun[seat]), self._genesis)

    def _put(
        self, round_: Round, seat: int, carried: CarriedState | None, base_digest: bytes | None = None
    ) -> None:
        """base_digest: of its base, where it was reckoned already."""
        holder = seat, round_.begun[seat]
        self._carried.put(holder, carried)
        self._base_digests.pop(holder, None)
        if base_digest is not None:
            self._base_digests[holder] = base_digest

    def _count(self, work: Work | None, *, done: bool) -> None:
        if work is Work.CHECK and done:
            self._report.recomputed += 1
        elif work is Work.CHECK:
            self._report.not_recomputed += 1

    def _find_base(self, round_: Round, seat: int) -> GridState | None:
        carried = self._find_brought(round_, seat)
        return None if carried is None else carried.base

    def _find_base_digest(self, round_: Round, seat: int) -> bytes | None:
        holder = seat, round_.begun[seat]
        if holder not in self._base_digests:
            if (base := self._find_base(round_, seat)) is None:
                return None
            self._base_digests[holder] = state_digest(base)
        return self._base_digests[holder]

    def _count_of(self, unit: Unit, round_: Round, seat: int, number: int = 1) -> None:
        self._report.count_of(unit, seat, round_.peers[seat], number)

    def _find(self, kind: Kind, check: Check, round_: Round, seat: int, fact: str, **evidence: object) -> None:
        self._report.add(
            check, fact, kind, round_number=round_.number, seat=seat, peer=round_.peers[seat], **evidence
        )
