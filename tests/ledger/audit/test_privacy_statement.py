"""The privacy statement: who spent what, how much of it was looked at, and what that means."""

from dataclasses import replace
from decimal import Decimal

import pytest

from ledger.audit.findings import Check, HolderPrivacy, PrivacyLine, Report
from ledger.audit.privacy_statement import (
    ASSUMED,
    Assessment,
    assess,
    bound_detection,
    list_checked,
    list_holders,
    list_unchecked,
    make_statement_fields,
)
from node.cli.privacy_statement import describe_statement
from tests.support.histories.private_circles import Private, audited, private_circle

LINE = PrivacyLine(3, 1, 2500, 3, 1, 1, "1.958", 250_000_000, 1000, 1012, 5000)
HOLDER = HolderPrivacy(1, 1, "0xpeer", 3, 3, 1, 3, LINE, 3, 3, 5000, 5000, 1012)
TERMS: dict[str, str | int] = {
    "mechanism": "dp-sgd", "unit": "example", "epsilon_milli": 8000, "delta": "1e-5", "clip": "1",
    "sigma": "1.958", "batch": 250, "lr": "1.6", "steps": 4, "accountant": "rdp-1",
}  # fmt: skip


def report_of(*holders: HolderPrivacy) -> Report:
    report = Report(1, "0xcircle", 9, task="tiny", rounds=3, scope="all 3 rounds")
    report.count(Check.HISTORY, 20)
    report.privacy_terms, report.holders = TERMS, list(holders)
    return report


@pytest.mark.parametrize(
    ("epsilon_milli", "delta", "share"),
    [
        (0, "1e-5", "0.011"),
        (1000, "1e-5", "0.028"),
        (4000, "1e-5", "0.546"),
        (8000, "1e-5", "1.000"),
        # 1 − (1 − δ − .01) / e^6
        (6000, "1e-5", "0.998"),
        (1000, "0.01", "0.038"),
    ],
)
def test_what_an_epsilon_means_is_the_share_that_a_guesser_can_find(
    epsilon_milli: int, delta: str, share: str
) -> None:
    assert bound_detection(epsilon_milli, delta) == Decimal(share)


def test_each_author_is_told_of_with_its_newest_statement_and_its_least_step() -> None:
    circle = private_circle(Private(3, changes={2: {"rounds": 1, "charged": 0}, 3: {"rounds": 2}}))
    report = audited(circle)
    holders = {one.seat: one for one in list_holders(circle.history(), report.privacy)}
    assert sorted(holders) == [0, 1, 2, 3, 4]
    paused = holders[3]
    assert (paused.updates, paused.read, paused.charged, paused.measured) == (3, 3, 2, 2)
    assert (paused.first_round, paused.last_round) == (1, 3)
    assert paused.newest is not None
    assert (paused.newest.round, paused.newest.rounds, paused.newest.examples) == (3, 2, 1000)
    shares = [line.noise_milli for line in report.privacy if line.seat == 3 and line.charged]
    assert paused.least_noise_milli == min(share for share in shares if share is not None)


def test_what_was_not_read_is_counted_against_what_was_published() -> None:
    circle = private_circle()
    lines = [line for line in audited(circle).privacy if (line.seat, line.round) not in ((1, 3), (2, 1))]
    holders = list_holders(circle.history(), [line for line in lines if line.seat != 4])
    unread = list_unchecked(report_of(*holders))
    assert [holder.read for holder in holders] == [3, 2, 2, 3, 0]
    assert [said.partition(",")[0] for said in unread] == ["Seat 1", "Seat 2", "Seat 4"]
    assert "its last, of round 3, is not among them, so more may be spent by now" in unread[0]
    assert "its last is among them, so that is the whole of it" in unread[1]
    assert "none was, so that is not known" in unread[2]


def test_a_claim_stands_is_partly_checked_doubtful_or_contradicted() -> None:
    report = report_of(HOLDER)
    assert assess(report, HOLDER) == Assessment.STANDS
    assert assess(report, replace(HOLDER, read=2)) == Assessment.PARTLY
    assert assess(report, replace(HOLDER, measured=2)) == Assessment.PARTLY
    report.add(Check.VERDICTS, "it attested otherwise", round_number=2, seat=1)
    report.add(Check.PRIVACY, "another's", round_number=2, seat=2)
    report.add(Check.PRIVACY, "of who sat there before", round_number=2, seat=1)
    assert assess(report, replace(HOLDER, first_round=3)) == Assessment.STANDS
    assert assess(report, HOLDER) == Assessment.CONTRADICTED
    doubtful = report_of(HOLDER)
    doubtful.add(Check.BLOBS, "the update is invalid: it says less", round_number=2, seat=1)
    assert assess(doubtful, HOLDER) == Assessment.DOUBTFUL


