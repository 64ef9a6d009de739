"""The announcements of the current round and its neighbours in time. Pure: no clock, no I/O.

Memory is bounded by rounds kept × 256 seats × 2 announcements: a second digest convicts, a third adds nothing.
"""

from dataclasses import dataclass, field

from ledger.errors import NotYet
from node.gossip.messages import MAX_SEATS, Announcement, Pull, PullAnswer


@dataclass
class _Round:
    announced: dict[bytes, list[Announcement]] = field(default_factory=dict)
    """By author: one, or two that differ in their digest."""
    holders: dict[bytes, dict[str, None]] = field(default_factory=dict)
    """By digest, in the order learnt."""
    held: dict[bytes, None] = field(default_factory=dict)
    """Digests whose blobs this node has."""


class AnnouncementWindow:
    """Rounds `current - keep` to `current + ahead`."""

    def __init__(self, *, keep_rounds: int, ahead_rounds: int) -> None:
        self.current = 0
        self._keep, self._ahead = keep_rounds, ahead_rounds
        self._rounds: dict[int, _Round] = {}

    def move(self, current: int) -> None:
        """Make `current` the current round and forget those outside the window."""
        self.current = current
        self._rounds = {number: kept for number, kept in self._rounds.items() if self._is_inside(number)}

    def is_new(self, announcement: Announcement) -> bool:
        """Whether it adds something: a new author, or a second digest. Raises NotYet outside the window (R18)."""
        known = self._round(announcement.round).announced.get(announcement.author, [])
        return len(known) < 2 and all(one.digest != announcement.digest for one in known)

    def add(self, announcement: Announcement) -> Announcement | None:
        """Keep a new announcement whose signature is checked. Returns the author's first one if they conflict.

        Raises NotYet outside the window or if the round has an announcement for every seat.
        """
        kept = self._round(announcement.round)
        if announcement.author not in kept.announced and len(kept.announced) >= MAX_SEATS:
            raise NotYet(f"round {announcement.round} already has {MAX_SEATS} authors")
        known = kept.announced.setdefault(announcement.author, [])
        known.append(announcement)
        kept.holders.setdefault(announcement.digest, {})[announcement.author_address] = None
        return known[0] if len(known) > 1 else None

    def list_by_author(self, round_number: int, author: bytes) -> list[Announcement]:
        """What this author announced in this round: none, one, or two that convict it."""
        return list(self._round(round_number).announced.get(author, []))

    def list_authors(self, round_number: int) -> set[bytes]:
        """Whose announcements of this round are here."""
        return set(self._round(round_number).announced)

    def add_holder(self, round_number: int, digest: bytes, holder: str) -> None:
        """Note that a peer holds a blob. Raises NotYet if nobody announced it: that bounds the memory."""
        holders = self._round(round_number).holders.get(digest)
        if holders is None:
            raise NotYet(f"nobody announced {digest.hex()[:12]} in round {round_number}")
        holders[holder] = None

    def hold(self, round_number: int, digest: bytes) -> None:
        """Note that this node has the blob. Raises NotYet outside the window."""
        self._round(round_number).held[digest] = None

    def list_holders(self, digest: bytes) -> list[str]:
        """Who can be asked for a blob, its author first."""
        return list(dict.fromkeys(one for kept in self._rounds.values() for one in kept.holders.get(digest, ())))

    def is_held(self, digest: bytes) -> bool:
        """Whether a member other than its author said that it has it."""
        announced = (one for kept in self._rounds.values() for known in kept.announced.values() for one in known)
        authors = {one.author_address for one in announced if one.digest == digest}
        return any(holder not in authors for holder in self.list_holders(digest))

    def make_pull(self, round_number: int) -> Pull:
        """What to ask another peer about this round. Raises NotYet outside the window."""
        announced = self._round(round_number).announced
        return Pull(round_number, list(announced), [who for who, known in announced.items() if len(known) > 1])

    def answer_pull(self, question: Pull) -> PullAnswer:
        """What the asking peer lacks; nothing for a round outside the window."""
        if not self._is_inside(question.round):
            return PullAnswer(question.round, [], [])
        kept = self._round(question.round)
        known, convicted = set(question.known), set(question.convicted)
        missing = [
            one
            for author, announcements in kept.announced.items()
            if author not in known or (len(announcements) > 1 and author not in convicted)
            for one in announcements
        ]
        return PullAnswer(question.round, missing[:MAX_SEATS], list(kept.held)[:MAX_SEATS])

    def _is_inside(self, number: int) -> bool:
        return self.current - self._keep <= number <= self.current + self._ahead

    def _round(self, number: int) -> _Round:
        if not self._is_inside(number):
            raise NotYet(f"round {number} is outside the window around round {self.current}")
        return self._rounds.setdefault(number, _Round())
