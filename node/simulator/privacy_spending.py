"""What simulated peers have spent of their privacy at the end."""

from node.learning.training import count_examples
from node.simulator.data import DataShares, make_task
from node.simulator.privacy_budget import compute_epsilon, find_rounds_in_budget
from node.simulator.scenario import Scenario
from node.simulator.seat_tasks import SeatTasks


def find_charged_rounds(scenario: Scenario) -> dict[int, int]:
    """Seat → for how many rounds its peer can be charged; of none where there is no budget."""
    return {seat: rounds for seat, (_, rounds) in _find_examples_and_rounds(scenario).items()}


def compute_spent(scenario: Scenario) -> dict[int, float]:
    """Seat → ε of its peer after the last round; of none where there is no budget.

    A round that a peer misses by `churn` counts as one that it trained for, as a real peer trains ahead.
    """
    spent = {}
    for seat, (examples, within) in _find_examples_and_rounds(scenario).items():
        charged = min(scenario.rounds - scenario.late.get(seat, 1) + 1, within)
        spent[seat] = compute_epsilon(scenario.privacy, examples, charged)
    return spent


def _find_examples_and_rounds(scenario: Scenario) -> dict[int, tuple[int, int]]:
    """Seat → how many examples its peer has, and for how many rounds it can be charged; empty without a budget."""
    if "epsilon" not in scenario.privacy:
        return {}
    task, found = make_task(scenario), dict[int, tuple[int, int]]()
    shares = DataShares(SeatTasks(task, scenario.peers), scenario)
    for seat in range(scenario.peers):
        examples = count_examples(task, shares.share_of(seat, 1))
        within = find_rounds_in_budget(scenario.privacy, examples)
        assert within is not None
        found[seat] = examples, within
    return found