def test_noise_that_was_seen_in_a_part_alone_is_a_part_of_the_check() -> None:
    report = report_of(replace(HOLDER, least_measured=300))
    assert assess(report, report.holders[0]) == Assessment.PARTLY
    assert any("in 300 of 5000 values at the least" in one for one in list_unchecked(report))
    assert "3 of 3, of 6.0% of the values at the least" in "\n".join(describe_statement(report))


def test_who_contradicts_itself_is_bound_by_nothing() -> None:
    report = report_of(HOLDER)
    assert make_statement_fields(report)["seats"][0]["detected_at_most"] == 0.122
    report.add(Check.PRIVACY, "its step is too small", round_number=2, seat=1)
    [seat] = make_statement_fields(report)["seats"]
    assert (seat["assessment"], seat["epsilon"], seat["detected_at_most"]) == ("contradicted", 2.5, None)
    assert [finding["fact"] for finding in seat["findings"]] == ["its step is too small"]


def test_a_delta_that_promises_a_seat_nothing_is_told() -> None:
    terms = TERMS | {"delta": "0.001"}
    for examples, expected, told in ((999, 0.999, False), (1000, 1.0, True), (0, None, False)):
        report = report_of(replace(HOLDER, newest=replace(LINE, examples=examples)))
        report.privacy_terms = terms
        assert make_statement_fields(report)["seats"][0]["expected_failures"] == expected
        said = "\n".join(describe_statement(report))
        assert ("**δ promises nothing to seat 1:** with 1000 examples, who gives one of them away" in said) is told


def test_what_is_measured_by_a_sample_is_said_to_be() -> None:
    said = "\n".join(describe_statement(report_of(HOLDER)))
    assert "is drawn by the hash of the block up to which the audit went" in said
    assert "drawn anew" not in said


def test_checks_tell_how_much_they_looked_at() -> None:
    report = audited(private_circle(Private(3, noise=0.0)))
    points = {point.point: point for point in list_checked(report)}
    assert (points["arithmetic"].looked_at, points["continuity"].looked_at) == (15, 15)
    assert (points["arithmetic"].findings, points["continuity"].findings) == (0, 3)


def test_in_english_it_says_all_that_it_says_to_machines() -> None:
    text = "\n".join(describe_statement(report_of(HOLDER, replace(HOLDER, seat=2, tenure=2, read=2))))
    assert "**In short:** partly checked for seat 2 (holder 2); nothing against it for seat 1." in text
    assert "| 1 | 0xpeer | 2.500 | 1e-5 | 3 | 3 | 1.958 | 0.25 | 1000 | 12.2% |" in text
    assert "Seat 2, 0xpeer: 1 of 3 updates were not read." in text
    assert all(f"- {sentence}" in text for sentence in ASSUMED.values())


def test_without_terms_nothing_is_claimed_and_without_a_history_nothing_was_checked() -> None:
    report = report_of()
    report.privacy_terms = None
    text = "\n".join(describe_statement(report))
    assert "**Nothing is claimed.** The circle has no privacy terms" in text
    assert "randomness" not in text
    unread = Report(1, "0xcircle", 0)
    said = make_statement_fields(unread)
    assert (said["claim"], said["seats"], said["cannot_be_checked"]) == (None, [], {})
    assert said["not_checked"] == ["The chain's history was not read: nothing of this circle was checked."]
    assert "Nothing is claimed" not in "\n".join(describe_statement(unread))


def test_what_is_found_again_and_again_is_one_sentence_with_its_rounds() -> None:
    circle = private_circle(Private(3, noise=0))
    report = audited(circle)
    report.privacy_terms, report.holders = TERMS, list_holders(circle.history(), report.privacy)
    told = [line for line in describe_statement(report) if line.startswith("Seat 3, ")]
    assert told == ["Seat 3, A12: 3 of 3 updates with a step smaller than the noise it must hold, rounds 1–3."]
