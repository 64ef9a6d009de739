"""What a node holds itself to, noted in its folder: `folkmoot status` shows it, and a restart with more says so."""

import logging
from pathlib import Path

from ledger.files import write_whole
from node.operating.checked_lines import read_line, write_line

_log = logging.getLogger(__name__)


def read_budget(path: Path) -> int | None:
    """Epsilon in thousandths, of the node that ran here last; None where that is not known. Raises OSError."""
    try:
        words = read_line(path.read_bytes().removesuffix(b"\n"))
    except FileNotFoundError:
        return None
    return int(words[0]) if words is not None else None


def note_budget(path: Path, budget_milli: int) -> None:
    """Note it, and warn where it is more than before. Raises OSError."""
    before = read_budget(path)
    if before == budget_milli:
        return
    if before is not None and before < budget_milli:
        _log.warning(
            "privacy budget is larger than before epsilon=%g before=%g", budget_milli / 1000, before / 1000
        )
    write_whole(path, write_line(str(budget_milli)))
