"""An audit's work divided by seats: who does whose, and how the parts become one report again, in one order."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from ledger.audit.findings import Report


class Phase(IntEnum):
    """What is done in a round, in this order."""

    UPDATES = 1
    """Of each author; its place is that of its commit."""
    NOTES = 2
    """On the round as a whole."""
    VERDICTS = 3
    """Of each judge; its place is its seat."""
    CHECKPOINTS = 4
    """Of each judge that is awaited; its place is its seat."""


@dataclass(frozen=True)
class Step:
    """One step of a round."""

    phase: Phase
    """What was done."""
    place: int
    """Where in its phase it comes."""
    found: Report
    """What it adds to the report, and nothing else."""


# What steps add to; the rest of a report is said of the whole circle, before or behind the rounds.
_NUMBERS: Final = ("recomputed", "not_recomputed", "started", "unavailable_verdicts")
_LISTS: Final = ("findings", "privacy", "notes")
_COUNTS: Final = ("examined", "looked_at")


@dataclass
class SeatShare:
    """The seats of one of several parts. What each step finds is kept apart, to be put in order later."""

    number: int
    """Which part, from 0."""
    parts: int
    """How many there are."""
    steps: list[Step] = field(default_factory=list)
    """Done and not yet handed on."""

    def holds(self, seat: int) -> bool:
        """The seat is of this part."""
        return seat % self.parts == self.number

    def take(self, phase: Phase, place: int, report: Report) -> None:
        """A step is done: what it added to the part's report is taken out of it."""
        self.steps.append(Step(phase, place, cut(report)))

    def hand_on(self) -> list[Step]:
        """All steps since the last time."""
        steps, self.steps = self.steps, []
        return steps


def make_part(report: Report) -> Report:
    """An empty report of the same circle, for what is to be added to it later."""
    return Report(report.chain_id, report.contract, report.head, report.head_hash)


def cut(report: Report) -> Report:
    """What steps added to a report, taken out of it."""
    taken, empty = make_part(report), make_part(report)
    for name in (*_NUMBERS, *_LISTS, *_COUNTS):
        setattr(taken, name, getattr(report, name))
        setattr(report, name, getattr(empty, name))
    return taken


def join(steps: Iterable[Step], report: Report) -> None:
    """Add steps of one round to the report, in the one order that there is, whoever did them."""
    for step in sorted(steps, key=lambda one: (one.phase, one.place)):
        absorb(step.found, report)


def absorb(found: Report, report: Report) -> None:
    """Add what a step found. A note is made once."""
    for name in _NUMBERS:
        setattr(report, name, getattr(report, name) + getattr(found, name))
    report.findings += found.findings
    report.privacy += found.privacy
    report.notes += [note for note in found.notes if note not in report.notes]
    for check, number in found.examined.items():
        report.count(check, number)
    for unit, seats in found.looked_at.items():
        for seat, peers in seats.items():
            for peer, number in peers.items():
                report.count_of(unit, seat, peer, number)
