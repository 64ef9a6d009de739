"""What an attack makes of a peer's data: of classes, or of the numbers that a regression has in their place."""

from collections.abc import Callable
from typing import Any

from torch import nn

from node.attacks.attack import Attack
from node.tasks.interface import Task
from node.tasks.pairs import is_pair


def spoil(attack: Attack, task: Task, data: Any, make_model: Callable[[], nn.Module]) -> Any:
    """The data that the attack trains on. make_model: gives the task's model, untrained.

    Raises UsageError where the attack cannot: it wants classes, and the task has none.
    """
    is_regression = is_pair(data) and _is_float(data[1])
    if is_regression or not attack.wants_classes:
        return attack.data(data, None)
    return attack.data(data, task.count_classes(make_model(), data))


def _is_float(y: Any) -> bool:
    kind = getattr(y.dtype, "is_floating_point", None)  # torch says so; of numpy the kind is f
    return bool(kind) if kind is not None else y.dtype.kind == "f"
