"""What an audit can say of a circle's privacy to somebody who was not there: what is claimed and spent, what was
checked and what was not, and what nobody can check.

The points are those that NIST SP 800-226 asks of a claim of differential privacy: its parameters and unit, who is
trusted, mechanism and composition, implementation, usefulness and bias, and what lies around it. Pure.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from decimal import ROUND_CEILING, Decimal, localcontext
from enum import StrEnum
from typing import Any, Final

from ledger.audit.findings import Check, Finding, HolderPrivacy, PrivacyLine, Report
from ledger.audit.groups import group_findings, make_group_fields
from ledger.circle.history import History

FALSE_ALARMS: Final = Decimal("0.01")
"""The share of examples that were not there and that a guesser takes for such that were."""
CLAIM: Final = (
    "Each seat by itself, for all that it ever published in this circle together: with any one example added to its"
    " data or left out, whatever was published is at most e^ε times as likely, but for a probability of δ."
)
OBSERVER: Final = (
    "The claim holds against whoever sees everything: every published state, every round, who judged whom, the"
    " manifest and its seed. No server and no other member is trusted with data or noise. Nothing is subtracted for"
    " mixing, or for being one of many."
)
ASSUMED: Final = {
    "randomness": "Noise and samples came from randomness that nobody else knows. Noise that another can foretell"
    " looks the same and hides nothing.",
    "rate": "Each example was taken with the rate that the seat says, or a lower one. Nobody sees how many examples"
    " a seat has: an inspector on the spot can compare the number, if it says one, with its records.",
    "unit": "One person is one example. Who is in the data k times is protected k times less well.",
    "other use": "The same people's data were used nowhere else: not in another circle, under another key, or in a"
    " model that was given away. Whatever else was published of them adds to what is spent.",
    "choices": "Task, terms, learning rate and initial weights were chosen without a look at the data.",
    "program": "The seat runs a program that cuts each example's gradient and adds noise as R30.5 has it. The"
    " checks see how large a step is, not how it came about. In this program finite precision is allowed for by"
    " margins that are estimated, not proved.",
    "side channels": "How long training takes, when a peer takes part and how many examples it says it has are"
    " public and not counted.",
    "endpoint": "The endpoint by which the chain was read did not invent the whole of it: a second one tells.",
    "machine": "Data, keys and what was not published lie on the member's own machine. How data were collected, and"
    " who can read them there, is its own affair.",
}
"""What the claim rests on and no audit can check: in a word → in a sentence."""
UNSAID: Final = (
    "that the data were collected or used lawfully, or that what was published is anonymous in the sense of a law",
    "that nothing can be learnt of people: what holds of many like them is what a model is for",
    "that the model is good, fair, or free of a backdoor; noise costs accuracy, and small groups lose most of it",
    "which ε is small enough: that is for whoever answers for the data",
)
"""What the statement does not say."""
_CHECKED: Final = {
    "terms": (
        Check.HISTORY,
        "The terms stand in the manifest with which the circle began on chain, and nobody can change them.",
    ),
    "arithmetic": (
        Check.BLOBS,
        "What an update says is spent follows from its rounds, rate and noise by the accountant, and is within the"
        " budget; an update for which that is not so is invalid.",
    ),
    "continuity": (
        Check.PRIVACY,
        "From one update to its author's next, rounds add up, and noise, rate and number of examples stay."
        " A charged step is as large and as spread as the noise that it must hold, in each of its parts, and"
        " that noise is in no earlier step; one that was not charged is its base.",
    ),
    "bases": (Check.RECORDS, "The base from which a step is measured is the one that the blobs give."),
}


class Assessment(StrEnum):
    """How an author's claim fared."""

    CONTRADICTED = "contradicted"
    """A check found that it is not so (A12)."""
    DOUBTFUL = "doubtful"
    """Other findings concern its updates, so that what was to be checked is not what it seems."""
    PARTLY = "partly checked"
    """Nothing was found, and not all was looked at."""
    STANDS = "nothing against it"
    """Everything that can be checked was, and nothing was found."""


@dataclass(frozen=True)
class CheckedPoint:
    """One thing that was checked."""

    point: str
    """In a word."""
    fact: str
    """What holds where there is no finding."""
    check: str
    """The audit's check."""
    looked_at: int
    """So many things."""
    findings: int
    """Of these, in which it is not so."""


