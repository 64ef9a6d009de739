"""The scenarios by name."""

from scripts.soak.churn import Churn
from scripts.soak.scenarios import Partition, PartitionWithChain, Scenario

SCENARIOS: dict[str, Scenario] = {one.name: one for one in (Scenario(), Partition(), PartitionWithChain(), Churn())}
