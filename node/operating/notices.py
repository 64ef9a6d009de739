"""What a node tells its operator: a line in the log and an event, with a sentence that says what to do."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from node.gossip.reach import Reach

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Notice:
    """One thing that has become so.

    kind: a word for machines. says: a sentence for people. is_bad: whether it wants looking at. fields: the values
    in the sentence, for machines.
    """

    kind: str
    says: str
    is_bad: bool = True
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def event(self) -> dict[str, Any]:
        """As it is reported."""
        return {"event": "notice", "kind": self.kind, "says": self.says, "is_bad": self.is_bad, **self.fields}


class Notices:
    """Tells. report: called with one event a notice."""

    def __init__(self, report: Callable[[dict[str, Any]], None]) -> None:
        self._report = report

    def tell(self, notice: Notice) -> None:
        """Log and report it."""
        _log.log(logging.WARNING if notice.is_bad else logging.INFO, "notice kind=%s: %s", notice.kind, notice.says)
        self._report(notice.event)


def reach_notice(reach: Reach) -> Notice:
    """What members found who dialled this peer back."""
    gossip, _, gateway = reach.endpoint.partition(" ")
    fields = {"endpoint": reach.endpoint, "gossip": reach.has_gossip, "gateway": reach.has_gateway}
    fields |= {"tried": reach.tried}
    if reach.is_reached:
        return Notice("reached", f"other members reach this peer at {reach.endpoint}", False, fields)
    dead = [f"gossip at {gossip}"] * (not reach.has_gossip) + [f"gateway at {gateway}"] * (not reach.has_gateway)
    says = (
        f"other members do not reach this peer's {' and '.join(dead)} ({_tried(reach)}), so its updates are lost: "
        "check that --advertise names this machine's public host and that the ports are open and forwarded to it"
    )
    return Notice("unreachable", says, True, fields)


def _tried(reach: Reach) -> str:
    return "the one that tried" if reach.tried == 1 else f"{reach.tried} tried"
