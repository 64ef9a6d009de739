"""Circles with differential privacy, of real processes: charged first, stated in every update, and never beyond."""

import signal
from pathlib import Path

import pytest

from ledger.blobs.contents.records import UPDATE_MAGIC, Update, decode_blob, update_max_bytes
from ledger.privacy.statement import PrivacyStatement, check_statement
from node.blobs.store import BlockStore
from node.learning.private.charges import EARLIER, ChargeFile
from tests.support.network.local_run import LocalRun

VICTIM = 2
# A quarter of the 60 examples a step. An ε of 8 holds 29 rounds, one of 2.3 two.
TWO_ROUNDS = "2.3"


def found(run: LocalRun, rounds: int) -> None:
    run.start_chain()
    run.found("honest", "honest", "honest", rounds=rounds, options=["--privacy", "epsilon=8,sigma=1.958,batch=15"])


def start(run: LocalRun, *options: str) -> None:
    """All three. options: of the victim."""
    for index in range(3):
        run.start_peer(index, "--seat", str(index), *(options if index == VICTIM else ()))


def charges_of(run: LocalRun, index: int) -> Path:
    folder = run.network.peers[index].folder / "data" / "circles"
    [path] = folder.glob(f"*-{run.contract.lower()}/*/privacy.txt")
    return path


def charged_of(run: LocalRun, index: int) -> list[int]:
    """The rounds charged, in order."""
    return [one.round for one in ChargeFile(charges_of(run, index)).charged]


def statements_of(run: LocalRun, index: int) -> list[PrivacyStatement]:
    """What a peer's updates say, round by round; each may be said."""
    history, seat = run.history(), run.seat(index)
    store = BlockStore(run.network.peers[index].folder / "data" / "blobs")
    found = []
    for round_ in history.rounds:
        blob = store.find(round_.commits[seat], update_max_bytes(history.manifest))
        assert blob is not None
        update = decode_blob(blob, UPDATE_MAGIC, Update, len(blob))
        check_statement(update.privacy, history.manifest.privacy)
        assert update.privacy is not None
        found.append(update.privacy)
    return found


def spent_by(run: LocalRun, index: int) -> int:
    """ε in thousandths, as its last update says."""
    return statements_of(run, index)[-1].epsilon_milli


def test_a_peer_killed_between_charge_and_commit_is_charged_twice_and_says_so(run: LocalRun) -> None:
    found(run, rounds=3)
    start(run, "--fail-at", "2:charged")
    assert run.wait_for_end(VICTIM) == -signal.SIGKILL
    assert charged_of(run, VICTIM) == [1, 2]
    assert VICTIM not in run.history().rounds[1].commits
    run.start_peer(VICTIM)
    run.wait_finished()
    assert charged_of(run, VICTIM) == [1, 2, 2, 3]
    said = statements_of(run, VICTIM)
    assert [(one.charged, one.rounds) for one in said] == [(1, 1), (2, 3), (1, 4)]
    assert [(one.charged, one.rounds) for one in statements_of(run, 0)] == [(1, 1), (1, 2), (1, 3)]
    assert run.findings() == []


def test_a_peer_killed_in_the_last_round_that_its_budget_holds_is_not_accused_of_its_base(run: LocalRun) -> None:
    """What was charged and never published is gone, and an update that holds no training does not claim it."""
    found(run, rounds=3)
    start(run, "--privacy-budget", TWO_ROUNDS, "--fail-at", "2:charged")
    assert run.wait_for_end(VICTIM) == -signal.SIGKILL
    run.start_peer(VICTIM, "--privacy-budget", TWO_ROUNDS)
    run.wait_finished()
    assert charged_of(run, VICTIM) == [1, 2]
    said = statements_of(run, VICTIM)
    assert [(one.charged, one.rounds) for one in said] == [(1, 1), (0, 1), (0, 1)]
    assert run.findings() == []


def test_a_peer_killed_after_its_update_was_made_sends_that_one_and_is_not_charged_again(run: LocalRun) -> None:
    found(run, rounds=2)
    start(run, "--fail-at", "2:commit")
    assert run.wait_for_end(VICTIM) == -signal.SIGKILL
    run.start_peer(VICTIM)
    run.wait_finished()
    assert charged_of(run, VICTIM) == [1, 2]
    assert [one.rounds for one in statements_of(run, VICTIM)] == [1, 2]


