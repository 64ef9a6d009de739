"""Which of the others' attestations a node recomputes, and what it claims: pure functions of the history.

Nobody is told what to look at. Each node draws for itself, from its machine's randomness, so that a judge cannot
know which of its verdicts are looked at; of many nodes that look at little each, some see every lie that goes on.
"""

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ledger.circle.draw import seats_of
from ledger.circle.events import Outcome
from ledger.circle.fold.fault_events import CHALLENGER_PART, DISPUTE_ROUNDS, WINDOWS
from ledger.circle.fold.state import APPEAL_BONDS
from ledger.circle.history import History, Round
from ledger.circle.members import Dispute
from ledger.untrusted.text import format_ether
from node.operating.notices import Notice

# How often a round is drawn: 1 / (1 + its age). How much oftener a judge who stood alone once, or is new, is drawn.
_DISSENT: Final = 3.0
_UNSEEN: Final = 3.0
_DRAWS: Final = 8
# A claim takes its time to be raised, and one that is too late is refused and costs gas.
_MARGIN_S: Final = 60.0
# Of what is not shown: how often it was asked for at least before it is claimed; no longer a patience than that.
_ASKED: Final = 4
_DOUBLINGS: Final = 3
BUDGET_BONDS: Final = 2 * (1 + APPEAL_BONDS)
"""Dispute bonds at stake at a time, unless the operator says otherwise: two claims and their appeals."""


@dataclass(frozen=True)
class AttestationOf:
    """What one judge attested in one round."""

    round: int
    judge: int


def draw_attestation(
    history: History, own: int, seen: Collection[AttestationOf], now_s: float, rng: random.Random
) -> AttestationOf | None:
    """What to recompute next; None where nothing is left that can be disputed (R21.1).

    own: the node's seat, which it does not look at. seen: what it has looked at. now_s: Unix time. Recent rounds
    are drawn oftener, and in a round those judges who rejected whom most accepted or accepted whom most rejected,
    and those of whom nothing was looked at before.
    """
    oldest = max(1, history.number - DISPUTE_ROUNDS)
    rounds = [round_ for round_ in history.rounds[oldest - 1 :] if round_.settled]
    known = {said.judge for said in seen}
    for _ in range(_DRAWS):
        if not rounds:
            return None
        weights = [1 / (1 + rounds[-1].number - round_.number) for round_ in rounds]
        round_ = rng.choices(rounds, weights)[0]
        judges = [one for one in _find_disputable(history, round_, now_s) if one != own]
        left = [one for one in judges if AttestationOf(round_.number, one) not in seen]
        if left:
            dissents = count_dissents(round_)
            drawn = rng.choices(
                left, [(1 + _DISSENT * dissents[one]) * (1 if one in known else _UNSEEN) for one in left]
            )
            return AttestationOf(round_.number, drawn[0])
        rounds.remove(round_)
    return None


def is_disputable(history: History, said: AttestationOf, now_s: float) -> bool:
    """Whether a claim about it is taken, in time to be heard before the judge is free, and would cost the judge."""
    round_ = history.rounds[said.round - 1]
    is_recent = round_.settled and history.number - said.round <= DISPUTE_ROUNDS
    return is_recent and said.judge in _find_disputable(history, round_, now_s)


def _find_disputable(history: History, round_: Round, now_s: float) -> list[int]:
    return [judge for judge in round_.attestations if _is_answerable(history, round_, judge, now_s)]


def _is_answerable(history: History, round_: Round, judge: int, now_s: float) -> bool:
    held = history.seats[judge]
    if round_.tenures[judge] != held.tenure or not (held.is_held or held.bond):
        return False
    until_s = now_s + _MARGIN_S + WINDOWS * history.terms.dispute_window_s
    return held.free_at is None or until_s <= held.free_at


def is_heard(history: History, judge: int, address: str, false: Mapping[AttestationOf, Collection[int]]) -> bool:
    """Whether a judge has a claim to answer that leaves none to this account for now.

    That is one of its own, or one that it knows to be right: where that is upheld the next one weighs more. Any
    other would be a shield, which a liar's friend could raise over it. false: the targets of claims that are right.
    """
    return any(
        one.claim.judge == judge
        and (
            one.claim.challenger == address
            or one.claim.target in false.get(AttestationOf(one.claim.round, judge), ())
        )
        for one in history.open_disputes.values()
    )


def count_dissents(round_: Round) -> Mapping[int, int]:
    """Judge → how many of its verdicts are other than those of most of the target's judges."""
    found = dict.fromkeys(round_.attestations, 0)
    for target in seats_of(round_.committed):
        accepting, rejecting = round_.find_judges(target)
        if len(accepting) != len(rejecting):
            for judge in min(accepting, rejecting, key=len):
                found[judge] += 1
    return found


def choose_target(history: History, said: AttestationOf, false: Collection[int]) -> int | None:
    """Whom to raise a claim about, of the targets that recomputing shows to be right claims; None where all were.

    A verdict first, and the judge's record or base where no verdict is false.
    """
    tenure = history.rounds[said.round - 1].tenures[said.judge]
    left = [one for one in false if not history.is_disputed(said.round, said.judge, tenure, one)]
    return min(left, key=lambda one: (one == said.judge, one), default=None)


@dataclass(frozen=True)
class UnshownAttestation:
    """What a judge did not show when it was asked for what it attested."""

    said: AttestationOf
    """The attestation."""
    first_s: float
    """When it was asked in vain first, by the caller's clock."""
    last_s: float
    """When it was asked in vain last, by the same clock."""
    times: int
    """How often it was asked in vain."""

    def with_another_request(self, now_s: float) -> "UnshownAttestation":
        """The same, asked for in vain once more."""
        return replace(self, last_s=now_s, times=self.times + 1)

    def goes_on_from(self, before: "UnshownAttestation") -> "UnshownAttestation":
        """The same, waited for for as much longer as was waited for another that cannot be asked for any more."""
        return replace(
            self, first_s=self.first_s - (before.last_s - before.first_s), times=self.times + before.times
        )


