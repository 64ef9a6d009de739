"""A9: public states that equal an earlier one of somebody else."""

from collections.abc import Iterable
from dataclasses import dataclass

from ledger.audit.findings import Check, Report
from ledger.audit.kinds import Kind
from ledger.circle.history import Round


@dataclass(frozen=True)
class PublishedState:
    """What an update decodes to, as far as copies are concerned."""

    seat: int
    """The author's."""
    digest: bytes
    """Of the state, 32 bytes."""
    is_still: bool
    """It is the author's own base but for rounding. Peers that have all but finished learning publish what they
    mixed, and may well have mixed the same."""


class CopyLog:
    """Who published which state first; rounds come in order."""

    def __init__(self) -> None:
        # Digest → round, seat and tenure.
        self._first: dict[bytes, tuple[int, int, int]] = {}

    def check(self, round_: Round, published: Iterable[PublishedState], report: Report) -> None:
        """published: a round's states, in the order of the commits on chain."""
        for one in published:
            report.count(Check.COPIES)
            here = (round_.number, one.seat, round_.tenures[one.seat])
            number, *author = self._first.setdefault(one.digest, here)
            if author != [*here[1:]] and not one.is_still:
                report.add(
                    Check.COPIES,
                    f"the public state is the same as seat {author[0]}'s of round {number}",
                    Kind.COPY,
                    round_number=round_.number,
                    seat=one.seat,
                    peer=round_.peers[one.seat],
                )

    def to_fields(self) -> list[tuple[bytes, int, int, int]]:
        """Plain values for a file; `from_fields` is the inverse."""
        return [(digest, *first) for digest, first in self._first.items()]

    @classmethod
    def from_fields(cls, fields: Iterable[tuple[bytes, int, int, int]]) -> "CopyLog":
        """From a file of one's own."""
        log = cls()
        log._first = {digest: (number, seat, tenure) for digest, number, seat, tenure in fields}
        return log
