"""The report of an audit, as people and machines get it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from rich.cells import cell_len

from ledger.audit.availability import Attendance, HolderAvailability
from ledger.audit.coin import CoinFlow, CoinLoss
from ledger.audit.findings import Check, MembershipChange, Report
from ledger.audit.kinds import Kind
from node.cli.audit_lines import Shown, describe_report, make_fields, print_report
from node.cli.audit_names import ALL, Names
from tests.support.audit_reports import huge, liars, lied
from tests.support.histories.parts import address

NORD = Names({address(4): "Clinic Nord"})
LONG = "Universitätsklinikum Süd-Ost, Abteilung für Radiologie 東京"


def tell(report: Report, width: int = 80, names: Names = NORD, details: int | None = None) -> list[str]:
    return [line.text for line in describe_report(report, Shown(width, names, details))]


def join(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


# -------------------------------------------------------------------------------------------- the first line


def test_the_first_line_says_who_did_what_how_often_and_when() -> None:
    short = f"{address(4)[:6]}…{address(4)[-4:]}"
    assert (
        join(tell(liars(4))[:2])
        == f"not clean: seat 4 (Clinic Nord, {short}): 35 of 35 verdicts false, rounds 26–60"
    )


def test_several_are_named_and_very_many_counted() -> None:
    assert join(tell(liars(1, 2))[:2]).endswith(f"and seat 2 ({address(2)[:6]}…{address(2)[-4:]}): 70 findings")
    said = join(tell(liars(0, 1, 2, 3, 4))[:3])
    assert "seat 3" not in said
    assert " and 2 others: 175 findings" in said


def test_of_what_nobody_can_tell_the_first_line_blames_nobody() -> None:
    report = Report(1, "0x" + "11" * 20, 9)
    report.add(
        Check.BLOBS, "nobody serves the update", Kind.MISSING_UPDATE, round_number=3, seat=4, peer=address(4)
    )
    said = join(tell(report)[:2])
    assert said.startswith("not clean: seat 4 (Clinic Nord")
    assert said.endswith("1 update served by nobody, round 3 (at fault: nobody can tell)")
    lied(report, 1, range(1, 3))
    said = join(tell(report)[:2])
    assert said.startswith("not clean: seat 1 (")
    assert said.endswith("2 verdicts false, rounds 1–2; and 1 finding for which no seat can be blamed")


def test_a_finding_about_no_seat_is_told_by_its_fact() -> None:
    report = Report(1, "0x" + "11" * 20, 0)
    report.add(Check.HISTORY, "the endpoint's events are not the ones", Kind.FOREIGN_HISTORY, folded="00")
    assert join(tell(report)[:2]) == "not clean: the endpoint's events are not the ones (at fault: the endpoint)"


def test_clean_says_of_how_much_and_what_was_not_looked_at() -> None:
    report = Report(1, "0x" + "11" * 20, 9)
    report.count(Check.VERDICTS, 320)
    report.count(Check.REPUTATIONS, 80)
    assert tell(report)[0] == "clean: no finding in 320 verdicts, 80 reputations and 0 updates"
    report.sample, report.not_recomputed, report.pruned = [(1, 1)], 3, 1
    assert join(tell(report)[:2]).endswith(
        "; of a sample; 3 attestations could not be recomputed; 1 old update not served any more"
    )


def test_clean_says_which_rounds_where_it_is_not_of_all() -> None:
    report = Report(1, "0x" + "11" * 20, 9, scope="rounds 4 to 6")
    report.count(Check.VERDICTS, 320)
    assert join(tell(report)[:2]).endswith("and 0 updates; of rounds 4 to 6 alone")
    report.scope = "all 6 rounds"
    assert "alone" not in join(tell(report)[:2])


def test_clean_is_not_said_of_verdicts_that_nobody_looked_at() -> None:
    assert tell(Report(1, "0x" + "11" * 20, 9))[0] == "clean: no finding, but no verdict was looked at"


# ------------------------------------------------------------------------------------------------- findings


def test_findings_are_groups_and_evidence_is_shown_when_it_is_asked_for() -> None:
    report = liars(4)
    short = tell(report)
    assert not any("distance2" in line for line in short)
    assert join(short).count("35 of 35 verdicts false, rounds 26–60. At fault: the judge.") == 1
    assert len(short) < 40
    for details in (4, ALL):
        whole = tell(report, details=details)
        assert sum("distance2: 134743273" in line for line in whole) == 35
        assert sum("- round 26: it attested" in line for line in whole) == 1
    assert not any("distance2" in line for line in tell(report, details=3))
    assert any("none is about seat 3" in line for line in tell(report, details=3))


def test_a_report_of_thousands_of_findings_is_a_few_pages() -> None:
    report = huge()
    assert len(report.findings) > 1000
    short = tell(report)
    assert len(short) < 450
    assert sum("--details" in line for line in short) >= 6
    whole = tell(report, details=ALL)
    assert sum("--details" in line for line in whole) == 0
    assert sum(line.startswith("        - round") for line in whole) == len(report.findings)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("details", [None, ALL])
def test_nothing_is_wider_than_the_terminal(width: int, details: int | None) -> None:
    names = Names({address(seat): LONG[:60] for seat in range(256)})
    for line in tell(huge(), width, names, details):
        assert cell_len(line) <= width, line
        assert line.isprintable()


def test_addresses_stand_whole_beside_their_names() -> None:
    assert f"seat 4, Clinic Nord ({address(4)})" in join(tell(liars(4)))


# ---------------------------------------------------------------------------------------------------- lists


def sections(report: Report) -> Iterator[str]:
    return (line for line in tell(report) if line and not line.startswith(" "))


def test_what_is_not_there_has_no_heading() -> None:
    headings = list(sections(Report(1, "0x" + "11" * 20, 9)))
    assert not {"Membership", "Disputes", "Coin", "Privacy", "Availability", "Notes"} & set(headings)
    assert {"Membership", "Disputes", "Coin", "Privacy", "Availability", "Notes"} <= set(sections(huge()))


def test_coin_is_told_in_eth_with_who_lost_it_through_what() -> None:
    report = Report(1, "0x" + "11" * 20, 9)
    report.coin = CoinFlow(
        10**18, 10**17, 5 * 10**18 + 10**17, 375 * 10**15, 0, {address(8): 225 * 10**15}, 45 * 10**17
    )
    why = "its verdict about seat 5 was found false"
    report.coin.losses = [CoinLoss(address(4), 4, 5 * 10**17, 125 * 10**15, address(8), why, 0, 26, 41, "0x")]
    said = join(tell(report))
    assert "put down, ever 5.1 ETH" in said
    assert "burned 0.375 ETH" in said
    assert f"seat 4, Clinic Nord ({address(4)}), lost 0.5 ETH dispute 0, round 26: {why}; block 41" in said
    assert f"0.125 ETH of it to {address(8)}, the rest is burned" in said
    assert f"{address(8)} is owed 0.225 ETH" in said


def test_availability_shows_when_somebody_was_away() -> None:
    report = Report(1, "0x" + "11" * 20, 9)
    there = Attendance(10, 10, 10, 10, 0, 40, 0, 0, 40, 0)
    away = replace(there, waited_for=1, committed=0, attested=0, dozed=9, judges=0, neighbours=0)
    partly = replace(there, committed=7, attested=4, unavailable=3)
    report.spans = [(1, 10), (11, 20), (21, 30)]
    report.availability = [
        HolderAvailability(0, 1, address(0), (there,) * 3),
        HolderAvailability(4, 1, address(4), (there, away, partly)),
        HolderAvailability(5, 2, address(5), (Attendance(), there, there)),
        HolderAvailability(6, 1, address(6), (there, replace(there, unavailable=21, unreached=5), there)),
    ]
    lines = tell(report)
    assert "  There in every round that they had a seat in: seats 0, 5." in lines
    row = next(line for line in lines if "Clinic Nord" in line)
    assert row.split() == ["4", "Clinic", "Nord", "30", "21", "17", "14", "9", "3/80", "#.-"]
    assert "Absence proves no fault." in join(lines)
    assert next(line for line in lines if line.startswith("  6")).split()[-2:] == ["21/120", "#x#"]


def test_the_report_says_what_was_and_what_was_not_recomputed(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(1, "0x" + "11" * 20, 9, scope="2 drawn from 40 in rounds 1 to 10, seed 7")
    report.recomputed, report.not_recomputed, report.started, report.pruned = 1, 1, 2, 3
    report.sample, report.sample_seed = [(3, 1), (5, 0)], 7
    print_report(report)
    said = " ".join(capsys.readouterr().out.split())
    assert "recomputed 1 attestation of 2 drawn from 40 in rounds 1 to 10, seed 7" in said
    assert "from 2 checkpoints on; 1 could not be; 3 updates of final rounds are not served any more" in said
    assert {"sample": [(3, 1), (5, 0)], "sample_seed": 7, "recomputed": 1}.items() <= make_fields(report).items()


def test_machines_get_a_format_when_and_by_which_program() -> None:
    fields = make_fields(liars(4), made_s=1_800_000_000, names=NORD)
    assert (fields["format"], fields["made_at"]) == (1, "2027-01-15T08:00:00Z")
    assert fields["made_by"].startswith("folkmoot ")
    assert fields["names"] == {address(4): "Clinic Nord"}
    (group,) = fields["groups"]
    assert (group["count"], group["looked_at"], group["rounds"], group["blamed"]) == (35, 35, [[26, 60]], True)


def test_a_time_of_no_calendar_is_told_as_it_stands() -> None:
    report = liars(4)
    report.head_time_s = report.read_at_s = 2**62
    report.membership = [MembershipChange("left", 1, 4, address(4), "given up", 7, "0x", 2**62)]
    assert "of second 4.6" in join(tell(report))
    assert make_fields(report)["made_at"] is None


def test_names_and_eth_stand_in_the_evidence_too() -> None:
    report = Report(1, "0x" + "11" * 20, 9)
    report.add(
        Check.FAULTS,
        "it signed two updates for round 1 and lost its seat",
        Kind.EQUIVOCATION,
        round_number=1,
        seat=2,
        peer=address(2),
        bond=10**18,
        reporter=address(4),
        transaction="0x" + "ab" * 32,
    )
    said = join(tell(report, details=2))
    assert f"bond: 1 ETH reporter: Clinic Nord ({address(4)})" in said
    # A longer number is no address, whatever it begins with.
    assert "0x" + "ab" * 32 in said
