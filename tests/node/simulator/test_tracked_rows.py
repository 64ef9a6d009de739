"""What a simulated round is to a tracker."""

from node.simulator import Scenario, simulate
from node.simulator.tracked_rows import figures_by_round


def test_rounds_have_the_honest_peers_means_and_what_they_accepted() -> None:
    scenario = Scenario(
        task="digits", peers=5, rounds=2, degree=4, samples=30, rule="none", attack="sign-flip", malicious=(1,)
    )
    found = simulate(scenario)
    told = figures_by_round(found.rows)
    assert list(told) == [1, 2]
    assert told[2]["error/mean"] == found.summary.mean_error
    assert told[2]["error/worst"] == found.summary.worst_error
    assert told[2]["accuracy"] == found.summary.figures["accuracy"]
    assert (told[1]["verdicts/hostile_accepted"], told[1]["verdicts/hostile_rejected"]) == (4, 0)
    assert told[1]["round/bytes_an_update"] > 1000


def test_a_round_without_an_evaluation_has_no_error_and_a_baseline_no_reputation() -> None:
    scenario = Scenario(task="digits", peers=3, rounds=2, degree=2, samples=30, baseline="alone", evaluate_every=2)
    told = figures_by_round(simulate(scenario).rows)
    assert "error/mean" not in told[1]
    assert "error/mean" in told[2]
