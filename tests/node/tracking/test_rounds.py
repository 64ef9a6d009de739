"""What a node's round is to a tracker."""

from node.tracking.rounds import figures_of_round

EVENT = {
    "event": "round",
    "round": 3,
    "seat": 1,
    "figures": {"accuracy": 0.75},
    "verdicts": {0: "accepted", 2: "accepted", 4: "rejected"},
    "reputation": 0.5,
    "seconds": 2.5,
    "bytes_sent": 1000,
    "gas": 77000,
    "cpu_s": {"training": 0.25},
}


def test_a_round_is_its_figures_its_costs_and_its_verdicts_counted() -> None:
    assert figures_of_round(EVENT) == {
        "accuracy": 0.75,
        "round/reputation": 0.5,
        "round/seconds": 2.5,
        "round/bytes_sent": 1000,
        "round/gas": 77000,
        "verdicts/accepted": 2,
        "verdicts/rejected": 1,
        "cpu_s/training": 0.25,
    }


def test_what_privacy_was_spent_is_one_of_them() -> None:
    spent = {"spent_epsilon": 1.5, "budget_epsilon": 8.0, "rounds_charged": 3, "rounds_left": 13}
    assert figures_of_round(EVENT | {"privacy": spent})["privacy/spent_epsilon"] == 1.5
