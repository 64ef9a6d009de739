"""A judge's part in a simulated round: the rule, asked as ledger.judging.screening asks it, or that itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ledger.arithmetic.exact import State
from ledger.blobs.contents.checkpoint import is_checkpoint_due
from ledger.circle.draw import mask_of
from ledger.judging.frame_chains import CircleTask, Fetched, Held
from ledger.judging.screening import Sitting, screen
from ledger.rules import Rule, Situation
from ledger.rules.judge_memory import Carried
from node.learning.private_part import Kept

Loss = Callable[[State], float]


@dataclass(frozen=True)
class Exchange:
    """What all judges of a round share. states: seat → public state of the updates that decode.

    unreadable: seats whose blobs make no state: judged, and rejected unread. withheld: seats that serve nobody.
    fetched: seat → its update as fetched, where blobs are made.
    """

    number: int
    rounds: int
    seed: bytes
    eligible: frozenset[int]
    states: Mapping[int, State]
    unreadable: frozenset[int] = frozenset()
    withheld: frozenset[int] = frozenset()
    fetched: Mapping[int, Fetched] = field(default_factory=dict)


@dataclass(frozen=True)
class Turn:
    """One judge: its seat, what it carried over, and its neighbours in the order of the topology.

    kept: the private part of its model, for rules that judge by its loss. attested: the last round in which it did
    before, and the one before this where it never has.
    """

    seat: int
    carried: Carried
    neighbours: tuple[int, ...]
    kept: Kept = field(default_factory=dict)
    attested: int = 0


@dataclass(frozen=True)
class Judged:
    """One judge's verdicts: masks of seats, who was mixed in, what it carries on. record: empty without blobs."""

    judged: int
    accepted: int
    mixed: frozenset[int]
    carried: Carried
    record: bytes = b""


def judge(rule: Rule, exchange: Exchange, turn: Turn, loss: Loss | None = None) -> Judged:
    """Screen a seat's neighbours and mix. loss: the judge's private one, where the rule asks for it."""
    seen = [other for other in turn.neighbours if other not in exchange.withheld]
    outcome = rule.screen(
        Situation(
            base=turn.carried.base,
            own=exchange.states[turn.seat],
            neighbours={other: exchange.states[other] for other in seen if other not in exchange.unreadable},
            eligible=exchange.eligible,
            round=exchange.number,
            rounds=exchange.rounds,
            judge=turn.seat,
            seed=exchange.seed,
            tenures=dict.fromkeys((*turn.neighbours, turn.seat), 1),
            memory=turn.carried.memory,
            loss=loss,
        )
    )
    accepted = [other for other, judgement in outcome.judgements.items() if judgement.accepted]
    carried = Carried(outcome.next_base, outcome.memory)
    return Judged(mask_of(seen), mask_of(accepted), outcome.mixed, carried)


def judge_blobs(task: CircleTask, exchange: Exchange, turn: Turn) -> Judged:
    """The same from the blobs, as a peer does it."""
    manifest = task.manifest
    shows = is_checkpoint_due(manifest.checkpoint_every, exchange.number, turn.seat, turn.attested, manifest.rounds)
    screened = screen(
        task,
        Sitting(exchange.number, turn.seat, exchange.seed, exchange.eligible, shows),
        exchange.fetched[turn.seat],
        turn.carried,
        {other: _served(exchange, other) for other in turn.neighbours},
    )
    mixed = frozenset(entry.seat for entry in screened.entries if entry.mixed)
    return Judged(screened.judged, screened.accepted, mixed, screened.carried, screened.record)


def _served(exchange: Exchange, seat: int) -> Fetched:
    fetched = exchange.fetched[seat]
    return replace(fetched, held=Held()) if seat in exchange.withheld else fetched
