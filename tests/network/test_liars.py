"""A peer that lies about verdicts and one that withholds its updates, among honest ones, and the audit's word."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.network.local_run import LocalRun

HONEST, LIAR, WITHHOLDER = (0, 1, 2), 3, 4
ROUNDS = 2

Audited = tuple[LocalRun, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    """The network after its last round, and the audit's findings."""
    run = LocalRun(tmp_path_factory.mktemp("liars") / "run")
    with run.network:
        # A judge looks for a withheld update during six tenths of the attest window.
        windows = ["--commit-window", "60", "--attest-window", "6"]
        run.start("honest", "honest", "honest", "false-verdict", "withhold", rounds=ROUNDS, options=windows)
        run.wait_finished()
        yield run, run.findings("--timeout", "5")


def test_honest_peers_mark_a_withholder_unavailable_and_go_on(audited: Audited) -> None:
    run, _ = audited
    for index in HONEST:
        assert set(run.rounds(index)) == set(range(1, ROUNDS + 1))
        assert {run.verdicts(index, n).get(run.seat(WITHHOLDER)) for n in run.rounds(index)} == {"unavailable"}


def test_the_audit_finds_the_false_verdicts_of_the_liar(audited: Audited) -> None:
    run, findings = audited
    false = [found for found in findings if found["check"] == "A5" and found["fact"].startswith("it attested")]
    assert {(found["seat"], found["round"]) for found in false} == {(run.seat(LIAR), n + 1) for n in range(ROUNDS)}


def test_the_audit_names_the_withheld_updates_and_the_verdicts_nobody_can_check(audited: Audited) -> None:
    run, findings = audited
    seat = run.seat(WITHHOLDER)
    missing = [found for found in findings if found["check"] == "A3"]
    assert [(found["seat"], found["round"]) for found in missing] == [(seat, n + 1) for n in range(ROUNDS)]
    assert {found["fact"] for found in missing} == {"nobody serves the update"}
    own = [found["fact"] for found in findings if found["check"] == "A5" and found["seat"] == seat]
    assert own.count("it does not show what it judged from: the update is missing, its own") == ROUNDS
    # It serves nothing at all.
    assert "it does not show its checkpoint, from which its later verdicts follow" in own


def test_the_audit_accuses_no_honest_peer(audited: Audited) -> None:
    run, findings = audited
    assert {found["seat"] for found in findings} == {run.seat(LIAR), run.seat(WITHHOLDER)}


def test_the_liar_loses_reputation_to_nobody_but_itself(audited: Audited) -> None:
    run, _ = audited
    reputations = run.history().reputations
    honest = [reputations[run.seat(index)] for index in HONEST]
    assert min(honest) > reputations[run.seat(WITHHOLDER)]
