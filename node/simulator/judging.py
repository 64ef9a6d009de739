"""A judge's part in a simulated round: the rule, asked as ledger.judging.screening asks it, or that itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ledger.arithmetic.exact import GridState
from ledger.blobs.contents.checkpoint import is_checkpoint_due
from ledger.circle.draw import mask_of
from ledger.judging.frame_chains import CircleTask, FetchedUpdate, HeldBlobs
from ledger.judging.screening import JudgeRound, screen
from ledger.rules import Rule, ScreeningInput
from ledger.rules.judge_memory import CarriedState
from node.learning.private_part import PrivatePart

Loss = Callable[[GridState], float]


@dataclass(frozen=True)
class SharedRound:
    """What all judges of a round share."""

    number: int
    """The round's, from 1."""
    rounds: int
    """The last round's number."""
    seed: bytes
    """The round's, 32 bytes."""
    eligible: frozenset[int]
    """Seats not quarantined when the round opened."""
    states: Mapping[int, GridState]
    """Seat → public state of the updates that decode, (d,), int32."""
    unreadable: frozenset[int] = frozenset()
    """Seats whose blobs make no state: judged, and rejected unread."""
    withheld: frozenset[int] = frozenset()
    """Seats that serve nobody."""
    noise_floors: Mapping[int, int] | None = None
    """Seat → what rules are told of its noise, see ScreeningInput; None without privacy."""
    fetched: Mapping[int, FetchedUpdate] = field(default_factory=dict)
    """Seat → its update as fetched, where blobs are made."""


@dataclass(frozen=True)
class JudgeTurn:
    """One judge's part in a round."""

    seat: int
    """The judge's."""
    carried: CarriedState
    """What it carried over."""
    neighbours: tuple[int, ...]
    """Their seats, in the order of the topology."""
    private_part: PrivatePart = field(default_factory=dict)
    """Of its model, for rules that judge by its loss."""
    attested: int = 0
    """The last round in which it did before, and the one before this where it never has."""


@dataclass(frozen=True)
class TurnVerdicts:
    """One judge's verdicts."""

    judged: int
    """Mask of the seats that it has a verdict about."""
    accepted: int
    """Mask of those that it accepts."""
    mixed: frozenset[int]
    """The seats that were mixed in."""
    carried: CarriedState
    """What it carries on."""
    record: bytes = b""
    """The blob's bytes, empty without blobs."""
    checkpoint: bytes | None = None
    """The blob's bytes, None where none is due or none are made."""


def judge_states(rule: Rule, exchange: SharedRound, turn: JudgeTurn, loss: Loss | None = None) -> TurnVerdicts:
    """Screen a seat's neighbours and mix. loss: the judge's private one, where the rule asks for it."""
    seen = [other for other in turn.neighbours if other not in exchange.withheld]
    outcome = rule.screen(
        ScreeningInput(
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
            noise_floors=exchange.noise_floors,
        )
    )
    accepted = [other for other, judgement in outcome.judgements.items() if judgement.accepted]
    carried = CarriedState(outcome.next_base, outcome.memory)
    return TurnVerdicts(mask_of(seen), mask_of(accepted), outcome.mixed, carried)


def judge_blobs(task: CircleTask, exchange: SharedRound, turn: JudgeTurn) -> TurnVerdicts:
    """The same from the blobs, as a peer does it."""
    manifest = task.manifest
    shows = is_checkpoint_due(manifest.checkpoint_every, exchange.number, turn.seat, turn.attested, manifest.rounds)
    screened = screen(
        task,
        JudgeRound(exchange.number, turn.seat, exchange.seed, exchange.eligible, shows),
        exchange.fetched[turn.seat],
        turn.carried,
        {other: _served(exchange, other) for other in turn.neighbours},
    )
    mixed = frozenset(entry.seat for entry in screened.entries if entry.mixed)
    carried, record = screened.carried, screened.record
    return TurnVerdicts(screened.judged, screened.accepted, mixed, carried, record, screened.checkpoint)


def _served(exchange: SharedRound, seat: int) -> FetchedUpdate:
    fetched = exchange.fetched[seat]
    return replace(fetched, held=HeldBlobs()) if seat in exchange.withheld else fetched
