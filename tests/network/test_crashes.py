"""Peers and chains that die in the middle of a round, by SIGKILL, and come back."""

import signal

import pytest

from tests.support.network.local_run import LocalRun

VICTIM = 2


@pytest.mark.parametrize(
    ("steps", "windows"),
    [
        (["exchange", "attest"], ["--commit-window", "600", "--attest-window", "6"]),
        (["commit"], ["--commit-window", "4", "--attest-window", "600"]),
    ],
    ids=["between its commit and its attestation", "before its commit"],
)
def test_a_peer_killed_in_a_round_is_back_in_the_next_one(
    run: LocalRun, steps: list[str], windows: list[str]
) -> None:
    rounds = len(steps) + 2
    run.start("honest", "honest", "honest", rounds=rounds, options=["--quorum", "2", *windows], paced=True)
    commit_all(run, 1)
    for number, step in enumerate(steps, 2):
        run.wait_round(number)
        run.kill(VICTIM)
        run.start_peer(VICTIM, "--fail-at", f"{number}:{step}")
        run.expect_death(VICTIM)
        run.wait_joined(VICTIM, number)
        if step == "commit":
            run.open_gates(number)
        else:
            commit_all(run, number)
        assert run.wait_for_end(VICTIM) == -signal.SIGKILL
    # The others finish the round without it, at its deadline.
    run.wait_round(rounds)
    run.start_peer(VICTIM)
    run.wait_joined(VICTIM, rounds)
    commit_all(run, rounds)
    run.wait_finished()

    seat, seen = run.seat(VICTIM), run.history().rounds
    assert {event["seat"] for event in run.events(VICTIM, "joined")} == {seat}
    assert [seat in round_.commits for round_ in seen] == [True, *(step != "commit" for step in steps), True]
    assert [seat in round_.attestations for round_ in seen] == [True, *(False for _ in steps), True]
    report = run.network.audit()
    assert report["findings"] == []
    # Every update names the base that its author's last attested round gave, also after the restarts.
    assert report["examined"]["A6"] == sum(len(r.commits) + len(r.attestations) for r in seen)


def commit_all(run: LocalRun, number: int) -> None:
    """The victim before the others: after a deadline, the commit that makes the quorum closes the phase."""
    run.open_gates(number, VICTIM)
    run.wait_committed(VICTIM, number)
    run.open_gates(number)


def test_a_peer_told_to_stop_while_it_trains_stops_at_once(run: LocalRun) -> None:
    """No gate is opened: whoever waited for the training to end would wait for minutes."""
    run.start("honest", "honest", rounds=1, paced=True)
    run.wait_round(1)
    run.wait_training(0)
    process = run.network.peers[0].process
    assert process is not None
    process.terminate()
    assert process.wait(30) == 0


def test_peers_wait_for_a_chain_that_was_killed_and_go_on(run: LocalRun) -> None:
    run.start("honest", "honest", "honest", rounds=3, paced=True)
    run.open_gates(1)
    run.wait_round(2)
    run.kill_chain()
    run.open_gates(3)
    run.wait_for(lambda: all("does not answer" in run.log(index) for index in range(3)), "patience")
    run.restart_chain()
    run.wait_finished()
    assert all(set(run.rounds(index)) == {1, 2, 3} for index in range(3))
    assert run.findings() == []


def test_a_damaged_state_file_is_set_aside_and_the_state_rebuilt(run: LocalRun) -> None:
    run.start("honest", "honest", "honest", rounds=4, paced=True)
    run.open_gates(2)
    run.wait_round(3)
    run.wait_for(lambda: 2 in run.rounds(VICTIM), "round 2 at the victim")
    run.kill(VICTIM)
    (state,) = (run.network.peers[VICTIM].folder / "data").rglob("state.bin")
    raw = bytearray(state.read_bytes())
    raw[len(raw) // 2] ^= 1
    state.write_bytes(bytes(raw))
    run.start_peer(VICTIM)
    run.open_gates(4)
    run.wait_finished()
    said = f"state file not usable, kept aside, rebuilding from chain and blobs file={state}.damaged fault="
    assert said in run.log(VICTIM)
    assert run.log(VICTIM).count("rebuilding base") == 2
    assert set(run.rounds(VICTIM)) == {1, 2, 3, 4}
    assert run.findings() == []
