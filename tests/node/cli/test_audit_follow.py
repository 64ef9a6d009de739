"""`folkmoot audit --follow`: what it says and when it ends."""

import argparse
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path

import pytest

from ledger.audit.findings import Check, Report
from ledger.errors import PeerFault, SetupError, UsageError
from node.cli.audit_follow import Settlements, check_follow, describe_finding, follow, remembering


def reports() -> Iterator[Report]:
    """Of a circle whose every audit finds one thing more, and the older ones again."""
    for number in range(1, 9):
        report = Report(1, "0x", number, rounds=number)
        for round_number in range(1, number):
            report.add(Check.VERDICTS, "it lied", round_number=round_number, seat=2)
        yield report


def counting(*settled: tuple[int, bool]) -> Settlements:
    answers, slept = chain(settled, repeat(settled[-1])), list[float]()
    return Settlements(lambda: next(answers), slept.append)


def test_each_finding_is_told_once_as_it_comes_and_the_end_is_the_circles() -> None:
    told, notes, audits = list[str](), list[str](), reports()
    settlements = counting((1, False), (1, False), (2, False), (2, False), (3, False), (4, True))
    last = follow(lambda: next(audits), settlements, lambda one: told.append(describe_finding(one)), notes.append)
    assert told == [f"A5 round {number} seat 2: it lied" for number in (1, 2, 3)]
    assert last.head == 4
    assert len(notes) == 4
    assert "nothing found" in notes[0]
    assert "3 findings so far" in notes[3]


def test_of_a_circle_that_is_over_there_is_one_audit() -> None:
    audits = reports()
    assert follow(lambda: next(audits), counting((3, True)), lambda _: None, lambda _: None).head == 1


def test_ctrl_c_ends_it_with_the_last_whole_report() -> None:
    audits, count = reports(), 0

    def audit() -> Report:
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        return next(audits)

    settlements = counting((1, False), (2, False), (3, False))
    assert follow(audit, settlements, lambda _: None, lambda _: None).head == 2

    def broken_off() -> Report:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow(broken_off, counting((1, False)), lambda _: None, lambda _: None)


def test_what_is_not_found_any_more_is_told_too_and_once() -> None:
    told, notes = list[str](), list[str]()
    lied, *others = (Report(1, "0x", head, rounds=head) for head in (1, 2, 3))
    lied.add(Check.BLOBS, "nobody serves the update", round_number=1, seat=2)
    audits = iter([lied, *others])
    settlements = counting((1, False), (2, False), (3, True))
    last = follow(lambda: next(audits), settlements, lambda one: told.append(one.fact), notes.append)
    assert (last.head, told) == (3, ["nobody serves the update"])
    gone = [note for note in notes if "not found any more" in note]
    assert gone == ["audit: not found any more, A3 round 1 seat 2: nobody serves the update"]


@pytest.mark.parametrize("error", [SetupError, PeerFault])
def test_an_endpoint_that_is_away_or_answers_nonsense_for_a_while_loses_nothing(error: type[Exception]) -> None:
    notes, audits, count = list[str](), reports(), 0

    def audit() -> Report:
        nonlocal count
        count += 1
        if count == 2:
            raise error("the chain does not answer")
        return next(audits)

    settlements = counting((1, False), (2, True))
    assert follow(audit, settlements, lambda _: None, notes.append).head == 2, "the last round too"
    assert "the chain does not answer; what was audited before is kept" in " ".join(notes)


def test_rounds_are_remembered_where_that_was_said_or_for_now(tmp_path: Path) -> None:
    with remembering(tmp_path) as folder:
        assert folder == tmp_path
    with remembering(None) as folder:
        assert folder.is_dir()
    assert not folder.exists()


@pytest.mark.parametrize("name", ["sample", "bundle", "save"])
def test_it_goes_with_whole_audits_of_a_network_alone(name: str) -> None:
    about = {"follow": True, "sample": None, "bundle": None, "save": None}
    check_follow(argparse.Namespace(**about))
    with pytest.raises(UsageError, match="--follow"):
        check_follow(argparse.Namespace(**(about | {name: 1})))