def list_holders(history: History, lines: Iterable[PrivacyLine]) -> list[HolderPrivacy]:
    """Each author in each tenure, by seat. lines: what the updates that were read say, round by round."""
    said: dict[tuple[int, int], list[PrivacyLine]] = {}
    for line in lines:
        said.setdefault((line.seat, line.tenure), []).append(line)
    published: dict[tuple[int, int], list[tuple[int, str]]] = {}
    for round_ in history.rounds:
        # A round whose neighbours are not drawn has sealed its updates: nothing of them is published.
        for seat in round_.commits if round_.seed is not None else ():
            published.setdefault((seat, round_.tenures[seat]), []).append((round_.number, round_.peers[seat]))
    values = sum(history.manifest.sizes)
    return [
        _summarise(*holder, updates, said.get(holder, []), values) for holder, updates in sorted(published.items())
    ]


def _summarise(
    seat: int, tenure: int, updates: list[tuple[int, str]], lines: list[PrivacyLine], values: int
) -> HolderPrivacy:
    (first_round, _), (last_round, peer) = updates[0], updates[-1]
    charged = [line for line in lines if line.charged]
    measured = [line for line in charged if line.noise_milli is not None]
    shares = [line.noise_milli for line in measured if line.noise_milli is not None]
    return HolderPrivacy(
        seat=seat,
        tenure=tenure,
        peer=peer,
        updates=len(updates),
        read=len(lines),
        first_round=first_round,
        last_round=last_round,
        newest=lines[-1] if lines else None,
        charged=len(charged),
        measured=len(measured),
        least_measured=min((line.measured for line in measured), default=0),
        values=values,
        least_noise_milli=min(shares, default=None),
    )


def find_concerning(report: Report, holder: HolderPrivacy) -> list[Finding]:
    """The findings that bear on an author's claim: about its statements, steps, updates and bases."""
    bearing, rounds = (Check.PRIVACY, Check.BLOBS, Check.RECORDS), range(holder.first_round, holder.last_round + 1)
    return [
        finding
        for finding in report.findings
        if finding.check in bearing and finding.seat == holder.seat and finding.round in rounds
    ]


def assess(report: Report, holder: HolderPrivacy) -> Assessment:
    """How its claim fared."""
    checks = {finding.check for finding in find_concerning(report, holder)}
    if Check.PRIVACY in checks:
        return Assessment.CONTRADICTED
    if checks:
        return Assessment.DOUBTFUL
    is_whole = holder.read == holder.updates and holder.measured == holder.charged and not _is_part(holder)
    return Assessment.STANDS if is_whole else Assessment.PARTLY


def _is_part(holder: HolderPrivacy) -> bool:
    """Whether there is an update in which the noise of a part only was to be seen."""
    return holder.measured > 0 and holder.least_measured < holder.values


def bound_detection(epsilon_milli: int, delta: str, false_alarms: Decimal = FALSE_ALARMS) -> Decimal:
    """The most of the examples in the data that anybody can tell to be in it, at that share of false alarms; 0..1.

    Rounded up to a thousandth. Source: Kairouz, Oh and Viswanath 2015, arXiv:1311.0776, theorem 2.1.
    """
    with localcontext() as context:
        context.prec, context.rounding = 30, ROUND_CEILING
        growth, failing = (Decimal(epsilon_milli) / 1000).exp(), Decimal(delta)
        bounds = (growth * false_alarms + failing, 1 - (1 - failing - false_alarms) / growth, Decimal(1))
        return min(bounds).quantize(Decimal("0.001"))


def list_checked(report: Report) -> list[CheckedPoint]:
    """What was checked, how much of it, and how often it was not so."""
    looked_at = {**report.examined, Check.BLOBS: len(report.privacy)}
    return [
        CheckedPoint(
            point,
            fact,
            check.value,
            looked_at.get(check, 0),
            sum(finding.check == check for finding in report.findings),
        )
        for point, (check, fact) in _CHECKED.items()
    ]


