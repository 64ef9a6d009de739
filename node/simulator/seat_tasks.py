"""A task's object for each seat, where it keeps something of its own; one for all where it does not."""

from node.tasks.built_in import BUILT_IN
from node.tasks.interface import Task


class SeatTasks:
    """Who asks which object.

    A peer has a process and with it an object of its own, in which data() may leave what train() and evaluate()
    find, and training what the next round needs. The tasks that ship keep nothing, nor does a class without a
    train() and an evaluate() of its own. A class that says `stateless = True` has one object for all seats, too:
    for a constructor that takes long.
    """

    def __init__(self, task: Task, seats: int) -> None:
        """task: asked for what is nobody's own, its model for instance. Raises SetupError."""
        self._shared = task
        is_kept = task.spec not in BUILT_IN and (task.trainer is not None or hasattr(task.definition, "evaluate"))
        self._own: list[Task] | None = None
        if is_kept and not getattr(task.definition, "stateless", False):
            self._own = [task.make_again() for _ in range(seats)]

    def of(self, seat: int) -> Task:
        """The seat's."""
        return self._shared if self._own is None else self._own[seat]

    def list_all(self) -> list[Task]:
        """Each object once."""
        return [self._shared] if self._own is None else self._own
