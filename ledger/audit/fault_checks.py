"""A8 and A11: who was convicted on chain, by what evidence, and whether juries voted as recomputation says."""

from collections.abc import Iterable, Mapping

from ledger.audit.equivocation_proofs import EquivocationProof
from ledger.audit.findings import Check, DisputeLine, Report
from ledger.audit.kinds import Kind, Unit
from ledger.chain.placed_event import PlacedEvent
from ledger.circle import events
from ledger.circle.draw import seats_of
from ledger.circle.events import Outcome
from ledger.circle.history import History
from ledger.circle.members import Dispute

# Dispute → whether its verdict is false, None where that cannot be recomputed.
Truths = Mapping[int, bool | None]


def check_faults(
    history: History,
    placed: Iterable[PlacedEvent],
    truths: Truths,
    proofs: Mapping[str, EquivocationProof],
    report: Report,
) -> None:
    """Report what was proven on chain, and recompute each dispute. proofs: transaction → its two announcements."""
    for place in placed:
        match place.event:
            case events.Equivocated():
                _check_equivocation(history, place, place.event, proofs.get(place.transaction), report)
            case events.Disputed():
                dispute = history.disputes[place.event.dispute]
                is_false = truths.get(place.event.dispute)
                report.disputes.append(_make_line(dispute, is_false, place))
                _check_conviction(history, dispute, is_false, place, report)
                _check_votes(dispute, is_false, report)


def _check_equivocation(
    history: History, place: PlacedEvent, event: events.Equivocated, proof: EquivocationProof | None, report: Report
) -> None:
    report.count(Check.FAULTS)
    told = history.rounds[event.round - 1].peers.get(event.seat) if event.round <= len(history.rounds) else None
    author = proof.author if proof else told
    evidence = proof.evidence if proof else {"announcements": "not to be read from the transaction"}
    report.add(
        Check.FAULTS,
        f"it signed two updates for round {event.round} and lost its seat",
        Kind.EQUIVOCATION,
        round_number=event.round,
        seat=event.seat,
        **({"peer": author} if author else {}),
        **evidence,
        bond=event.bond,
        reporter=event.reporter,
        block=place.position[0],
        transaction=place.transaction,
    )


def _make_line(dispute: Dispute, is_false: bool | None, place: PlacedEvent) -> DisputeLine:
    claim = dispute.claim
    return DisputeLine(
        claim.dispute,
        claim.round,
        claim.judge,
        claim.target,
        claim.challenger,
        (dispute.stage if dispute.outcome is None else dispute.outcome).name.lower(),
        seats_of(dispute.jury_votes.upholding | dispute.circle_votes.upholding),
        seats_of(dispute.jury_votes.rejecting | dispute.circle_votes.rejecting),
        seats_of(dispute.jury_votes.withholding | dispute.circle_votes.withholding),
        dispute.fine,
        is_false,
        place.position[0],
        place.transaction,
    )


def _check_conviction(
    history: History, dispute: Dispute, is_false: bool | None, place: PlacedEvent, report: Report
) -> None:
    """An upheld dispute convicts the judge, unless its verdict is seen to be right: then who upheld it lied."""
    if dispute.outcome is None:
        return
    report.count(Check.FAULTS)
    if dispute.outcome == Outcome.UPHELD and is_false is not False:
        claim = dispute.claim
        judge = history.rounds[claim.round - 1].peers.get(claim.judge)
        report.add(
            Check.FAULTS,
            f"the circle found its {_describe_claim(claim)} false",
            Kind.CONVICTION,
            round_number=claim.round,
            seat=claim.judge,
            **({"peer": judge} if judge else {}),
            dispute=claim.dispute,
            upholding=seats_of(dispute.circle_votes.upholding),
            rejecting=seats_of(dispute.circle_votes.rejecting),
            withholding=seats_of(dispute.circle_votes.withholding),
            recomputed="cannot be recomputed" if is_false is None else "false",
            fine=dispute.fine,
            block=place.position[0],
            transaction=place.transaction,
        )


def _describe_claim(claim: events.Disputed) -> str:
    return "record or base" if claim.target == claim.judge else f"verdict about seat {claim.target}"


def _check_votes(dispute: Dispute, is_false: bool | None, report: Report) -> None:
    """Votes are recomputations, so honest ones agree bit for bit."""
    if is_false is None:
        return
    claim = dispute.claim
    report.count(Check.VOTES, len(dispute.voters))
    for seat, peer in dispute.voters.items():
        report.count_of(Unit.VOTES, seat, peer)
    jury, circle = dispute.jury_votes, dispute.circle_votes
    wrong = jury.rejecting | circle.rejecting if is_false else jury.upholding | circle.upholding
    for seat in seats_of(wrong):
        report.add(
            Check.VOTES,
            f"it voted that seat {claim.judge}'s {_describe_claim(claim)} is "
            f"{'right' if is_false else 'false'}; recomputing gives {'false' if is_false else 'right'}",
            Kind.WRONG_VOTE,
            round_number=claim.round,
            seat=seat,
            peer=dispute.voters[seat],
            dispute=claim.dispute,
        )
