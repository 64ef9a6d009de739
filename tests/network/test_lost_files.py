"""Peers whose files are lost or damaged go on, and hold up nobody."""

from tests.support.network.local_run import LocalRun

VICTIM = 2


def test_a_peer_whose_own_update_is_damaged_sits_the_round_out_and_is_in_the_next_one(run: LocalRun) -> None:
    options = ["--quorum", "2", "--commit-window", "600", "--attest-window", "6"]
    run.start("honest", "honest", "honest", rounds=3, options=options, paced=True)
    run.open_gates(1)
    run.wait_round(2)
    run.open_gates(2, VICTIM)
    run.wait_committed(VICTIM, 2)
    run.kill(VICTIM)
    seat, blocks = run.seat(VICTIM), run.network.peers[VICTIM].folder / "data" / "blobs" / "blocks"
    name = run.history().rounds[1].commits[seat].hex()
    block = blocks / name[:2] / name
    content = bytearray(block.read_bytes())
    content[10] ^= 1
    block.write_bytes(bytes(content))
    run.start_peer(VICTIM)
    run.wait_joined(VICTIM, 2)
    run.open_gates(2)
    # It was waited for in vain, so nobody waits for it now.
    run.open_gates(3, VICTIM)
    run.wait_committed(VICTIM, 3)
    run.open_gates(3)
    run.wait_finished()

    assert [seat in round_.attestations for round_ in run.history().rounds] == [True, False, True]
    said = run.log(VICTIM)
    assert f"block damaged, removed file={block}" in said
    assert "this peer's own update of round 2 is lost" in said
    assert "Traceback" not in said
    # Its update can be shown by nobody any more; nothing else is amiss.
    assert {found["seat"] for found in run.findings()} <= {seat}
