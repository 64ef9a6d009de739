"""Poisoners through the production path, on handwritten digits, under the default rule."""

from local_run import LocalRun

from node.demo.results import accepted_share, collect

ROUNDS = 4


def test_honest_peers_reject_poisoners_and_accept_each_other(run: LocalRun) -> None:
    attacks = ("honest", "honest", "honest", "sign-flip", "label-flip", "gaussian")
    run.start(*attacks, rounds=ROUNDS, options=["--samples", "1000", "--skew", "0"])
    run.wait_finished()
    results = collect(run.network.peers)
    share = {}
    for seat, attack in results.attacks.items():
        accepted, judged = accepted_share(results, [judge for judge in results.honest if judge != seat], seat)
        share[attack] = min(share.get(attack, 1.0), accepted / judged)
    assert share["honest"] >= 0.75
    assert share["sign-flip"] == share["gaussian"] == 0.0
    assert share["label-flip"] <= share["honest"] / 2
    reputations = run.history().reputations
    poisoners = [reputations[seat] for seat in results.poisoners]
    assert max(poisoners) < min(reputations[seat] for seat in results.honest)
    assert run.findings() == []
