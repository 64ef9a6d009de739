"""What an audit found again and again is told once, with how many of how many and in which rounds."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.audit.findings import Check, Report
from ledger.audit.groups import describe_rounds, find_ranges, group_findings
from ledger.audit.kinds import Kind, Unit
from ledger.audit.plan import plan_from
from ledger.audit.round_checks import RoundAuditor
from tests.support.histories.circles import NETWORK, Circle, Honest, Said, genesis_state
from tests.support.histories.parts import address

pytestmark = pytest.mark.rule("R22")


class Contrary(Honest):
    """Attests the opposite of what the rule gives about everybody, from a round on."""

    def attestation(self, number: int, said: Said) -> Said:
        return Said(said.seat, said.judged, said.judged & ~said.accepted, said.record) if number > 1 else said


def audited(circle: Circle) -> Report:
    history, report = circle.history(), Report(31337, NETWORK.contract, 0)
    auditor = RoundAuditor(history, NETWORK, genesis_state(), report, plan=plan_from(history, 1))
    for round_ in history.rounds:
        auditor.check(round_, circle.blobs)
    return report


def test_a_liars_verdicts_are_one_group_out_of_all_that_were_recomputed() -> None:
    report = audited(Circle(rounds=4, cheats={4: Contrary(4)}))
    (group,) = group_findings(report)
    assert len(report.findings) == group.count == len(group.findings)
    assert (group.check, group.kind, group.seat, group.peer) == (
        Check.VERDICTS,
        Kind.FALSE_VERDICT,
        4,
        address(4),
    )
    judged = report.looked_at[Unit.VERDICTS][4][address(4)]
    assert judged == group.looked_at == 16
    assert group.describe() == f"{group.count} of 16 verdicts false, rounds 2–4"
    assert group.is_blamed


def test_what_each_peer_was_looked_at_for_adds_up_to_what_the_checks_looked_at() -> None:
    report = audited(Circle(rounds=3, cheats={4: Contrary(4)}))
    counted = {
        unit: sum(number for peers in seats.values() for number in peers.values())
        for unit, seats in report.looked_at.items()
    }
    assert counted[Unit.VERDICTS] == report.examined[Check.VERDICTS]
    assert counted[Unit.RECORDS] + counted[Unit.BASES] == report.examined[Check.RECORDS]
    assert counted[Unit.UPDATES] == report.examined[Check.COPIES]
    assert counted[Unit.ATTESTATIONS] == report.recomputed


def test_two_peers_who_sat_in_one_seat_after_each_other_are_told_apart() -> None:
    report = Report(1, "0xcircle", 9)
    for number, peer in ((3, "0xearlier"), (4, "0xearlier"), (9, "0xlater")):
        fact = f"it attested that it rejected seat {number}; the rule gives accepted"
        report.add(Check.VERDICTS, fact, Kind.FALSE_VERDICT, round_number=number, seat=4, peer=peer)
    report.count_of(Unit.VERDICTS, 4, "0xearlier", 20)
    said = {group.peer: group.describe() for group in group_findings(report)}
    assert said == {"0xearlier": "2 of 20 verdicts false, rounds 3–4", "0xlater": "1 verdict false, round 9"}


def test_whoever_is_to_blame_for_most_comes_first_and_what_nobody_can_tell_later() -> None:
    report = Report(1, "0xcircle", 9)
    for number in range(5):
        report.add(Check.BLOBS, "nobody serves it", Kind.MISSING_UPDATE, round_number=number + 1, seat=1)
    report.add(Check.VERDICTS, "false", Kind.FALSE_VERDICT, round_number=1, seat=2)
    report.add(Check.VERDICTS, "false", Kind.FALSE_VERDICT, round_number=2, seat=3)
    report.add(Check.RECORDS, "wrong", Kind.WRONG_RECORD, round_number=2, seat=3)
    report.add(Check.REPUTATIONS, "none of these", Kind.WRONG_REPUTATION)
    assert [(group.seat, group.check.value) for group in group_findings(report)] == [
        (None, "A7"),
        (3, "A5"),
        (3, "A6"),
        (2, "A5"),
        (1, "A3"),
    ]


def test_a_fact_of_no_kind_is_a_group_by_itself_and_is_counted() -> None:
    report = Report(1, "0xcircle", 9)
    for number in (1, 2, 4):
        report.add(Check.COPIES, "it hummed", round_number=number, seat=0)
    report.add(Check.COPIES, "it sang", round_number=2, seat=0)
    assert [group.describe() for group in group_findings(report)] == [
        "3 times: it hummed, rounds 1–2, 4",
        "it sang, round 2",
    ]


def test_more_findings_than_were_looked_at_are_no_share_of_them() -> None:
    report = Report(1, "0xcircle", 9)
    for number in (1, 2):
        report.add(Check.BLOBS, "gone", Kind.MISSING_UPDATE, round_number=number, seat=0, peer="0xa")
    report.count_of(Unit.UPDATES, 0, "0xa", 1)
    assert group_findings(report)[0].describe() == "2 updates served by nobody, rounds 1–2"


def test_each_kind_has_its_words() -> None:
    for kind in Kind:
        assert kind.words.says
        assert kind.words.fault
        report = Report(1, "0xcircle", 9)
        report.add(Check.CODE, "a fact", kind)
        assert group_findings(report)[0].describe_what()


@given(st.sets(st.integers(1, 300)))
def test_ranges_hold_the_same_rounds_and_no_two_of_them_touch(rounds: set[int]) -> None:
    ranges = find_ranges(rounds)
    assert {number for first, last in ranges for number in range(first, last + 1)} == rounds
    assert all(earlier[1] + 1 < later[0] for earlier, later in pairwise(ranges))


def test_rounds_with_very_many_gaps_are_told_by_number() -> None:
    assert describe_rounds(find_ranges([])) == ""
    assert describe_rounds(find_ranges([7])) == "round 7"
    assert describe_rounds(find_ranges([7, 9, 10, 11])) == "rounds 7, 9–11"
    assert describe_rounds(find_ranges(range(1, 200, 2))) == "100 rounds between 1 and 199"
    assert len(describe_rounds([(10**9 + 3 * n, 10**9 + 3 * n + 1) for n in range(6)])) < 200
