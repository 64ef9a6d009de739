"""The scenarios by name."""

from typing import Final

from scripts.soak.addresses import Addresses
from scripts.soak.churn import Churn
from scripts.soak.scenarios import Partition, PartitionWithChain, Scenario

ALL: Final = (Scenario(), Partition(), PartitionWithChain(), Churn(), Addresses())
# A little of each, for the tests.
SHORT: Final = Partition(
    name="short",
    nodes=4,
    rounds=4,
    degree=3,
    behind_nat=(3,),
    by_v6=(1,),
    begins=2,
    lasts=1,
    commit_window_s=40,
    attest_window_s=16,
)
SCENARIOS: Final[dict[str, Scenario]] = {one.name: one for one in (*ALL, SHORT)}
