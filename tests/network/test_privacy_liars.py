"""Peers that claim differential privacy and train otherwise, among honest ones, and whom the audit names."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.network.local_run import LocalRun

HONEST, NOISELESS, HALF_NOISY, UNCHARGED, LATE, EARLY = (0, 1, 2), 3, 4, 5, 6, 7
KINDS = (*["honest"] * len(HONEST), *["less-noise"] * 2, "uncharged", "sleeper:more-examples", "more-examples")
OPTIONS = {HALF_NOISY: ("--attack-parameter", "share=0.5"), LATE: ("--attack-parameter", "asleep=1")}
ROUNDS = 3
TOO_SMALL = "its step is smaller than the noise that it must hold"
MOVED = "it was not charged, and published another state than its base"
CONTRADICTION = "its privacy statement does not follow from the one before: "

Audited = tuple[LocalRun, dict[str, Any]]
pytestmark = [pytest.mark.rule("R22.3"), pytest.mark.rule("R30.4")]


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    """The network after its last round, and the audit's report."""
    run = LocalRun(tmp_path_factory.mktemp("privacy-liars") / "run")
    with run.network:
        run.start_chain()
        run.found(*KINDS, rounds=ROUNDS, options=["--privacy", "epsilon=8,sigma=1.958,batch=15"])
        for peer in run.network.peers:
            run.start_peer(peer.index, "--seat", str(peer.index), *OPTIONS.get(peer.index, ()))
        run.wait_finished()
        yield run, run.network.audit()


def named(audited: Audited, index: int) -> list[tuple[int, str]]:
    """The rounds in which the audit found something of a peer, and what."""
    run, report = audited
    seat = run.seat(index)
    assert {found["check"] for found in report["findings"]} == {"A12"}
    return [(found["round"], found["fact"]) for found in report["findings"] if found["seat"] == seat]


def list_shares(audited: Audited, index: int) -> list[float]:
    """Each of a peer's steps, in parts of the noise that it must hold."""
    run, report = audited
    return [line["noise_milli"] / 1000 for line in report["privacy"] if line["seat"] == run.seat(index)]


def test_the_statement_says_of_each_seat_what_it_claims_and_how_that_fared(audited: Audited) -> None:
    run, _ = audited
    said = run.network.audit("--statement")
    seats = {one["seat"]: one for one in said["seats"]}
    assessments = {index: seats[run.seat(index)]["assessment"] for index in range(len(KINDS))}
    liars = (NOISELESS, HALF_NOISY, UNCHARGED, LATE)
    assert {index for index, assessment in assessments.items() if assessment == "contradicted"} == set(liars)
    assert {assessments[index] for index in (*HONEST, EARLY)} == {"nothing against it"}
    honest = seats[run.seat(HONEST[0])]
    assert (honest["rounds_charged"], honest["updates_read"], honest["noise_measured"]) == (3, 3, 3)
    assert (honest["epsilon"], honest["delta"], honest["examples_said"]) == (2.547, "1e-5", 60)
    assert seats[run.seat(NOISELESS)]["detected_at_most"] is None
    assert said["not_checked"] == []
    assert "randomness" in said["cannot_be_checked"]


def test_no_honest_peer_is_named(audited: Audited) -> None:
    assert [named(audited, index) for index in HONEST] == [[]] * len(HONEST)
    assert min(share for index in HONEST for share in list_shares(audited, index)) > 0.9


def test_who_claims_noise_and_adds_none_or_half_is_named_in_every_round(audited: Audited) -> None:
    for liar, most in ((NOISELESS, 0.1), (HALF_NOISY, 0.6)):
        assert named(audited, liar) == [(number, TOO_SMALL) for number in range(1, ROUNDS + 1)]
        assert max(list_shares(audited, liar)) < most


def test_who_trains_and_says_that_nothing_was_spent_on_it_is_named_in_every_round(audited: Audited) -> None:
    assert named(audited, UNCHARGED) == [(number, MOVED) for number in range(1, ROUNDS + 1)]


def test_who_comes_to_have_more_examples_is_named_where_it_contradicts_itself(audited: Audited) -> None:
    [(number, fact)] = named(audited, LATE)
    assert (number, fact.partition("it said")[0]) == (2, CONTRADICTION)
    assert "60 examples before" in fact
    assert "120" in fact


def test_who_says_so_from_the_first_is_seen_by_nobody_and_the_report_says_that(audited: Audited) -> None:
    run, report = audited
    assert named(audited, EARLY) == []
    spent = {line["seat"]: line["epsilon_milli"] for line in report["privacy"]}
    assert spent[run.seat(EARLY)] < spent[run.seat(HONEST[0])]
    assert any("trains with a higher rate than it says, passes" in note for note in report["notes"])