def test_a_peer_whose_budget_is_spent_judges_on(run: LocalRun) -> None:
    found(run, rounds=4)
    start(run, "--privacy-budget", TWO_ROUNDS)
    run.wait_finished()
    assert charged_of(run, VICTIM) == [1, 2]
    said = statements_of(run, VICTIM)
    assert [one.charged for one in said] == [1, 1, 0, 0]
    assert {one.epsilon_milli for one in said[1:]} == {said[1].epsilon_milli}
    assert said[1].epsilon_milli <= 2300
    # It attests and is told once, and the others are not charged less.
    assert all(VICTIM in round_.attestations for round_ in run.history().rounds)
    [notice] = [one for one in run.events(VICTIM, "notice") if one["kind"] == "privacy_spent"]
    assert notice["budget_epsilon"] == 2.3
    last = run.rounds(VICTIM)[4]["privacy"]
    assert (last["rounds_charged"], last["rounds_left"]) == (2, 0)
    shown = run.command("status", "--folder", str(run.network.peers[VICTIM].folder / "data"))["privacy"]
    assert shown["terms"]["epsilon_milli"] == 8000
    spent = said[1].epsilon_milli / 1000
    assert shown["own"] == {"spent_epsilon": spent, "budget_epsilon": 2.3, "rounds_charged": 2, "rounds_left": 0}
    folder = ["--folder", str(run.network.peers[VICTIM].folder / "data"), "--stand-ins", "8"]
    assert "is in use by a node" in run.refusal("leakage", *folder)
    run.kill(VICTIM)
    leakage = run.command("leakage", *folder)
    # The rounds that it trained for, with the circle's own terms.
    assert leakage["rounds_published"] == [1, 2]
    assert 2 < leakage["ways"][0]["claimed_epsilon"] < 3
    assert leakage["ways"][0]["published"]["area"]["members"] == 60
    assert set(run.verdicts(VICTIM, 4).values()) <= {"accepted", "rejected"}
    assert charged_of(run, 0) == [1, 2, 3, 4]
    assert run.findings() == []


def test_what_a_lost_folder_had_spent_stands_in_the_peers_own_updates(run: LocalRun) -> None:
    found(run, rounds=3)
    start(run, "--fail-at", "2:exchange")
    assert run.wait_for_end(VICTIM) == -signal.SIGKILL
    path = charges_of(run, VICTIM)
    path.unlink()
    run.start_peer(VICTIM)
    run.wait_finished()
    assert charged_of(run, VICTIM) == [0, 0, 3]
    assert "privacy charges taken from a published update rounds=2 instead_of=0" in run.log(VICTIM)
    assert [one.rounds for one in statements_of(run, VICTIM)] == [1, 2, 3]
    assert run.findings() == []


def test_a_damaged_file_of_charges_stops_the_peer_with_a_sentence(run: LocalRun) -> None:
    found(run, rounds=3)
    start(run, "--fail-at", "2:exchange")
    assert run.wait_for_end(VICTIM) == -signal.SIGKILL
    path = charges_of(run, VICTIM)
    path.write_bytes(path.read_bytes().replace(b"250000000", b"100000000"))
    run.start_peer(VICTIM)
    assert run.wait_for_end(VICTIM) == 3
    assert "is damaged in line 1, so what this peer has spent of its privacy is not known" in run.log(VICTIM)


def test_what_one_circle_spent_counts_in_the_next(run: LocalRun) -> None:
    found(run, rounds=2)
    start(run)
    run.wait_finished()
    first = spent_by(run, VICTIM)
    earlier = run.found_next(rounds=1, options=["--privacy", "epsilon=8,sigma=2.5,batch=20"])
    start(run, "--privacy-after", str(earlier))
    run.wait_finished()
    charged = charged_of(run, VICTIM)
    assert charged == [EARLIER] * (len(charged) - 1) + [1]
    assert charged_of(run, 0) == [1]
    assert spent_by(run, 0) < first < spent_by(run, VICTIM)
    assert run.findings() == []


def test_a_finished_circle_is_no_earlier_one_of_itself_and_a_node_that_is_stopped_says_so(run: LocalRun) -> None:
    found(run, rounds=1)
    start(run)
    run.wait_finished()
    assert run.stop(VICTIM) == 0
    assert [one["signal"] for one in run.events(VICTIM, "stopped")] == ["SIGTERM"]
    run.start_peer(VICTIM, "--privacy-after", str(run.network.circle_file), "--exit-when-finished")
    assert run.wait_for_end(VICTIM) == 2
    assert "that is this circle itself: name the file of the earlier one" in run.log(VICTIM)


@pytest.mark.parametrize("budget", ["0", "9", "many"])
def test_a_budget_above_the_circles_is_refused(run: LocalRun, budget: str) -> None:
    found(run, rounds=1)
    run.start_peer(0, "--privacy-budget", budget)
    assert run.wait_for_end(0) == 2
    assert "is not above 0 and at most 8, the circle's" in run.log(0)
