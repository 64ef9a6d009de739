"""Whether a verdict on chain is another than the blobs give: what a juror votes by, and an auditor checks votes by.

A verdict follows from the judge's update, the updates it judged and, under some rules, what the judge carried over
from its earlier rounds: `rounds_behind` says from which.
"""

from ledger.errors import PeerFault
from ledger.history import History, Round
from ledger.lineage import Held, Lost, States
from ledger.memory import Carried
from ledger.replay import blobs_needed, replay
from ledger.rules import Rule, looks_back, rule_of


def is_false_verdict(
    history: History,
    network: bytes,
    round_: Round,
    judge: int,
    target: int,
    carried: Carried | None,
    held: Held,
    states: States | None = None,
) -> bool | None:
    """True where the judge attested the opposite of what the rule gives, None where that cannot be recomputed.

    carried: what the judge brought into the round, None where it cannot be known or the rule does not look back.
    held: the blobs; see `blobs_behind`. states: those decoded before, to save time. A judge that did not attest, or
    that did not judge the target, said nothing false. A judge whose own update cannot be read has no state to judge
    from: whatever it said of others is false.
    """
    attestation = round_.attestations.get(judge)
    if attestation is None or not attestation.judged >> target & 1:
        return False
    rule = _rule(history)
    if not rule.is_replayable or (carried is None and looks_back(rule)):
        return None
    only = target if rule.judges_each_alone else None
    try:
        screened = replay(history, network, round_, judge, carried, held, only=only, states=states)
    except Lost:
        return None
    except PeerFault:
        return True
    return bool((attestation.accepted ^ screened.accepted) >> target & 1)


def blobs_behind(history: History, round_: Round, judge: int, target: int) -> dict[int, bytes]:
    """Seat → digest of the updates that a verdict follows from; the judge must have attested."""
    needed = blobs_needed(round_, judge)
    if _rule(history).judges_each_alone:
        return {seat: digest for seat, digest in needed.items() if seat in (judge, target)}
    return needed


def rounds_behind(history: History, round_: Round, judge: int) -> list[Round]:
    """The earlier rounds that what the judge brings along follows from, oldest first; all their updates matter.

    Empty where it starts from the genesis, and under a rule that does not look back.
    """
    if not looks_back(_rule(history)):
        return []
    first = round_.begun[judge]
    return [
        before for before in history.rounds[max(first - 1, 0) : round_.number - 1] if judge in before.attestations
    ]


def _rule(history: History) -> Rule:
    return rule_of(history.manifest.rule, history.manifest.rule_parameters)
