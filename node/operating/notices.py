"""What a node tells its operator: a line in the log and an event, with a sentence that says what to do."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Notice:
    """One thing that has become so."""

    kind: str
    """A word for machines."""
    says: str
    """A sentence for people."""
    is_bad: bool = True
    """Whether it wants looking at."""
    fields: dict[str, Any] = field(default_factory=dict)
    """The values in the sentence, for machines."""

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
        _log.log(
            logging.WARNING if notice.is_bad else logging.INFO, "notice kind=%s says=%s", notice.kind, notice.says
        )
        self._report(notice.event)
