"""A circle that goes on from an earlier one, of real processes: from the gateways of whoever is there."""

import pytest

from ledger.blobs.contents.records import decode_genesis, state_digest
from ledger.chain.deployment.circle_file import CircleFile
from ledger.circle.manifest import Origin
from ledger.judging.circle_model import find_first_commit
from node.cli.main import main
from node.learning.genesis import genesis_path
from tests.support.network.first_updates import base_of_first_update
from tests.support.network.local_run import LocalRun

pytestmark = pytest.mark.rule("R31")
USAGE, SET_UP = 2, 3
LATE = 2


def test_a_member_leaves_and_the_others_go_on_from_before_it_came(
    run: LocalRun, capsys: pytest.CaptureFixture[str]
) -> None:
    run.start("honest", "honest", rounds=3, options=["--commit-window", "600", "--codec", "delta"], paced=True)
    run.open_gates(1)
    run.wait_round(2)
    run.add_peer("honest")
    run.wait_joined(LATE)
    run.open_gates(3)
    run.wait_finished(0, 1)
    first = find_first_commit(run.history(), LATE)
    assert first is not None
    assert first > 1
    earlier, out = run.network.circle_file, run.network.folder / "next.json"
    origin = Origin(chain_id=CircleFile.read(earlier).chain_id, contract=run.contract.lower(), round=first - 1)

    def deploy(*options: str, task: str = f"{run.network.folder / 'task.py'}:PacedPoints") -> int:
        named = ["--fork-from", str(earlier), "--out", str(out), "--task", task, "--peers", "2", "--rounds", "1"]
        return main(["deploy", *named, *options])

    assert deploy("--before", str(LATE), "--estimate") == 0
    said = capsys.readouterr().out
    [digest] = [line.split()[1] for line in said.splitlines() if line.startswith("genesis ")]
    assert f"its model after round {first - 1}" in said
    assert f"left     seat {LATE}, first update in round {first}; " in said
    assert deploy("--after", "9") == USAGE
    assert "the rounds settled in that circle are 0..3" in capsys.readouterr().err
    assert deploy(task="digits") == SET_UP
    assert (
        "is of a circle that this task cannot go on from: this is a model whose shapes differ"
        in capsys.readouterr().err
    )
    assert not out.exists()

    # Fetched and recomputed anew, it is the same state.
    assert deploy("--before", str(LATE)) == 0
    assert digest in capsys.readouterr().out
    assert main(["status", "--circle", str(out), "--check-origin", str(earlier)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert (
        f"origin: this circle starts from the model after round {origin.round} of circle {origin.contract}" in said
    )
    assert f"origin equal: recomputed from chain and blobs, the model after round {origin.round}" in said
    former = run.network.folder / "former.json"
    former.write_bytes(earlier.read_bytes())
    run.adopt(out)
    # Everybody is away, and a former member's own folder has what it takes.
    run.start_peer(0, "--seat", "0", "--check-origin", str(former))
    run.start_peer(1, "--seat", "1")
    run.wait_finished(0, 1)
    manifest = run.history().manifest
    assert (manifest.origin, manifest.genesis, manifest.codec) == (origin, digest, "delta")
    start = state_digest(decode_genesis(genesis_path(run.network.circle_file).read_bytes(), manifest))
    assert {base_of_first_update(run, index) for index in (0, 1)} == {start}
    assert run.findings() == []
    assert [one["is_equal"] for one in run.events(0, "notice") if one["kind"] == "origin_checked"] == [True]
    assert [one["round"] for one in run.events(1, "notice") if one["kind"] == "origin"] == [origin.round]
