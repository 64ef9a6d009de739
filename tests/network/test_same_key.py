"""Two processes with one key: the second is refused, or told to take over, and never do both act."""

import shutil

from tests.support.network.local_run import LocalRun

OPTIONS = ["--degree", "3", "--bond", "1", "--commit-window", "120", "--attest-window", "120"]


def test_a_second_process_is_refused_takes_over_when_told_to_and_is_followed_when_it_dies(run: LocalRun) -> None:
    run.start("honest", "honest", "honest", rounds=4, options=OPTIONS, paced=True)
    run.open_gates(1)
    run.wait_round(2)
    first, seat = 2, run.seat(2)
    second = run.network.add_peer().index
    shutil.copy(run.key(first).path, run.key(second).path)

    run.start_peer(second)
    assert run.wait_for_end(second) == 3
    assert f"another process with this key serves seat {seat} at wss://" in run.log(second).splitlines()[-1]
    assert len(run.history().seats[seat].endpoints) == 1

    # The first is in the middle of its training for round 2, and must not commit what comes of it.
    run.wait_training(first)
    run.start_peer(second, "--take-over")
    run.wait_joined(second)
    run.open_gates(2)
    run.wait_for(lambda: "standing_by" in kinds(run, first), "notice that the first stands by")
    assert [run.verdicts(index, 2)[seat] for index in (0, 1)] == ["accepted", "accepted"]

    run.wait_round(3)
    run.kill(second)
    run.wait_for(lambda: "endpoint_back" in kinds(run, first), "endpoint taken back")
    run.open_gates(4)
    run.wait_finished(0, 1, first)
    assert [run.verdicts(index, number)[seat] for index in (0, 1) for number in (3, 4)] == ["accepted"] * 4
    assert run.history().seats[seat].is_held
    assert run.findings() == []


def kinds(run: LocalRun, index: int) -> list[str]:
    return [notice["kind"] for notice in run.events(index, "notice")]
