"""A12: what an update says of privacy follows on earlier ones, and its step is as large as its noise.

Both can refute and neither can prove: who foretells the noise, or understates its rate, is seen by nobody.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.arithmetic.exact import GRID_BITS, GridState, squared_distance, to_float
from ledger.audit.findings import Check, PrivacyLine, Report
from ledger.circle.history import History, Round
from ledger.circle.manifest import Tensor
from ledger.codec import Blocks, blocks_of, frame_steps
from ledger.privacy.statement import PrivacyStatement, follows

NOISE_FLOOR: Final = Fraction(9, 10)
"""Below this share of the noise agreed on, a step cannot hold that noise."""
REFUTES: Final = (
    "privacy: these checks refute and cannot prove: who draws noise that another can foretell, or trains with a"
    " higher rate than it says, passes them"
)


def compute_noise_ratio(
    state: GridState, base: GridState, layout: Sequence[Tensor], variance: Fraction
) -> Fraction:
    """χ = ‖state − base‖² / (d s²), exactly (R22.3). variance: s², in the model's units."""
    total, at = Fraction(0), 0
    for tensor in layout:
        values = slice(at, at + tensor.size)
        unit = Fraction(2) ** (tensor.exponent - GRID_BITS)
        total += squared_distance(state[values], base[values]) * unit**2
        at += tensor.size
    return total / (at * variance)


class PrivacyChecks:
    """Walks a circle's updates in order, with what each author said before."""

    def __init__(self, history: History, report: Report) -> None:
        self._history, self._report = history, report
        self._blocks: Blocks = blocks_of(history.manifest.sizes)
        # By seat and tenure: the round, the statement, and the widest steps of its last update's blocks.
        self._last: dict[tuple[int, int], tuple[int, PrivacyStatement, NDArray[np.int32]]] = {}

    def check(
        self, round_: Round, seat: int, said: PrivacyStatement | None, state: GridState, base: GridState | None
    ) -> None:
        """An update that is valid by itself. base: its author's, (d,), int32; None where it is not known.

        It must be the one that the update names.
        """
        terms = self._history.manifest.privacy
        if terms is None or said is None:
            return
        if REFUTES not in self._report.notes:
            self._report.notes.append(REFUTES)
        self._report.count(Check.PRIVACY)
        holder = (seat, round_.tenures[seat])
        last = self._last.get(holder)
        is_next = last is not None and last[0] == self._find_commit_before(round_, seat)
        steps = frame_steps(to_float(state), self._blocks)[self._blocks.ends - 1]
        self._last[holder] = round_.number, said, steps
        # R30.4: counts go on, and what was said once stays.
        if last is not None and (reason := follows(said, last[1], is_next=is_next)) is not None:
            self._find(round_, seat, f"its privacy statement does not follow from the one before: {reason}")
        ratio = None
        if base is not None:
            ratio = compute_noise_ratio(
                state, base, self._history.manifest.layout, terms.compute_noise_variance(said.sigma_value)
            )
            if said.charged > 0 and ratio < NOISE_FLOOR:
                self._find(
                    round_,
                    seat,
                    "its step is smaller than the noise that it must hold",
                    share_of_noise=_in_thousandths(ratio),
                    least=_in_thousandths(NOISE_FLOOR),
                )
            # What rounding left of the update before may be added: so with no other to compare, nothing is said.
            room = np.maximum(steps, last[2]) if is_next and last is not None else None
            if said.charged == 0 and room is not None and self._moves(state, base, 2 * room):
                self._find(round_, seat, "it was not charged, and published another state than its base")
        self._report.privacy.append(
            PrivacyLine(
                round_.number,
                seat,
                said.epsilon_milli,
                said.rounds,
                said.charged,
                None if ratio is None else int(1000 * ratio),
            )
        )

    def _find_commit_before(self, round_: Round, seat: int) -> int | None:
        """The round of the same holder's commit before this one."""
        for before in reversed(self._history.rounds[: round_.number - 1]):
            if seat in before.tenures and before.tenures[seat] != round_.tenures[seat]:
                return None
            if seat in before.commits:
                return before.number
        return None

    def _moves(self, state: GridState, base: GridState, room: NDArray[np.int32]) -> bool:
        return bool((np.abs(state - base) > np.repeat(room, self._blocks.lengths)).any())

    def _find(self, round_: Round, seat: int, fact: str, **evidence: object) -> None:
        self._report.add(
            Check.PRIVACY, fact, round_number=round_.number, seat=seat, peer=round_.peers[seat], **evidence
        )


def _in_thousandths(share: Fraction) -> str:
    return f"{int(1000 * share) / 1000:.3f}"
