"""What has become of a seat, in sentences for its operator: a pure function of the circle's history.

A `Standing` is how a seat stands at one moment; `find_news` compares two of them, so that each change is told once.
"""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from ledger.circle.events import Outcome, Stage
from ledger.circle.history import CircleTerms, History, Round
from ledger.circle.reputation import FULL
from node.operating.notices import Notice

_ROUNDS_KEPT: Final = 8
# So few rounds that the balance still pays are worth a word, and then another one.
_LOW_ROUNDS: Final = (50, 10)
_ROUNDS_MEASURED: Final = 5


@dataclass(frozen=True)
class RoundTally:
    """What a settled round said of a seat."""

    round: int
    """Its number."""
    committed: bool
    """The seat committed."""
    attested: bool
    """The seat attested."""
    accepting: int = 0
    """How many of its judges accepted it."""
    rejecting: int = 0
    """How many of its judges rejected it."""
    silent: int = 0
    """How many of its judges said nothing of it."""

    @property
    def judges(self) -> int:
        """Those whose neighbour it was and who attested."""
        return self.accepting + self.rejecting + self.silent


@dataclass(frozen=True)
class CalledVote:
    """A vote that is asked of a seat."""

    dispute: int
    """Its number."""
    stage: Stage
    """`Stage.JURY` or `Stage.CIRCLE`."""
    deadline: int
    """Unix seconds."""


@dataclass(frozen=True)
class Standing:
    """How a seat stands."""

    seat: int
    """Its number."""
    is_held: bool
    """Neither left, ejected nor released."""
    reputation: int
    """0…65535."""
    is_quarantined: bool
    """Its reputation is below the floor."""
    strikes: int
    """Settlements in a row that found it below the floor."""
    tallies: Mapping[int, RoundTally] = field(default_factory=dict)
    """Of the last settled rounds it could be in, by number."""
    disputes: Mapping[int, Outcome | None] = field(default_factory=dict)
    """Those about its verdicts, number → outcome, None while open."""
    votes: frozenset[CalledVote] = frozenset()
    """Those that wait for its vote."""
    convictions: int = 0
    """Of its verdicts."""
    suspended_until: int | None = None
    """The round from which it may be judged with again; None where it is not suspended."""
    is_dozing: bool = False
    """It was waited for in vain, so that now nobody does."""

    @property
    def last(self) -> RoundTally | None:
        """What the newest settled round said."""
        return self.tallies[max(self.tallies)] if self.tallies else None


def find_standing(
    history: History, seat: int, known: Standing | None = None, rounds: int = _ROUNDS_KEPT
) -> Standing:
    """How the seat's present tenure stands by the chain.

    known: an earlier one of it, on the same chain. rounds: so many of the last settled ones are tallied.
    """
    held, terms = history.seats[seat], history.terms
    # All rounds but the last one are settled.
    since = max(held.since_round, len(history.rounds) - rounds - 1)
    settled = [one for one in history.rounds[since:] if one.settled][-rounds:]
    judged = known.tallies if known is not None else {}
    about = {
        one.claim.dispute: one.outcome
        for one in history.disputes
        if one.claim.judge == seat and one.judge_tenure == held.tenure
    }
    calls = [
        CalledVote(one.number, one.stage, one.deadline)
        for one in history.open_disputes.values()
        if history.may_vote(seat, one)
    ]
    return Standing(
        seat,
        held.is_held,
        history.reputations[seat],
        history.reputations[seat] < terms.reputation_floor,
        held.strikes,
        {one.number: judged.get(one.number) or tally_round(one, seat, terms.degree) for one in settled},
        about,
        frozenset(calls),
        held.convictions,
        held.suspended_until,
        history.dozing >> seat & 1 == 1,
    )


def tally_round(round_: Round, seat: int, degree: int) -> RoundTally:
    """What a settled round said of a seat."""
    if seat not in round_.commits:
        return RoundTally(round_.number, committed=False, attested=False)
    asked = sum(seat in of and judge in round_.attestations for judge, of in round_.find_neighbours(degree).items())
    accepting, rejecting = map(len, round_.find_judges(seat))
    is_attested = seat in round_.attestations
    return RoundTally(round_.number, True, is_attested, accepting, rejecting, silent=asked - accepting - rejecting)


