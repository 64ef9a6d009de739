"""What is proven on chain, who voted falsely, who was in the circle when: the lists a regulator reads."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from eth_hash.auto import keccak
from numpy.typing import NDArray

from ledger.arithmetic.exact import to_float
from ledger.audit.draw_checks import BlockHeader, check_draws, draw_blocks
from ledger.audit.equivocation_proofs import EquivocationProof, decode_proof
from ledger.audit.fault_checks import check_faults
from ledger.audit.findings import Check, MembershipChange, Report
from ledger.audit.membership import MembershipLog
from ledger.audit.round_checks import RoundAuditor
from ledger.chain.contract.artifact import load_circle_artifact
from ledger.chain.placed_event import PlacedEvent
from ledger.circle.draw import derive_draw_seed, draw_jury, seats_of
from ledger.circle.events import (
    Disputed,
    Drawn,
    Ejected,
    Equivocated,
    Event,
    Left,
    Outcome,
    Referred,
    Released,
    Resolved,
    Rotated,
    Rotating,
    Stage,
    Summoned,
    Voted,
)
from ledger.circle.history import History
from ledger.identity.network import Network
from ledger.identity.signing import announcement_hash, encode_compact, sign
from tests.support.histories.circles import NETWORK, Circle, FalseCheckpoint, Honest, Said, flipped, genesis_state
from tests.support.histories.parts import address, cold, digest, joined

pytestmark = pytest.mark.rule("R22")

LATER = 1_700_000_000
JURY_SEED = digest("jury")


class Liar(Honest):
    def attestation(self, number: int, said: Said) -> Said:
        return flipped(said, 4) if number == 2 else said


class Poisoner(Honest):
    def trained(self, number: int, base: NDArray[np.int32]) -> NDArray[np.float32]:
        return -to_float(genesis_state())


def placed(events: Sequence[Event], first: int = 0) -> list[PlacedEvent]:
    """Each event in a block of its own, from the first one on."""
    return [
        PlacedEvent((n, 0), "0x" + digest("block", n).hex(), f"0x{n:064x}", event)
        for n, event in enumerate(events, first)
    ]


def audited(circle: Circle, proofs: dict[str, EquivocationProof] | None = None) -> Report:
    """The report over blobs and faults."""
    history, report = circle.history(), Report(31337, NETWORK.contract, 0)
    auditor = RoundAuditor(history, NETWORK, genesis_state(), report)
    for round_ in history.rounds:
        auditor.check(round_, circle.served(round_.number)[0])
    check_faults(history, placed(circle.events), auditor.false_verdicts, proofs or {}, report)
    return report


def named(report: Report) -> list[tuple[str, int | None, int | None]]:
    return [(finding.check.value, finding.round, finding.seat) for finding in report.findings]


def dispute(
    circle: Circle, upholding: Collection[int], *, number: int = 2, judge: int = 2, target: int = 4
) -> None:
    """A dispute about a verdict of round 2; its jury votes, and the same seats again if the circle is asked.

    upholding: who says that it is false.
    """
    claim = len(circle.known.disputes)
    drawn = draw_jury(JURY_SEED, circle.known.find_jury_pool(judge, target, address(500)), 3)
    raised = (claim, number, judge, target, address(500), digest("evidence"), circle.known.bonded, LATER)
    votes = [Voted(claim, seat, int(seat in upholding)) for seat in seats_of(drawn)]
    circle.write(Disputed(*raised), Summoned(claim, JURY_SEED, drawn, LATER), *votes)
    stage = circle.known.disputes[claim].next_stage
    assert stage is not None
    circle.write(Referred(claim, int(stage), LATER), *(votes if stage == Stage.CIRCLE else ()))
    outcome = circle.known.disputes[claim].verdict
    circle.write(Resolved(claim, int(outcome), 500 if outcome == Outcome.UPHELD else 0, 0))


def disputed(upholding: Collection[int], cheats: dict[int, Liar] | None = None, **options: Any) -> Circle:
    return Circle(cheats=cheats, between={2: lambda circle: dispute(circle, upholding)}, **options)


# ------------------------------------------------------------------------------------------- disputes


def test_an_upheld_dispute_about_a_false_verdict_names_the_judge_twice_over_and_no_juror() -> None:
    circle = disputed({0, 1, 3}, {2: Liar(2)})
    report = audited(circle)
    assert named(report) == [("A5", 2, 2), ("A8", 2, 2)]
    assert report.findings[1].evidence["recomputed"] == "false"
    raised = next(place for place, event in enumerate(circle.events) if isinstance(event, Disputed))
    assert (report.disputes[0].block, report.findings[1].evidence["block"]) == (raised, str(raised))
    assert report.examined[Check.VOTES] == 3
    assert report.disputes[0].withholding == []
    (line,) = report.disputes
    assert (line.outcome, line.upholding, line.rejecting, line.is_false) == ("upheld", [0, 1, 3], [], True)
    assert line.fine == 500


def test_jurors_who_shield_a_liar_are_named() -> None:
    report = audited(disputed({0}, {2: Liar(2)}))
    assert named(report) == [("A5", 2, 2), ("A11", 2, 1), ("A11", 2, 3)]
    assert report.disputes[0].outcome == "rejected"
    finding = report.findings[1]
    assert finding.fact == "it voted that seat 2's verdict about seat 4 is right; recomputing gives false"
    assert finding.evidence["peer"] == address(1)


def test_a_claim_about_a_record_is_recomputed_too_and_said_to_be_about_that() -> None:
    """Of a checkpoint: the jury is drawn without the judge, so three of the four others sit on it."""
    upheld = {0, 1, 3, 4}
    for cheats, votes, outcome in (({2: FalseCheckpoint(2, (2,))}, upheld, "upheld"), ({}, set(), "rejected")):
        claim = {2: lambda circle, votes=votes: dispute(circle, votes, target=2)}
        report = audited(Circle(cheats=cheats, between=claim))
        (line,) = report.disputes
        assert (line.outcome, line.target, line.is_false) == (outcome, 2, outcome == "upheld")
        assert named(report) == ([("A6", 2, 2), ("A8", 2, 2)] if cheats else [])
    shielded = audited(
        Circle(cheats={2: FalseCheckpoint(2, (2,))}, between={2: lambda circle: dispute(circle, set(), target=2)})
    )
    facts = {finding.fact for finding in shielded.findings if finding.check == Check.VOTES}
    assert facts == {"it voted that seat 2's record or base is right; recomputing gives false"}


def test_jurors_who_convict_an_honest_judge_are_named_and_the_judge_is_not() -> None:
    report = audited(disputed({0, 1, 3}))
    assert named(report) == [("A11", 2, 0), ("A11", 2, 1), ("A11", 2, 3)]
    assert report.disputes[0].outcome == "upheld"
    assert report.disputes[0].is_false is False


def test_a_juror_in_the_minority_is_named_too() -> None:
    assert named(audited(disputed({3}))) == [("A11", 2, 3)]


def test_a_claim_is_recomputed_under_a_rule_that_looks_back_too() -> None:
    tether = {"rule": "tether", "rule_parameters": {}}
    for cheats, is_false in ((None, False), ({2: Liar(2)}, True)):
        (line,) = audited(disputed({0, 1, 3}, cheats, **tether)).disputes
        assert line.is_false is is_false


def test_a_rejected_dispute_about_a_right_verdict_is_listed_and_no_finding() -> None:
    report = audited(disputed(()))
    assert report.clean
    assert report.disputes[0].outcome == "rejected"


def test_where_the_blobs_are_lost_the_jury_is_believed_and_nobody_called_a_liar_for_its_vote() -> None:
    report = audited(disputed({0, 1, 3}, withheld=[(2, 4)]))
    assert ("A8", 2, 2) in named(report)
    assert not any(check == "A11" for check, _, _ in named(report))
    assert report.disputes[0].is_false is None
    assert report.findings[-1].evidence["recomputed"] == "cannot be recomputed"


def test_an_open_dispute_is_listed_and_convicts_nobody() -> None:
    def raise_only(circle: Circle) -> None:
        circle.write(Disputed(0, 2, 2, 4, address(500), digest("evidence"), circle.known.bonded, LATER))

    report = audited(Circle(between={2: raise_only}))
    assert report.clean
    assert report.disputes[0].outcome == "drawing"


# ------------------------------------------------------------------------------------------- equivocation

KEY = keccak(b"an equivocator's key")


def reported(
    network: Network, first: bytes, second: bytes, *, author: str | None = None, number: int = 2, key: bytes = KEY
) -> tuple[str, bytes]:
    """The call data of `report_equivocation`."""
    from coincurve import PrivateKey
    from eth_utils.address import to_checksum_address

    public = PrivateKey(KEY).public_key.format(compressed=False)[1:]
    author = author or to_checksum_address(keccak(public)[-20:])
    halves = []
    for said in (first, second):
        halves += [said, *encode_compact(sign(key, announcement_hash(network, number, author, said)))]
    return author, load_circle_artifact().encode_call("report_equivocation", author, number, *halves)


def test_a_conviction_is_a_finding_with_both_signed_announcements() -> None:
    author, call_data = reported(NETWORK, digest("one"), digest("two"))
    proof = decode_proof(call_data, NETWORK)
    assert proof is not None
    assert (proof.author, proof.round) == (author, 2)
    circle = Circle(between={2: lambda c: c.write(Equivocated(3, 2, address(500), 1000, LATER))})
    at = next(place for place in placed(circle.events) if isinstance(place.event, Equivocated))
    report = audited(circle, {at.transaction: proof})
    assert named(report) == [("A8", 2, 3)]
    evidence = report.findings[0].evidence
    assert evidence["first digest"] == digest("one").hex()
    assert evidence["peer"] == author
    assert evidence["transaction"] == at.transaction
    assert named(audited(circle)) == [("A8", 2, 3)], "also where the transaction cannot be read"


@pytest.mark.parametrize(
    "call_data",
    [
        b"",
        b"\1\2\3\4",
        reported(NETWORK, digest("one"), digest("two"))[1][:-1],
        reported(NETWORK, digest("one"), digest("one"))[1],
        reported(NETWORK, digest("one"), digest("two"), author=address(7))[1],
        reported(NETWORK, digest("one"), digest("two"), key=keccak(b"another"))[1],
        reported(Network.of(1, NETWORK.contract), digest("one"), digest("two"))[1],
    ],
    ids=["nothing", "another-call", "cut", "same-twice", "other-author", "other-key", "other-chain"],
)
def test_what_proves_nothing_is_no_proof(call_data: bytes) -> None:
    assert decode_proof(call_data, NETWORK) is None


# ------------------------------------------------------------------------------------------- membership


def membership(circle: Circle) -> list[MembershipChange]:
    history = History(circle.terms)
    log = MembershipLog(history)
    for place in placed(circle.events):
        history.apply(place.event)
        log.note(place)
    return log.changes


def summary(changes: list[MembershipChange]) -> list[tuple[str, int, int]]:
    return [(change.change, change.round, change.seat) for change in changes if change.round > 0]


def test_who_comes_and_goes_is_listed_with_block_and_reason() -> None:
    def between(circle: Circle) -> None:
        circle.write(
            Rotating(0, address(9), cold(9), LATER),
            Rotated(0, address(9), cold(9)),
            Left(1, 0, LATER),
            Released(1, 1000),
            Equivocated(3, 2, address(500), 1000, LATER),
            replace(joined(5), inviter=address(0)),
        )

    circle = Circle(between={2: between}, rounds=2 + 1)
    changes = membership(circle)
    assert [c.why for c in changes if c.round == 0] == ["admission is open"] * 5
    assert summary(changes) == [
        ("rotated", 3, 0),
        ("left", 3, 1),
        ("released", 3, 1),
        ("convicted", 3, 3),
        ("joined", 3, 5),
    ]
    convicted = changes[-2]
    assert convicted.why.startswith("signed two updates for round 2, proved by ")
    assert convicted.peer == address(3)
    assert type(circle.events[convicted.block]).__name__ == "Equivocated"
    assert changes[-1].why == f"invited by {address(0)}"
    assert changes[-5].peer == address(9)


@pytest.mark.rule("R22.5")
def test_who_is_quarantined_and_ejected_is_listed_with_the_judges_who_rejected_it() -> None:
    circle = Circle(cheats={1: Poisoner(1)}, rounds=9)
    low = next(round_.number for round_ in circle.known.rounds if 1 not in round_.find_eligible(16384))
    changes = membership(circle)
    assert summary(changes) == [("quarantined", low, 1)]
    why = changes[-1].why
    assert f"in round {low - 1} accepted by nobody, rejected by seats 0, 2–4" in why
    assert "floor 16384" in why
    assert "attested nothing itself" not in why

    ejecting = Circle(
        cheats={1: Poisoner(1)}, rounds=9, between={low: lambda circle: circle.write(Ejected(1, 500, LATER))}
    )
    assert summary(membership(ejecting)) == [("quarantined", low, 1), ("ejected", low + 1, 1)]


def test_a_seat_cut_by_a_dispute_is_quarantined_for_that_and_its_return_is_listed() -> None:
    changes = membership(disputed({0, 1, 3}, {2: Liar(2)}, rounds=12))
    assert [change[0] for change in summary(changes)] == ["suspended", "quarantined", "restored"]
    assert changes[-3].why == "dispute 0 about its verdict was upheld; 5e-16 ETH of its bond lost"
    assert changes[-2].why.endswith("dispute 0 about its verdict was upheld")


def test_a_seat_suspended_for_its_record_is_listed_for_that() -> None:
    of_its_record = {2: lambda circle: dispute(circle, {0, 1, 3, 4}, target=2)}
    suspended = [one for one in membership(Circle(between=of_its_record)) if one.change == "suspended"]
    assert [one.seat for one in suspended] == [2]
    assert suspended[0].why == "dispute 0 about its record or base was upheld; 5e-16 ETH of its bond lost"


def test_a_seats_next_holder_is_not_accused_of_the_last_ones_past(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bases, copies and authors belong to who sat there in that round."""
    monkeypatch.setattr("ledger.circle.fold.state.MAX_SEATS", 5)

    def hand_over(circle: Circle) -> None:
        circle.write(Left(3, 0, LATER), Released(3, 1000))
        circle.take(3, 300)

    circle = Circle(rounds=4, between={2: hand_over})
    report = audited(circle)
    assert report.clean, report.findings
    assert circle.known.rounds[0].peers[3] == address(3)
    assert circle.known.rounds[3].peers[3] == address(300)