def list_unchecked(report: Report) -> list[str]:
    """What could be checked and was not this time, in sentences; none where everything was."""
    found = []
    if report.head == 0 or not report.examined.get(Check.HISTORY):
        found.append("The chain's history was not read: nothing of this circle was checked.")
    if report.sample is not None:
        found.append("A sample of attestations was recomputed, not all.")
    if report.not_recomputed:
        found.append(
            f"{report.not_recomputed} attestations could not be recomputed: what they follow from is lost."
        )
    if report.pruned:
        found.append(f"{report.pruned} updates of final rounds are not served any more, and were not read.")
    for holder in report.holders:
        who, unread = f"Seat {holder.seat}, {holder.peer}:", holder.updates - holder.read
        if unread:
            found.append(
                f"{who} {unread} of {holder.updates} updates were not read. What is spent follows from the newest"
                f" that was; {_describe_gap(holder)}."
            )
        if unmeasured := holder.charged - holder.measured:
            found.append(
                f"{who} in {unmeasured} of {holder.charged} charged updates that were read the noise was not"
                " measured: their base is not known, or their frame is too coarse for it."
            )
        if _is_part(holder):
            found.append(
                f"{who} where noise was measured, that was in {holder.least_measured} of {holder.values} values at"
                " the least: the frames of the others are too coarse for it."
            )
    return found


def _describe_gap(holder: HolderPrivacy) -> str:
    if holder.newest is None:
        return "none was, so that is not known"
    if holder.newest.round < holder.last_round:
        return f"its last, of round {holder.last_round}, is not among them, so more may be spent by now"
    return "its last is among them, so that is the whole of it"


def make_statement_fields(report: Report) -> dict[str, Any]:
    """The statement for machines."""
    terms = report.privacy_terms
    return {
        "statement": "folkmoot privacy statement 1",
        "circle": {
            "chain_id": report.chain_id,
            "contract": report.contract,
            "block": report.head,
            "task": report.task,
            "rounds": report.rounds,
            "recomputed": report.scope,
        },
        "claim": None if terms is None else _make_claim(terms),
        "terms": terms,
        "seats": [] if terms is None else [_make_seat(report, holder, terms) for holder in report.holders],
        "checked": [asdict(point) for point in list_checked(report)],
        "not_checked": list_unchecked(report),
        "cannot_be_checked": {} if terms is None else dict(ASSUMED),
        "does_not_say": list(UNSAID),
        "findings": len(report.findings),
    }


def _make_claim(terms: dict[str, str | int]) -> dict[str, Any]:
    return {
        "definition": "(epsilon, delta)-differential privacy",
        "says": CLAIM,
        "observer": OBSERVER,
        "model": "local: each seat's own mechanism, all of its releases together",
        "unit": terms["unit"],
        "neighbours": "one example added or removed",
        "epsilon_at_most": int(terms["epsilon_milli"]) / 1000,
        "delta": terms["delta"],
    }


def _expect_failures(newest: PrivacyLine | None, delta: str) -> float | None:
    """δ times the number of examples, which has to be well below 1; None where the seat says no number.

    Who gives away so many of them whole, drawn at random, on average, keeps the claim too.
    """
    if newest is None or not newest.examples:
        return None
    return float(Decimal(delta) * newest.examples)


def _make_seat(report: Report, holder: HolderPrivacy, terms: dict[str, str | int]) -> dict[str, Any]:
    newest, assessment = holder.newest, assess(report, holder)
    concerning = find_concerning(report, holder)
    # What is claimed falsely bounds nothing.
    is_bound = newest is not None and assessment is not Assessment.CONTRADICTED
    return {
        "seat": holder.seat,
        "tenure": holder.tenure,
        "peer": holder.peer,
        "epsilon": None if newest is None else newest.epsilon_milli / 1000,
        "delta": terms["delta"],
        "as_of_round": None if newest is None else newest.round,
        "last_round": holder.last_round,
        "rounds_charged": None if newest is None else newest.rounds,
        "sigma": None if newest is None else newest.sigma,
        "rate": None if newest is None else newest.rate / 10**9,
        "examples_said": None if newest is None else newest.examples or None,
        "expected_failures": _expect_failures(newest, str(terms["delta"])),
        "detected_at_most": (
            float(bound_detection(newest.epsilon_milli, str(terms["delta"]))) if newest and is_bound else None
        ),
        "false_alarms": float(FALSE_ALARMS),
        "updates": holder.updates,
        "updates_read": holder.read,
        "updates_charged": holder.charged,
        "noise_measured": holder.measured,
        "least_share_measured": holder.least_measured / holder.values if holder.values else 0.0,
        "least_noise": None if holder.least_noise_milli is None else holder.least_noise_milli / 1000,
        "assessment": assessment.value,
        "findings": [asdict(finding) for finding in concerning],
        "groups": [make_group_fields(group) for group in group_findings(report, concerning)],
    }
