"""What came of many inputs, and the ones that did what none may do, kept in files that can be fed again."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

STALL_S: Final = 1.0
"""CPU seconds that no single input may take."""
GROWTH_MAX_BYTES: Final = 32 << 20
"""What a process may grow by from a fifth of the inputs on to the last one."""
FAULTS_MAX: Final = 50
"""So many are kept of one kind of input: one mistake shows in many inputs."""


@dataclass
class Tally:
    """Of one kind of input."""

    area: str
    """What was fed: `decoders`, or a server."""
    name: str
    """The kind of input."""
    inputs: int = 0
    """How many there were."""
    taken: int = 0
    """Those that were taken for valid."""
    refused: int = 0
    """Those that were refused as they should be."""
    cpu_s: float = 0.0
    """CPU seconds of whoever was fed."""
    longest_s: float = 0.0
    """The most that one input took; of a server the most that an answer to a valid request took, in all."""
    memory_before: int = 0
    """Bytes in memory of whoever was fed after a fifth of the inputs."""
    memory_after: int = 0
    """The same at the end."""
    faults: list[str] = field(default_factory=list)
    """What was not as it should be, with the file that holds the input."""

    def to_fields(self) -> dict[str, Any]:
        """Plain values, by name."""
        return asdict(self)


class Keeper:
    """Writes inputs that were faults. folder: made where there is a first one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, tally: Tally, number: int, data: bytes, what: str) -> None:
        """Note a fault. number: the input's. data: the input itself. what: in one line."""
        if len(tally.faults) >= FAULTS_MAX:
            return
        path = self.folder / f"{tally.area}--{tally.name}--{number}"
        self.folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        tally.faults.append(f"{what[:400]} (python -m scripts.fuzz --replay '{path}')")


def parse_kept(path: Path) -> tuple[str, str]:
    """(area, name) of a file that was kept. Raises ValueError for another one."""
    found = re.fullmatch(r"([a-z]+)--(.+)--[0-9]+", path.name)
    if found is None:
        raise ValueError(f"{path} is no input that was kept: its name is not AREA--KIND--NUMBER")
    return found[1], found[2]


def check_growth(tally: Tally, most_bytes: int = GROWTH_MAX_BYTES) -> None:
    """A process that grew is a fault of its inputs together."""
    if tally.memory_after - tally.memory_before > most_bytes:
        grown = (tally.memory_after - tally.memory_before) >> 20
        tally.faults.append(f"memory grew by {grown} MiB in the last four fifths of {tally.inputs} inputs")


def format_tallies(tallies: Iterable[Tally]) -> str:
    """As a table, a line a kind."""
    head = (
        f"{'':36}{'inputs':>10}{'taken':>10}{'refused':>10}{'CPU s':>9}{'longest ms':>12}{'MiB':>14}{'faults':>8}"
    )
    lines = [head]
    for one in tallies:
        memory = f"{one.memory_before >> 20} → {one.memory_after >> 20}"
        lines.append(
            f"{one.area + ': ' + one.name:36.36}{one.inputs:>10,}{one.taken:>10,}{one.refused:>10,}{one.cpu_s:>9.1f}"
            f"{1000 * one.longest_s:>12.1f}{memory:>14}{len(one.faults):>8}"
        )
    return "\n".join(lines)