def find_news(before: Standing | None, after: Standing, terms: CircleTerms) -> list[Notice]:
    """What is worth a word after a change. before: None at a node's start, when what is past is not told."""
    if before is None or before.seat != after.seat:
        over = {number: outcome for number, outcome in after.disputes.items() if outcome is not None}
        before = Standing(after.seat, True, after.reputation, False, 0, after.tallies, over)
        before = replace(before, is_dozing=after.is_dozing)
        if after.suspended_until is not None:
            # What goes on is told again.
            before = replace(before, disputes={n: o for n, o in over.items() if o != Outcome.UPHELD})
    told = []
    for number, one in after.tallies.items():
        if number not in before.tallies:
            told += _of_round(after.seat, after.tallies.get(number - 1), one)
    told += _of_reputation(before, after, terms)
    for number, outcome in after.disputes.items():
        if number not in before.disputes or before.disputes[number] != outcome:
            told.append(_of_dispute(after, number, outcome))
    if before.suspended_until is not None and after.suspended_until is None and after.is_held:
        says = f"the suspension of seat {after.seat} is over: its updates are mixed and its verdicts count again"
        told.append(Notice("suspension_over", says, False, {"seat": after.seat}))
    told += _of_dozing(before, after)
    told += [_of_vote(after.seat, called) for called in sorted(after.votes - before.votes, key=lambda c: c.dispute)]
    return told


def _of_round(seat: int, last: RoundTally | None, one: RoundTally) -> list[Notice]:
    """What is new in a round; what was as bad in the round before was told then."""
    complaints = _complaints(seat, one)
    known = [] if last is None else [notice.kind for notice in _complaints(seat, last)]
    if known and not complaints:
        says = f"seat {seat} was accepted by {one.accepting} of {one.judges} judges in round {one.round}"
        return [Notice("round_went_well", says, False, {"seat": seat, "round": one.round})]
    return [notice for notice in complaints if notice.kind not in known]


def _complaints(seat: int, one: RoundTally) -> list[Notice]:
    fields = {"seat": seat, "round": one.round}
    if not one.committed:
        says = f"seat {seat} took no part in round {one.round}: it committed no update in time"
        return [Notice("missed_round", says, True, fields)]
    told = []
    if not one.attested:
        says = f"seat {seat} attested nothing in round {one.round}, which costs reputation"
        told.append(Notice("missed_attestation", says, True, fields))
    if 2 * one.silent > one.judges:
        says = (
            f"{one.silent} of {one.judges} judges did not have the update of seat {seat} in round {one.round}: "
            "check that others reach its endpoint (folkmoot status --reach)"
        )
        told.append(Notice("unheard", says, True, fields | {"silent": one.silent, "judges": one.judges}))
    if 2 * one.rejecting > one.accepting + one.rejecting:
        heard = one.accepting + one.rejecting
        says = (
            f"{one.rejecting} of {heard} judges rejected the update of seat {seat} in round {one.round}: its data "
            "or training differ from the others', or the judges lie, which `folkmoot audit` shows"
        )
        told.append(Notice("rejected", says, True, fields | {"rejecting": one.rejecting, "judges": heard}))
    return told


def _of_reputation(before: Standing, after: Standing, terms: CircleTerms) -> list[Notice]:
    seat, told = after.seat, []
    share, floor = after.reputation / FULL, terms.reputation_floor / FULL
    fields = {"seat": seat, "reputation": share, "floor": floor}
    if after.is_quarantined and not before.is_quarantined:
        says = (
            f"seat {seat} is quarantined: its reputation of {share:.3f} is below the floor of {floor:.3f}, so "
            "others do not mix its updates and its verdicts do not count, until its updates are accepted again"
        )
        told.append(Notice("quarantined", says, True, fields))
    elif before.is_quarantined and not after.is_quarantined:
        says = f"seat {seat} is out of quarantine: its reputation is {share:.3f}, the floor {floor:.3f}"
        told.append(Notice("restored", says, False, fields))
    limit = terms.eject_after
    if after.strikes > before.strikes and limit:
        says = f"seat {seat} has {after.strikes} of {limit} strikes: at {limit} anyone may eject it"
        told.append(Notice("strike", says, True, {"seat": seat, "strikes": after.strikes, "eject_after": limit}))
    return told


