"""Who holds which examples: ways to deal a task's data unevenly, those of the literature and a researcher's.

A partition deals a pool: what the task gives to the one seat of a circle of one. In a real circle nobody deals:
each peer has its own data. `task` stands for no partition: each seat gets what the task itself gives it.
"""

from collections.abc import Mapping
from typing import Final

from ledger.errors import UsageError
from node.own_code.own_objects import find_own
from node.own_code.parameters import make_with
from node.partitions.by_feature import Noise, Rotation
from node.partitions.by_label import Dirichlet, Fang, Shards
from node.partitions.by_owner import Owner
from node.partitions.by_quantity import PowerLaw, Quantity
from node.partitions.dealing import POOL_FACTOR, deal_pool
from node.partitions.interface import Partition, Pool
from node.partitions.own_partition import OwnPartition

__all__ = ["BY_TASK", "PARTITIONS", "POOL_FACTOR", "Partition", "Pool", "choose_partition", "deal_pool"]

BY_TASK: Final = "task"
PARTITIONS: Final[dict[str, type[Partition]]] = {
    kind.name: kind for kind in (Fang, Dirichlet, Shards, Quantity, PowerLaw, Noise, Rotation, Owner)
}


def choose_partition(asked: object, parameters: Mapping[str, float] | None = None) -> Partition | None:
    """The partition asked for: by name, as FILE.py:CLASS, as a class or an object; None for the task's own.

    parameters: of its constructor. Raises UsageError for an unknown name, parameter or value, and SetupError for a
    class of one's own that does not do.
    """
    given = dict(parameters or {})
    if asked == BY_TASK:
        if given:
            raise UsageError("the task deals by itself and takes no --partition-parameter: choose a partition")
        return None
    for name, kind in PARTITIONS.items():
        if asked is kind or asked == name:
            made: Partition = make_with(kind, f"partition {name}", given)
            return made
    if isinstance(asked, Partition) and type(asked) in PARTITIONS.values() and not given:
        return asked
    own = find_own(asked, "partition", given, methods=(), known=", ".join((BY_TASK, *PARTITIONS)))
    if not any(callable(getattr(own.value, method, None)) for method in ("deal", "see")):
        raise UsageError(f"partition {own.spec} has neither deal() nor see(): write one of them")
    return OwnPartition(own)
