"""Updates that travel as differences: who lost everything, or comes late, reads back to the last key frame."""

import shutil

import numpy as np

from ledger.arithmetic.exact import GridState
from ledger.blobs.contents.records import UPDATE_MAGIC, decode_genesis, read_reference
from ledger.chain.deployment.deploy import CircleFile, open_circle
from ledger.judging.frame_chains import (
    CircleTask,
    StateCache,
    decode_public_state,
    find_frame_chain,
    make_fetched_update,
)
from node.blobs.store import BlockStore
from tests.support.network.local_run import LocalRun

VICTIM = 2


def test_a_peer_without_its_data_and_a_newcomer_go_on_from_the_others_frames(run: LocalRun) -> None:
    run.start("honest", "honest", "honest", rounds=5, options=["--codec", "delta"], paced=True)
    run.open_gates(2)
    run.wait_round(3)
    run.wait_for(lambda: 2 in run.rounds(VICTIM), "round 2 at the victim")
    run.kill(VICTIM)
    shutil.rmtree(run.network.peers[VICTIM].folder / "data")
    run.start_peer(VICTIM)
    newcomer = run.add_peer()
    run.open_gates(3, 0, 1)
    run.wait_joined(VICTIM, 2)
    run.open_gates(5)
    run.wait_finished()

    assert run.log(VICTIM).count("rebuilding base") == 2
    verdicts = run.verdicts(newcomer, 5)
    assert len(verdicts) == 2
    assert set(verdicts.values()) == {"accepted"}
    assert run.findings() == []
    history = run.history()
    store = BlockStore(run.network.peers[0].folder / "data" / "blobs")
    references = {}
    for round_ in history.rounds:
        blob = store.get(round_.commits[run.seat(0)], 1 << 20)
        assert blob.startswith(UPDATE_MAGIC)
        references[round_.number] = read_reference(blob, history.manifest)
    commits = [round_.commits[run.seat(0)] for round_ in history.rounds]
    assert references == {1: b"", 2: commits[0], 3: commits[1], 4: commits[2], 5: commits[3]}


def test_how_much_a_peer_sends_is_its_own_business(run: LocalRun) -> None:
    run.start_chain()
    run.found("honest", "honest", rounds=3, options=["--codec", "delta"])
    for peer, options in enumerate((["--sent-share", "0.5"], [])):
        run.start_peer(peer, "--seat", str(peer), *options)
    run.wait_finished()
    changed = []
    for peer in (0, 1):
        before, after = (state_of(run, peer, number) for number in (2, 3))
        changed.append(float(np.mean(before != after)))
    assert 0.4 < changed[0] < 0.6
    assert 0.015 < changed[1] < 0.045
    assert run.findings() == []


def state_of(run: LocalRun, index: int, number: int) -> GridState:
    """What a peer published in a round, read from its own store."""
    history = run.history()
    manifest, seat, round_ = history.manifest, run.seat(index), history.rounds[number - 1]
    store = BlockStore(run.network.peers[index].folder / "data" / "blobs")
    network = open_circle(CircleFile.read(run.network.circle_file)).network.domain_separator
    genesis = decode_genesis(store.get(manifest.genesis_digest, 1 << 20), manifest)
    links = find_frame_chain(history, round_, seat)
    blobs = {link.digest: store.get(link.digest, 1 << 20) for link in links}
    fetched = make_fetched_update(links, round_.tenures[seat], blobs)
    return decode_public_state(fetched, CircleTask(manifest, network, StateCache(genesis))).state