def _of_dozing(before: Standing, after: Standing) -> list[Notice]:
    fields = {"seat": after.seat}
    if after.is_dozing and not before.is_dozing:
        says = (
            f"the circle waited for seat {after.seat} in vain and does so no more: it takes part where it is ready "
            "in time, until it was so two rounds running and its reputation is high"
        )
        return [Notice("dozing", says, True, fields)]
    if before.is_dozing and not after.is_dozing:
        return [Notice("awake", f"the circle waits for seat {after.seat} again", False, fields)]
    return []


def _of_dispute(after: Standing, number: int, outcome: Outcome | None) -> Notice:
    seat = after.seat
    fields = {"seat": seat, "dispute": number}
    if outcome is None:
        says = (
            f"dispute {number} says that what seat {seat} attested is false: this node shows what it judged from, "
            "and the others recompute it"
        )
        return Notice("disputed", says, True, fields)
    if outcome == Outcome.UPHELD:
        lasts = f" until round {after.suspended_until}" if after.suspended_until is not None else ""
        says = (
            f"dispute {number} was upheld: seat {seat} is convicted of having attested what is false and lost "
            f"reputation and bond; its verdicts count for nothing and its updates are not mixed{lasts}, when this "
            "node wakes by itself, and a second conviction ends the seat: `folkmoot audit` tells whether that is so"
        )
        return Notice("convicted", says, True, fields | {"suspended_until": after.suspended_until})
    how = "rejected" if outcome == Outcome.REJECTED else "left without a decision"
    return Notice("cleared", f"dispute {number} about a verdict of seat {seat} was {how}", False, fields)


def _of_vote(seat: int, called: CalledVote) -> Notice:
    until = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(called.deadline))
    fields = {"seat": seat, "dispute": called.dispute, "deadline": called.deadline}
    does = f"this node recomputes and votes, until {until}"
    if called.stage == Stage.JURY:
        says = f"seat {seat} is on the jury of dispute {called.dispute}: {does}"
        return Notice("drawn_for_jury", says, False, fields)
    return Notice("called_to_vote", f"the whole circle hears dispute {called.dispute}: {does}", False, fields)


@dataclass
class Purse:
    """How many rounds a node's coin still pays, by what its last rounds cost at the gas prices they met."""

    _balance_wei: int | None = None
    _spent_wei: deque[int] = field(default_factory=lambda: deque(maxlen=_ROUNDS_MEASURED))
    _level: int = 0

    def note(self, balance_wei: int, rounds_to_go: int) -> Notice | None:
        """Take in what the account holds after a round. Returns what is worth a word, once per change."""
        before, self._balance_wei = self._balance_wei, balance_wei
        # Somebody may have sent it coin meanwhile; that round's price is not known then.
        if before is not None and before > balance_wei:
            self._spent_wei.append(before - balance_wei)
        if not self._spent_wei:
            return None
        left = balance_wei // max(self._spent_wei)
        is_enough = left >= rounds_to_go
        level = 0 if is_enough else sum(left < bound for bound in _LOW_ROUNDS)
        was, self._level = self._level, level
        fields = {"rounds_paid": left, "balance_wei": balance_wei}
        if level > was:
            says = (
                f"low on coin: {balance_wei / 10**18:.6f} ETH pay about {left} more rounds at recent gas prices, "
                f"and {rounds_to_go} are to go: fund this node's account"
            )
            return Notice("low_on_coin", says, True, fields)
        if level == 0 < was:
            return Notice("coin_enough", f"coin for about {left} more rounds", False, fields)
        return None