def test_a_rotated_key_goes_on_from_its_own_base_and_signs_as_itself() -> None:
    def turn(circle: Circle) -> None:
        circle.write(Rotating(3, address(9), cold(3), LATER), Rotated(3, address(9), cold(3)))

    report = audited(Circle(rounds=4, between={2: turn}))
    assert report.clean, report.findings


def test_a_lost_update_shields_no_liar() -> None:
    report = audited(Circle(cheats={2: Liar(2)}, withheld=[(2, 0)]))
    facts = [finding.fact for finding in report.findings if finding.seat == 2]
    assert facts == [
        "it does not show what it judged from: the update is missing, seat 0's",
        "its verdict about seat 4 is not what the rule gives",
    ]


# ------------------------------------------------------------------------------------------- draws


def drawn_circle() -> tuple[list[PlacedEvent], dict[int, BlockHeader]]:
    """Placed draws of three rounds and one jury, and the headers they follow from."""
    contract = bytes.fromhex(NETWORK.contract[2:])
    headers = {n: BlockHeader(digest("block", n), LATER + n) for n in range(5)}
    drawn = [Drawn(number, derive_draw_seed(headers[number].hash, number, contract), 0b111) for number in (1, 2, 3)]
    claim = Disputed(0, 1, 0, 1, address(5), b"", 0b111, LATER)
    raised = PlacedEvent((4, 0), "0x" + digest("block", 4).hex(), "0x", claim)
    called = Summoned(0, derive_draw_seed(digest("block", 4), 0, contract), 0b100, LATER)
    return [*placed(drawn, 1), raised, PlacedEvent((6, 0), "0x", "0x", called)], headers


def seeded(place: PlacedEvent, seed: bytes) -> PlacedEvent:
    """The same draw with another seed."""
    assert isinstance(place.event, Drawn | Summoned)
    return replace(place, event=replace(place.event, seed=seed))


def draws_report(places: list[PlacedEvent], headers: dict[int, BlockHeader]) -> Report:
    report = Report(31337, NETWORK.contract, 0)
    check_draws(places, headers, NETWORK, report)
    return report


def test_seeds_that_follow_from_their_blocks_are_no_finding() -> None:
    places, headers = drawn_circle()
    assert draw_blocks(places) == {1, 2, 3, 4}
    report = draws_report(places, headers)
    assert report.clean
    assert report.examined[Check.DRAWS] == 4


def test_a_seed_of_another_choice_is_found() -> None:
    places, headers = drawn_circle()
    for at in (1, -1):
        places[at] = seeded(places[at], digest("chosen"))
    report = draws_report(places, headers)
    assert [(f.check, f.round) for f in report.findings] == [(Check.DRAWS, 2), (Check.DRAWS, None)]
