"""Which rounds of which seats an audit recomputes: all of them, those from some round on, or a random sample.

What is checked needs what its judge brought along, and that follows from the judge's last checkpoint before, or
from its beginning (ledger.judging.replay). So a plan has three kinds of work, and a round that nobody needs is
passed over.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from ledger.blobs.contents.checkpoint import first_disputable_round
from ledger.chain.placed_event import PlacedEvent
from ledger.circle.events import Disputed, Settled
from ledger.circle.history import History, Round
from ledger.errors import UsageError
from ledger.judging.replay import digests_behind_attestation, find_attested_before, find_replay_starts
from ledger.rules import find_rule, looks_back

# A judge's round: its number and the judge's seat.
Pair = tuple[int, int]


class Work(Enum):
    """What is done about a seat in a round."""

    CHECK = 1
    """Its update, verdicts, record and base are held against what follows."""
    CARRY = 2
    """Its round is recomputed for what it goes on with."""
    START = 3
    """What it goes on with is taken from its checkpoint."""


@dataclass
class AuditPlan:
    """The work of an audit."""

    what: str
    """In a few words, for people."""
    work: dict[int, dict[int, Work]] = field(default_factory=dict)
    """Round → seat → what is done."""
    sample: list[Pair] | None = None
    """The attestations drawn; None where all count."""

    def work_of(self, number: int, seat: int) -> Work | None:
        """What is done about a seat in a round, None for nothing."""
        return self.work.get(number, {}).get(seat)

    def count_work(self) -> int:
        """So many rounds of seats have work."""
        return sum(map(len, self.work.values()))

    def find_rounds(self, history: History) -> Iterator[Round]:
        """Those in which anything is done, in order."""
        for number in sorted(self.work):
            yield history.rounds[number - 1]

    def find_needed(self, round_: Round) -> dict[int, bytes]:
        """Seat → digest of the round's updates that the work needs."""
        needed: dict[int, bytes] = {}
        for seat, work in self.work.get(round_.number, {}).items():
            if work is not Work.START:
                needed[seat] = round_.commits[seat]
                if seat in round_.attestations:
                    needed |= digests_behind_attestation(round_, seat)
        return needed


def plan_from(history: History, first: int) -> AuditPlan:
    """Everything from round `first` on, and each round's disputes."""
    last = len(history.rounds)
    plan = AuditPlan(f"rounds {first} to {last}" if first > 1 else f"all {last} rounds")
    every = [(round_, seat) for round_ in history.rounds[first - 1 :] for seat in round_.commits]
    _add(plan, history, [*_find_disputed(history), *every])
    return plan


def find_first_settled_after(placed: Iterable[PlacedEvent], block: int) -> int:
    """The first round that was settled in a later block than this one. Raises UsageError where there is none."""
    settled = [(place.position[0], place.event.round) for place in placed if isinstance(place.event, Settled)]
    for number, round_number in settled:
        if number > block:
            return round_number
    said = f"the last one was in block {settled[-1][0]}" if settled else "none was settled so far"
    raise UsageError(f"no round was settled after block {block}, {said}: give --since an earlier block, or wait")


def plan_after(history: History, first: int, done: int) -> AuditPlan:
    """Everything behind round `done`, where all from round `first` up to it is remembered."""
    last = len(history.rounds)
    what = f"rounds {first} to {last}" if first > 1 else f"all {last} rounds"
    plan = AuditPlan(f"{what}, up to round {done} by an earlier audit")
    for round_ in history.rounds[done:]:
        if round_.commits:
            plan.work[round_.number] = dict.fromkeys(round_.commits, Work.CHECK)
    return plan


def plan_claims(history: History, claims: Iterable[Disputed]) -> AuditPlan:
    """What recomputing some claims needs, and no more."""
    plan = AuditPlan("some disputes")
    for claim in claims:
        round_ = history.rounds[claim.round - 1]
        if claim.judge in round_.commits:
            _add_behind(plan, history, round_, claim.judge)
            plan.work.setdefault(round_.number, {}).setdefault(claim.judge, Work.CARRY)
    return plan


def plan_sample(history: History, first: int, size: int, seed: int) -> AuditPlan:
    """A random sample of the attestations from round `first` on, and all that are disputed. seed: draws them."""
    every = [
        (round_.number, judge) for round_ in history.rounds[first - 1 :] for judge in sorted(round_.attestations)
    ]
    sample = sorted(random.Random(seed).sample(every, min(size, len(every))))
    last = len(history.rounds)
    plan = AuditPlan(
        f"{len(sample)} drawn from {len(every)} in rounds {first} to {last}, seed {seed}", sample=sample
    )
    _add(
        plan,
        history,
        [*_find_disputed(history), *((history.rounds[number - 1], judge) for number, judge in sample)],
    )
    return plan


def plan_owed(history: History) -> AuditPlan:
    """What judges must be able to show: their disputable rounds, and what these follow from (R29)."""
    plan = AuditPlan("disputable")
    first = first_disputable_round(history.number)
    _add(plan, history, [(round_, seat) for round_ in history.rounds[first - 1 :] for seat in round_.commits])
    return plan


def _find_disputed(history: History) -> Iterator[tuple[Round, int]]:
    for dispute in history.disputes:
        round_ = history.rounds[dispute.claim.round - 1]
        if dispute.claim.judge in round_.commits:
            yield round_, dispute.claim.judge


def _add(plan: AuditPlan, history: History, checked: Iterable[tuple[Round, int]]) -> None:
    """In ascending order, so that each finds what was planned of the same seat before it."""
    for round_, seat in sorted(checked, key=lambda pair: (pair[0].number, pair[1])):
        plan.work.setdefault(round_.number, {})[seat] = Work.CHECK
        _add_behind(plan, history, round_, seat)


def _add_behind(plan: AuditPlan, history: History, round_: Round, seat: int) -> None:
    """What the seat brought into the round, as near as its base can be had."""
    rule, known = find_rule(history.manifest), plan.work
    last = next(find_attested_before(history, round_, seat), None)
    if not rule.is_replayable or last is None or known.get(last.number, {}).get(seat) is not None:
        return
    start = next(iter(find_replay_starts(history, round_, seat, looks_back=looks_back(rule))))
    path = [*start.rounds] if start.checkpoint is None else [start.checkpoint, *start.rounds]
    for before in reversed(path):
        if known.get(before.number, {}).get(seat) is not None:
            return
        is_start = before is start.checkpoint
        known.setdefault(before.number, {})[seat] = Work.START if is_start else Work.CARRY
