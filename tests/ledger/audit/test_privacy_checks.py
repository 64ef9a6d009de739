"""A12: statements go on, and who claims noise and adds none is named."""

from fractions import Fraction
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from ledger.arithmetic.exact import to_float
from ledger.audit.findings import Check, Report
from ledger.audit.privacy_checks import NOISE_FLOOR, REFUTES, compute_noise_ratio
from ledger.audit.round_checks import RoundAuditor
from ledger.blobs.contents.records import Update, encode_update
from ledger.circle.manifest import Tensor
from ledger.privacy.statement import PrivacyStatement, make_statement
from tests.support.histories.circles import NETWORK, PARAMETERS, Circle, Honest, genesis_state
from tests.support.privacy import TERMS

pytestmark = [pytest.mark.rule("R22.3"), pytest.mark.rule("R30.4")]

NOISE = float(TERMS.compute_noise_variance()) ** 0.5


class Private(Honest):
    """Adds the noise that the terms ask for, and says so; changes: round → fields of its statement to replace."""

    def __init__(self, seat: int, *, noise: float = 1.0, changes: dict[int, dict[str, Any]] | None = None) -> None:
        super().__init__(seat)
        self.noise, self.changes = noise, changes or {}

    def trained(self, number: int, base: NDArray[np.int32]) -> NDArray[np.float32]:
        noise = np.random.default_rng([self.seat, number]).normal(size=PARAMETERS)
        scale = self.noise * NOISE if self.says(number).charged else 0
        return to_float(base) + (scale * noise).astype(np.float32)

    def says(self, number: int) -> PrivacyStatement:
        asked = {"rounds": number, "charged": 1, "examples": 1000} | self.changes.get(number, {})
        return make_statement(TERMS, asked.pop("rounds"), asked.pop("charged"), **asked)

    def blob(self, number: int, update: Update) -> bytes:
        return encode_update(msgspec.structs.replace(update, privacy=self.says(number)))


def private_circle(cheat: Private | None = None, *, rounds: int = 3, seats: int = 5) -> Circle:
    peers: dict[int, Honest] = {seat: Private(seat) for seat in range(seats)}
    if cheat is not None:
        peers[cheat.seat] = cheat
    return Circle(seats=seats, rounds=rounds, cheats=peers, rule="tether", rule_parameters={}, privacy=TERMS)


def audited(circle: Circle) -> Report:
    history = circle.history()
    report = Report(1, "0x0", 0)
    auditor = RoundAuditor(history, NETWORK, genesis_state(), report)
    for round_ in history.rounds:
        auditor.check(round_, circle.blobs)
    return report


def named(report: Report) -> list[tuple[str, int | None, int | None]]:
    return [(finding.check.value, finding.round, finding.seat) for finding in report.findings]


def test_a_hundred_honest_updates_have_no_finding_and_each_is_told_of() -> None:
    report = audited(private_circle(rounds=20))
    assert report.clean
    assert report.examined[Check.PRIVACY] == len(report.privacy) == 100
    shares = [line.noise_milli for line in report.privacy if line.noise_milli is not None]
    assert len(shares) == 100
    # Rounding to eight bits adds to it; with 5,000 values of this size, up to a half.
    assert 950 < min(shares) <= max(shares) < 1600
    assert report.notes == [REFUTES]


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_who_says_noise_and_adds_less_is_named_in_every_round_it_does(noise: float) -> None:
    report = audited(private_circle(Private(3, noise=noise)))
    assert named(report) == [("A12", number, 3) for number in (1, 2, 3)]
    assert all("smaller than the noise" in finding.fact for finding in report.findings)
    assert all(float(finding.evidence["share_of_noise"]) < NOISE_FLOOR for finding in report.findings)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({2: {"rounds": 1}}, "charged for 1 rounds before and for 1 since, and says 1"),
        ({2: {"rounds": 4}, 3: {"rounds": 5}}, "and says 4"),
        ({2: {"examples": 2000}, 3: {"examples": 2000}}, "before, now"),
    ],
)
def test_a_statement_that_does_not_follow_from_the_one_before_names_its_author(
    changes: dict[int, dict[str, Any]], says: str
) -> None:
    report = audited(private_circle(Private(3, changes=changes)))
    assert named(report)[0] == ("A12", 2, 3)
    assert says in report.findings[0].fact
    assert {finding.seat for finding in report.findings} == {3}


def test_who_spent_more_than_it_published_and_who_pauses_are_no_finding() -> None:
    crashed = {2: {"rounds": 3, "charged": 2}, 3: {"rounds": 4}}
    assert audited(private_circle(Private(3, changes=crashed))).clean
    paused = {2: {"rounds": 1, "charged": 0}, 3: {"rounds": 1, "charged": 0}}
    report = audited(private_circle(Private(3, changes=paused)))
    assert report.clean
    assert [line.rounds for line in report.privacy if line.seat == 3] == [1, 1, 1]


def test_who_trains_without_being_charged_is_named() -> None:
    class Unaccounted(Private):
        def trained(self, number: int, base: NDArray[np.int32]) -> NDArray[np.float32]:
            return super().trained(number, base) + np.float32(0.3 * (number > 1))

    uncharged = {2: {"rounds": 1, "charged": 0}, 3: {"rounds": 1, "charged": 0}}
    report = audited(private_circle(Unaccounted(3, changes=uncharged)))
    assert named(report) == [("A12", 2, 3), ("A12", 3, 3)]
    assert "was not charged, and published another state" in report.findings[0].fact


def test_the_share_of_noise_is_reckoned_in_the_models_own_units() -> None:
    layout = (Tensor("a", (2,), 0), Tensor("b", (2,), 3))
    base = np.zeros(4, np.int32)
    state = np.array([1 << 16, 0, 0, 1 << 16], np.int32)
    assert compute_noise_ratio(state, base, layout, Fraction(1, 4)) == Fraction(1 + 64, 4) / Fraction(1, 4)
