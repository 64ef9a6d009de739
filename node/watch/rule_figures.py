"""What a record's figures mean under each rule: what was compared with what, and why a verdict came out so.

A record is its judge's own word until an audit recomputes it; what is read here is checked for its shape alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Final

from ledger.arithmetic.exact import GRID_BITS
from ledger.blobs.contents.records import ACCEPTED, INVALID, REJECTED, UNAVAILABLE, Record, decode_record
from ledger.circle.history import MAX_SEATS
from ledger.errors import PeerFault

RECORD: Final = "record"
"""What is read of a record, among all that blobs are read for."""
# Beyond all that a state on the grid can give, and still a number.
_DIGITS_MAX: Final = 80
_ENTRIES_MAX: Final = MAX_SEATS
# Of memory, with its digest, its two numbers and its place.
_ENTRY_BYTES: Final = 400
_GRID: Final = 2.0**-GRID_BITS
_VERDICTS: Final = (ACCEPTED, REJECTED, INVALID, UNAVAILABLE)


@dataclass(frozen=True)
class RuleReading:
    """How a rule's figures are read."""

    distance: str
    """The name of the figure that is compared."""
    reach: str | None
    """The name of what it is compared with; None where it is not compared with a number."""
    says: str
    """What the two are, in a sentence or two."""
    what: tuple[str, str] = ("distance", "reach")
    """What to call them."""


_CLIPPING: Final = RuleReading(
    "distance2",
    "limit2",
    "Distance: from the judge's own update to the author's. Reach: where the rule cuts it. It rejects nobody.",
)
_SCORES: Final = RuleReading(
    "score",
    "limit",
    "Score: the root of the sum of squared distances to the closest others. Limit: the largest score of those that"
    " the rule keeps.",
    ("score", "limit"),
)
READINGS: Final[Mapping[str, RuleReading]] = {
    "tether": RuleReading(
        "distance2",
        "tau2",
        "Distance: from the judge's base to the author's update. Reach: how far the judge lets anybody pull it."
        " What is further away is cut to the reach; what is beyond the gate is rejected. Who is rejected within the"
        " gate keeps pushing apart from the rest, or hides part of its step from the judge's sketch of it.",
    ),
    "balance": RuleReading(
        "distance2",
        "limit2",
        "Distance: from the judge's own update to the author's. Reach: the most that rule balance accepts, less as"
        " rounds go on.",
    ),
    "cs-plus": _CLIPPING,
    "scclip": _CLIPPING,
    "krum": _SCORES,
    "multi-krum": _SCORES,
    "ubar": RuleReading(
        "distance2",
        None,
        "Distance: from the judge's own update to the author's. The rule shortlists the nearest, and then goes by"
        " the loss on the judge's own data, which nobody else sees: so there is no reach.",
    ),
}


def find_reading(rule: str) -> RuleReading | None:
    """How to read a rule's figures; None for a rule that compares no lengths."""
    return READINGS.get(rule)


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """One neighbour in a record, as far as a view shows it."""

    digest: bytes
    """Of its update, by the record."""
    verdict: str
    """accepted, rejected, invalid or unavailable."""
    is_mixed: bool
    """Whether it entered the next base."""
    distance: float | None
    """What was compared, in the model's own units; None where the record does not say."""
    reach: float | None
    """With what; None where it does not say."""
    has_direction: bool
    """Under tether: it was within the gate, so the direction that it keeps was looked at."""


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """A record, as far as a view shows it."""

    network: bytes
    """The circle that it names."""
    round: int
    """The round that it names."""
    author: bytes
    """The judge's address that it names."""
    entries: Mapping[int, ReadEntry]
    """By seat."""

    @property
    def memory_bytes(self) -> int:
        """Bytes of memory that it takes, about."""
        return _ENTRY_BYTES * len(self.entries)


class OddRecord(PeerFault):
    """A record that parses, and holds what no rule writes."""


def read_record(blob: bytes, reading: RuleReading | None) -> ReadRecord:
    """Parse a record and keep little of it. Raises PeerFault."""
    record = decode_record(blob)
    return ReadRecord(record.network, record.round, record.author, dict(_read_entries(record, reading)))


def _read_entries(record: Record, reading: RuleReading | None) -> Mapping[int, ReadEntry]:
    # [REJECT] R14: an entry a neighbour, and the figures are integers.
    if len(record.entries) > _ENTRIES_MAX:
        raise OddRecord(f"it has {len(record.entries)} entries, a circle has {MAX_SEATS} seats at most")
    found: dict[int, ReadEntry] = {}
    for entry in record.entries:
        if not 0 <= entry.seat < MAX_SEATS or entry.seat in found or entry.verdict not in _VERDICTS:
            raise OddRecord("it names a seat twice, or one that cannot be, or a verdict that there is not")
        numbers = {} if reading is None else entry.figures
        found[entry.seat] = ReadEntry(
            entry.digest,
            entry.verdict,
            entry.mixed,
            None if reading is None else _read_length(numbers.get(reading.distance)),
            None if reading is None or reading.reach is None else _read_length(numbers.get(reading.reach)),
            "projection" in numbers,
        )
    return found


def _read_length(text: str | None) -> float | None:
    """A squared length in grid units, as a length in the model's own."""
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX):
        raise OddRecord("one of its figures is no length")
    return sqrt(int(text)) * _GRID
