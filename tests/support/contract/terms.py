"""A circle's terms under test, and a manifest that goes with them."""

from dataclasses import dataclass, replace
from typing import Any

from ledger.circle.history import CircleTerms
from ledger.circle.manifest import Tensor
from ledger.codec import CODECS
from tests.support.histories.parts import manifest_of

NOBODY = "0x" + "00" * 20
OPEN, BY_INVITER, BY_MEMBERS = range(3)
WINDOW_S = 3600
DAY_S = 86400


@dataclass(frozen=True)
class ContractTerms:
    """The fields of the contract's `Terms`, in its order."""

    start_seats: int = 3
    quorum: int = 2
    last_round: int = 3
    commit_window_s: int = WINDOW_S
    attest_window_s: int = WINDOW_S
    degree: int = 4
    reputation_shift: int = 3
    reputation_floor: int = 16384
    eject_after: int = 0
    bond: int = 0
    unbonding_s: int = DAY_S
    rotation_delay_s: int = DAY_S
    dispute_bond: int = 0
    dispute_window_s: int = WINDOW_S
    jury_seats: int = 5
    admission: int = OPEN
    inviter: str = NOBODY
    court: str = NOBODY

    @property
    def words(self) -> tuple[object, ...]:
        """The struct as the constructor takes it."""
        return tuple(vars(self).values())

    @property
    def circle_terms(self) -> CircleTerms:
        """What the fold needs of them."""
        return CircleTerms(
            start_seats=self.start_seats,
            quorum=self.quorum,
            last_round=self.last_round,
            degree=self.degree,
            reputation_shift=self.reputation_shift,
            reputation_floor=self.reputation_floor,
            eject_after=self.eject_after,
            bond=self.bond,
            dispute_bond=self.dispute_bond,
            dispute_window_s=self.dispute_window_s,
            jury_seats=self.jury_seats,
        )

    def but(self, **changed: Any) -> "ContractTerms":
        """These terms with some changed."""
        return replace(self, **changed)


def manifest_bytes(terms: ContractTerms) -> bytes:
    """A manifest the fold takes."""
    return manifest_of(
        terms.last_round,
        terms.degree,
        task="digits",
        layout=(Tensor("weight", (4, 4), 0),),
        genesis="ab" * 32,
        codec=CODECS[0],
        rule="none",
        rule_parameters={},
    ).encode()
