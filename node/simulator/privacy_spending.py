"""What simulated peers have spent of their privacy at the end."""

from node.learning.training import count_examples
from node.simulator.data import DataShares
from node.simulator.learning import make_task
from node.simulator.privacy_budget import compute_epsilon, find_rounds_within
from node.simulator.scenario import Scenario


def find_charged_rounds(scenario: Scenario) -> dict[int, int]:
    """Seat → for how many rounds its peer can be charged; of none where there is no budget."""
    if "epsilon" not in scenario.privacy:
        return {}
    task, found = make_task(scenario), dict[int, int]()
    shares = DataShares(task, scenario)
    for seat in range(scenario.peers):
        within = find_rounds_within(scenario.privacy, count_examples(task, shares.share_of(seat, 1)))
        assert within is not None
        found[seat] = within
    return found


def compute_spent(scenario: Scenario) -> dict[int, float]:
    """Seat → ε of its peer after the last round; of none where there is no budget.

    A round that a peer misses by `churn` counts as one that it trained for, as a real peer trains ahead.
    """
    if "epsilon" not in scenario.privacy:
        return {}
    task, spent = make_task(scenario), dict[int, float]()
    shares = DataShares(task, scenario)
    for seat in range(scenario.peers):
        examples = count_examples(task, shares.share_of(seat, 1))
        within = find_rounds_within(scenario.privacy, examples)
        assert within is not None
        charged = min(scenario.rounds - scenario.late.get(seat, 1) + 1, within)
        spent[seat] = compute_epsilon(scenario.privacy, examples, charged)
    return spent
