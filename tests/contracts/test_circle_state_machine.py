"""A few hundred random calls; `python scripts/soak_contract.py` makes as many as one likes."""

from circle_random import RandomCircle
from hypothesis import HealthCheck, Phase, settings

RandomCircle.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    # A failing run is at most fifteen steps long; to shorten it would take minutes.
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
TestCircleUnderRandomCalls = RandomCircle.TestCase