def compute_patience_s(history: History, judge: int, address: str) -> float:
    """For how long a judge is asked for what it judged from before the circle is to ask for it.

    A window, twice that after this account asked it by a claim and it showed, and so on to eight: a judge that
    shows only what the circle asks for may cost the others gas now and then, and no more. What others ask for
    counts for nothing: a judge's friends could ask to have it left alone.
    """
    asked = [one for one in history.disputes if one.asker is not None and one.claim.challenger == address]
    tenure = history.seats[judge].tenure
    about = [one for one in asked if (one.claim.judge, one.judge_tenure) == (judge, tenure)]
    shown = sum(one.outcome == Outcome.REJECTED for one in about)
    return history.terms.dispute_window_s * 2.0 ** min(shown, _DOUBLINGS)


def is_withheld(history: History, unshown: UnshownAttestation, address: str, now_s: float) -> bool:
    """Whether an account is to have the circle ask for it by now. now_s: of the clock of `unshown` (R21.1).

    Only of a judge that goes on attesting, or has left and would take its bond along (R21.3): one that is away can
    show nothing, and says nothing new either. While another claim about the judge is open it waits twice as long,
    and no longer: of many nodes that see nothing one asks first, and a judge's friend that keeps a claim open,
    which costs it no bond, shields it from no question.
    """
    said, held = unshown.said, history.seats[unshown.said.judge]
    is_about = not held.is_held or held.attested_round >= history.number - 1
    wait_s = compute_patience_s(history, said.judge, address) * (2 if held.disputes else 1)
    is_long = now_s - unshown.first_s >= wait_s and unshown.times >= _ASKED
    return is_about and is_long


def may_be_asked(history: History, said: AttestationOf, now_s: float) -> bool:
    """Whether a claim could still ask for it: it is disputable, and no claim about that record is open or decided.

    now_s: Unix time.
    """
    tenure = history.rounds[said.round - 1].tenures[said.judge]
    is_claimed = history.is_disputed(said.round, said.judge, tenure, said.judge)
    return is_disputable(history, said, now_s) and not is_claimed


def compute_staked_wei(history: History, address: str) -> int:
    """What an account has in claims and appeals that are not over."""
    open_ = history.open_disputes.values()
    claims = sum(dispute.claim.challenger == address for dispute in open_)
    appeals = sum(dispute.appellant == address for dispute in open_)
    return history.terms.dispute_bond * (claims + APPEAL_BONDS * appeals)


def may_claim(history: History, address: str, budget_wei: int) -> bool:
    """Whether an account may raise one more claim. budget_wei: the most that it has at stake at a time.

    Each claim leaves room for its appeal, or a jury that happens to be the liars' would burn it; a first one may be
    raised without.
    """
    bond, staked_now = history.terms.dispute_bond, compute_staked_wei(history, address)
    open_ = [one for one in history.open_disputes.values() if one.claim.challenger == address]
    unappealed = sum(one.appellant is None for one in open_)
    needed = bond if not staked_now else (1 + APPEAL_BONDS * (1 + unappealed)) * bond
    return staked_now + needed <= budget_wei


def is_withdrawal_due(history: History, address: str) -> bool:
    """The circle owes the account what a decided claim gave back, so that it can pledge it again."""
    if not history.owed.get(address, 0) >= history.terms.dispute_bond > 0:
        return False
    return any(
        dispute.outcome is not None and address in (dispute.claim.challenger, dispute.appellant)
        for dispute in history.disputes
    )


def make_outcome_notice(history: History, dispute: Dispute, address: str) -> Notice:
    """How a claim that the account raised, or took to the circle, ended for it. Amounts in wei."""
    bond, claim = history.terms.dispute_bond, dispute.claim
    claimed = bond * (claim.challenger == address)
    appealed = APPEAL_BONDS * bond * (dispute.appellant == address)
    is_rejected = dispute.outcome == Outcome.REJECTED
    burned = claimed * dispute.is_bond_burned + appealed * is_rejected
    back = claimed + appealed - burned
    is_rewarded = dispute.outcome == Outcome.UPHELD and claim.challenger == address
    reward = dispute.fine // CHALLENGER_PART if is_rewarded else 0
    fields = {
        "dispute": dispute.number,
        "judge": claim.judge,
        "round": claim.round,
        "outcome": Outcome(dispute.outcome or 0).name.lower(),
        "fine_wei": dispute.fine,
        "back_wei": back,
        "reward_wei": reward,
        "burned_wei": burned,
    }
    what = f"dispute {dispute.number} about what seat {claim.judge} said in round {claim.round}"
    if burned:
        says = f"{what} was rejected: {format_ether(burned)} that this node pledged are burned"
        says += f", and {format_ether(back)} come back" if back else ""
    elif is_rejected:
        says = (
            f"{what} ended: it shows what it judged from by now, and this node gets back the {format_ether(back)}"
        )
    elif dispute.outcome == Outcome.UPHELD:
        rewarded = f" and {format_ether(reward)} of it" if reward else ""
        says = f"{what} was upheld: it lost {format_ether(dispute.fine)}, and this node gets back "
        says += f"{format_ether(back)}{rewarded}"
    else:
        says = f"{what} ended without a majority: this node gets back the {format_ether(back)} that it pledged"
    return Notice("claim_over", says, burned > 0, fields)
