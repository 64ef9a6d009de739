"""Who takes part in a round, as far as the scenario decides it."""

from node.simulator.scenario import Scenario, generator


def find_joined(scenario: Scenario, number: int) -> list[int]:
    """The seats that have joined by a round, in order."""
    return [seat for seat in range(scenario.peers) if scenario.late.get(seat, 1) <= number]


def find_present(scenario: Scenario, number: int) -> list[int]:
    """Those of them that do not miss the round."""
    missing = generator(scenario.seed, "churn", number).random(scenario.peers) < scenario.churn
    return [seat for seat in find_joined(scenario, number) if not missing[seat]]
