"""Peers that train honestly and break the protocol around it."""

from ledger.circle.events import Answer
from node.attacks.attack import Attack


class FalseVerdict(Attack):
    """Attest the opposite: accuse whoever passed, praise whoever failed.

    Source: Dellarocas 2000, doi:10.1145/352871.352889 (bad-mouthing and ballot stuffing).
    """

    name = "false-verdict"
    summary = "attests every verdict inverted"

    def __init__(self, victim: float = -1) -> None:
        """victim: the only seat to lie about; below 0: all."""
        self.victims = -1 if victim < 0 else 1 << int(victim)

    def verdicts(self, judged: int, accepted: int) -> int:
        return accepted ^ judged & self.victims

    def answers(self, answer: Answer, *, is_own: bool) -> Answer:
        return Answer.REJECTS if is_own else answer


class Withhold(Attack):
    """Commit, and then serve the blob to nobody (a data-availability attack)."""

    name = "withhold"
    summary = "commits a digest but serves no blob"

    def serves(self, digest: bytes) -> bool:  # noqa: ARG002
        return False


class Equivocate(Attack):
    """Announce two updates for one round, and so be able to show different ones to different peers.

    Source: Lamport et al. 1982, doi:10.1145/357172.357176.
    """

    name = "equivocate"
    summary = "announces two updates for every round"

    def also_announces(self, digest: bytes) -> bytes | None:
        return bytes(byte ^ 0xFF for byte in digest)
