"""A12: what an update says of privacy follows on earlier ones, and its step is as large as its noise.

Both can refute and neither can prove: who foretells the noise, or understates its rate, is seen by nobody.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from ledger.arithmetic.exact import GridState, to_float
from ledger.audit.findings import Check, PrivacyLine, Report
from ledger.audit.kinds import Kind, Unit
from ledger.audit.noise_checks import NoiseChecks
from ledger.audit.shared_steps import ShownPrivacy, ShownStep, draw_shared_places, show_step
from ledger.audit.step_noise import MeasuredStep
from ledger.circle.history import History, Round
from ledger.codec import LARGEST, PLAIN, Blocks, blocks_of, frame_steps, quantise
from ledger.privacy.statement import PrivacyStatement, find_contradiction

REFUTES: Final = (
    "privacy: these checks refute and cannot prove: a peer that draws noise which another can foretell, or trains"
    " with a higher rate than it says, passes them"
)


@dataclass(frozen=True)
class LastUpdate:
    """What a holder's next update is compared with."""

    round: int
    """The round of this one."""
    said: PrivacyStatement
    """Its statement."""


class PrivacyChecks:
    """Walks a circle's updates in order, with what each author said before."""

    def __init__(self, history: History, report: Report) -> None:
        self._history, self._report = history, report
        manifest = history.manifest
        self._blocks: Blocks = blocks_of(manifest.sizes)
        self._last: dict[tuple[int, int], LastUpdate] = {}
        """By seat and tenure."""
        # Later than all that was published, and the same for whoever audits the same bundle.
        seed = int(report.head_hash, 16) if report.head_hash else None
        authors = max(1, len(history.seats))
        self._noise = None if manifest.privacy is None else NoiseChecks(manifest, authors, seed)
        self._places = draw_shared_places(self._blocks, seed)

    def check(
        self, round_: Round, seat: int, said: PrivacyStatement | None, state: GridState, base: GridState | None
    ) -> ShownPrivacy | None:
        """An update that is valid by itself. base: its author's, (d,), int32; None where it is not known.

        It must be the one that the update names. Returns what is to be held against all authors together.
        """
        terms = self._history.manifest.privacy
        if terms is None or self._noise is None or said is None:
            return None
        if REFUTES not in self._report.notes:
            self._report.notes.append(REFUTES)
        self._report.count(Check.PRIVACY)
        self._report.count_of(Unit.STATEMENTS, seat, round_.peers[seat])
        holder = (seat, round_.tenures[seat])
        last = self._last.get(holder)
        previous = self._history.find_previous_round(round_.number, seat, round_.tenures[seat])
        is_next = last is not None and previous is not None and last.round == previous.number
        self._last[holder] = LastUpdate(round_.number, said)
        # R30.4: counts go on, and what was said once stays.
        if last is not None and (reason := find_contradiction(said, last.said, is_next=is_next)) is not None:
            self._find_contradiction(round_, seat, reason)
        step = None if base is None else self._measure(said, state, base)
        noise = None if step is None else step.sums.measure()
        shown: ShownStep | None = None
        if said.charged > 0 and step is not None and noise is not None:
            fault = self._noise.check(holder, round_.number, step)
            if fault is not None:
                self._find(fault.kind, round_, seat, fault.fact, **fault.evidence)
            shown = show_step(step, self._places, is_named=fault is not None)
        if said.charged == 0 and base is not None and not np.array_equal(state, self._round(base)):
            fact = "it was not charged, and published another state than its base"
            self._find(Kind.UNCHARGED_STEP, round_, seat, fact)
        self._report.privacy.append(
            PrivacyLine(
                round_.number,
                seat,
                said.epsilon_milli,
                said.rounds,
                said.charged,
                round_.tenures[seat],
                said.sigma,
                said.rate,
                said.examples,
                None if noise is None else int(1000 * noise.ratio),
                0 if noise is None else noise.values,
            )
        )
        return ShownPrivacy(seat, said.rounds, said.charged, last is None, shown)

    def _measure(self, said: PrivacyStatement, state: GridState, base: GridState) -> MeasuredStep:
        manifest = self._history.manifest
        assert manifest.privacy is not None
        steps = frame_steps(to_float(state), self._blocks)[self._blocks.ends - 1]
        variance = manifest.privacy.compute_noise_variance(said.sigma_value)
        return MeasuredStep(state, base, steps, manifest.layout, self._blocks, variance)

    def _round(self, base: GridState) -> GridState:
        """What an update holds that publishes this base."""
        return quantise(np.clip(to_float(base), -LARGEST, LARGEST), self._blocks, PLAIN).state

    def _find_contradiction(self, round_: Round, seat: int, reason: str) -> None:
        fact = f"its privacy statement does not follow from the one before: {reason}"
        self._find(Kind.CONTRADICTION, round_, seat, fact)

    def _find(self, kind: Kind, round_: Round, seat: int, fact: str, **evidence: object) -> None:
        self._report.add(
            Check.PRIVACY, fact, kind, round_number=round_.number, seat=seat, peer=round_.peers[seat], **evidence
        )
