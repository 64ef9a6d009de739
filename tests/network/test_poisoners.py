"""Poisoners through the production path, on handwritten digits."""

import numpy as np
import numpy.typing as npt

from ledger.arithmetic.exact import to_float
from ledger.blobs.contents.records import update_max_bytes
from ledger.chain.deployment.deploy import CircleFile, open_circle
from ledger.judging.frame_chains import (
    CircleTask,
    StateCache,
    decode_public_state,
    find_frame_chain,
    make_fetched_update,
)
from node.blobs.store import BlockStore
from node.demo.results import collect, count_accepted
from tests.support.network.local_run import LocalRun

ROUNDS = 4


def test_honest_peers_reject_poisoners_and_accept_each_other(run: LocalRun) -> None:
    """Under BALANCE: with five others known, TETHER accuses nobody for a direction, only for a distance."""
    attacks = ("honest", "honest", "honest", "sign-flip", "label-flip", "gaussian")
    run.start(*attacks, rounds=ROUNDS, options=["--samples", "1000", "--skew", "0", "--rule", "balance"])
    run.wait_finished()
    results = collect(run.network.peers)
    share: dict[str, float] = {}
    for seat, attack in results.attacks.items():
        accepted, judged = count_accepted(results, [judge for judge in results.honest if judge != seat], seat)
        share[attack] = min(share.get(attack, 1.0), accepted / judged)
    assert share["honest"] >= 0.75
    assert share["sign-flip"] == share["gaussian"] == 0.0
    assert share["label-flip"] <= share["honest"] / 2
    reputations = run.history().reputations
    poisoners = [reputations[seat] for seat in results.poisoners]
    assert max(poisoners) < min(reputations[seat] for seat in results.honest)
    assert run.findings() == []


def test_riders_find_each_other_without_talking_and_the_unreadable_are_named(run: LocalRun) -> None:
    honest, riders, unreadable = (0, 1, 2), (3, 4), (5, 6)
    attacks = ("honest", "honest", "honest", "ride", "ride", "malformed", "oversize")
    options = ["--samples", "400", "--skew", "0"]
    run.start(*attacks, rounds=3, options=options, node_options=["--accomplices", "3,4"])
    run.wait_finished()
    states = {seat: state_of(run, seat, 3) for seat in (*honest, *riders)}
    centre = np.mean([states[seat] for seat in honest], axis=0)
    out = [float(np.linalg.norm(states[seat] - centre)) for seat in riders]
    apart = float(np.linalg.norm(states[3] - states[4]))
    # They went the same way, as far as the rule lets them, which no honest peer does.
    assert 0 < apart < 0.2 * min(out)
    assert min(out) > max(float(np.linalg.norm(states[seat] - centre)) for seat in honest)
    for judge in honest:
        words = [run.verdicts(judge, number) for number in (1, 2, 3)]
        assert {said[seat] for said in words for seat in unreadable} == {"invalid"}
        assert all(said[seat] == "accepted" for said in words for seat in honest if seat != judge)
    assert "accepted" in {run.verdicts(judge, 3)[seat] for judge in honest for seat in riders}
    assert {found["seat"] for found in run.findings()} == set(unreadable)


def state_of(run: LocalRun, seat: int, number: int) -> npt.NDArray[np.float32]:
    """What a seat published in a round, read from its own store."""
    history = run.history()
    round_, manifest = history.rounds[number - 1], history.manifest
    network = open_circle(CircleFile.read(run.network.circle_file)).network.domain_separator
    links = find_frame_chain(history, round_, seat)
    folder = next(peer.folder for peer in run.network.peers if run.seat(peer.index) == seat)
    store = BlockStore(folder / "data" / "blobs")
    blobs = {link.digest: store.get(link.digest, update_max_bytes(manifest)) for link in links}
    return to_float(
        decode_public_state(
            make_fetched_update(links, round_.tenures[seat], blobs), CircleTask(manifest, network, StateCache())
        ).state
    )
