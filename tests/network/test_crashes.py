"""Peers and chains that die in the middle of a round, by SIGKILL, and come back."""

import signal

import pytest
from local_run import LocalRun

SHORT_WINDOWS = ("--quorum", "3", "--commit-window", "4", "--attest-window", "6")


def test_a_peer_killed_at_any_step_is_back_in_the_next_round(run: LocalRun) -> None:
    run.start("honest", "honest", "honest", "honest", rounds=5, options=SHORT_WINDOWS, paced=True)
    victim = 3
    commit_all(run, 1, first=victim)
    run.wait_round(2)
    for number, step in [(2, "commit"), (3, "exchange"), (4, "attest")]:
        run.kill(victim)
        run.start_peer(victim, "--fail-at", f"{number}:{step}")
        run.expect_death(victim)
        run.wait_joined(victim, number)
        if step == "commit":
            run.open_gates(number)
        else:
            commit_all(run, number, first=victim)
        assert run.wait_for_end(victim) == -signal.SIGKILL
        # The others finish the round without it, at its deadline.
        run.wait_round(number + 1)
    run.start_peer(victim)
    run.wait_joined(victim, 5)
    commit_all(run, 5, first=victim)
    run.wait_finished()

    seat, rounds = run.seat(victim), run.history().rounds
    assert {event["seat"] for event in run.events(victim, "joined")} == {seat}
    assert [seat in round_.commits for round_ in rounds] == [True, False, True, True, True]
    assert [seat in round_.attestations for round_ in rounds] == [True, False, False, False, True]
    assert all(len(round_.attestations) >= 3 for round_ in rounds)
    report = run.network.audit()
    assert report["findings"] == []
    # Every update names the base that its author's last attested round gave, also after the restarts.
    assert report["examined"]["A6"] == sum(len(r.commits) + len(r.attestations) for r in rounds)


def commit_all(run: LocalRun, number: int, *, first: int) -> None:
    """One peer before the others: once a deadline has passed, the commit that makes the quorum closes the phase."""
    run.open_gates(number, first)
    run.wait_committed(first, number)
    run.open_gates(number)


def test_peers_wait_for_a_chain_that_was_killed_and_go_on(run: LocalRun) -> None:
    run.start("honest", "honest", "honest", rounds=3, paced=True)
    run.open_gates(1)
    run.wait_round(2)
    run.kill_chain()
    run.open_gates(3)
    run.wait_for(lambda: all("chain unreachable" in run.log(index) for index in range(3)), "patience")
    run.restart_chain()
    run.wait_finished()
    assert all(set(run.rounds(index)) == {1, 2, 3} for index in range(3))
    assert run.findings() == []


@pytest.mark.parametrize("damage", ["cut short", "one bit"])
def test_a_damaged_state_file_is_a_sentence_and_its_absence_a_rebuild(run: LocalRun, damage: str) -> None:
    run.start("honest", "honest", "honest", rounds=4, paced=True)
    victim = 2
    run.open_gates(2)
    run.wait_round(3)
    run.wait_for(lambda: 2 in run.rounds(victim), "round 2 at the victim")
    run.kill(victim)
    state = run.network.peers[victim].folder / "data" / "state.bin"
    raw = bytearray(state.read_bytes())
    raw[len(raw) // 2] ^= 1
    state.write_bytes(bytes(raw) if damage == "one bit" else bytes(raw[:-20]))
    run.start_peer(victim)
    assert run.wait_for_end(victim) == 3
    complaint = run.log(victim).splitlines()[-1]
    assert complaint.startswith(f"folkmoot: the state file {state} is damaged: move it away and start again")
    assert "Traceback" not in run.log(victim)

    state.rename(state.with_suffix(".damaged"))
    run.start_peer(victim)
    run.open_gates(4)
    run.wait_finished()
    assert run.log(victim).count("rebuilding base") == 2
    assert set(run.rounds(victim)) == {1, 2, 3, 4}
    assert run.findings() == []
