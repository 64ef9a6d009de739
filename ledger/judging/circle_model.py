"""The circle's model of a round: one state that all find alike and no minority of seats chooses (R31)."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from eth_hash.auto import keccak

from ledger.arithmetic.exact import GridState, to_float
from ledger.blobs.contents.records import Genesis, encode_genesis
from ledger.blobs.unixfs import build_dag
from ledger.circle.draw import mask_of
from ledger.circle.history import History, Round
from ledger.codec import PLAIN, blocks_of, quantise
from ledger.codec.frames import LARGEST_COUNT
from ledger.identity.addresses import encode_word

# Values worked on at a time.
_BLOCK: Final = 16_384


def find_last_settled(history: History) -> int:
    """The last settled round's number; 0 where there is none."""
    return max((round_.number for round_ in history.rounds if round_.settled), default=0)


def find_first_commit(history: History, seat: int) -> int | None:
    """The first round with an update from a seat, whoever held it then; None where it published nothing."""
    return next((round_.number for round_ in history.rounds if seat in round_.commits), None)


def find_model_seats(history: History, round_: Round) -> tuple[int, ...]:
    """The seats whose bases make a round's model, ascending: those that attested it and were eligible in it.

    Of a settled round nothing that happens later changes them.
    """
    eligible = round_.find_eligible(history.terms.reputation_floor)
    return tuple(sorted(seat for seat in round_.attestations if seat in eligible))


def find_model_round(history: History, number: int) -> Round | None:
    """The round whose bases make the model of round `number`: the newest, up to it, with such seats.

    All rounds up to it must be settled. None where there is none: the model is the circle's genesis then.
    """
    for round_ in reversed(history.rounds[:number]):
        if find_model_seats(history, round_):
            return round_
    return None


def find_base_round(history: History, number: int, seat: int) -> Round | None:
    """The round that a seat's base of round `number` belongs to (R31.1); None where it has none then."""
    begun = None
    for round_ in reversed(history.rounds[:number]):
        if begun is None:
            begun = round_.begun.get(seat)
        if seat in round_.attestations:
            return round_ if round_.begun[seat] == begun else None
    return None


def find_history_after(history: History, number: int) -> bytes:
    """The running hash right after a settled round, 0 for right after the opening; 24 bytes (R31.2)."""
    if number:
        return history.rounds[number - 1].history_after
    assert history.opened is not None
    opening = History(history.terms)
    opening.apply(history.opened)
    return opening.hash


def compute_lineage(network: bytes, task: bytes, number: int, history_after: bytes) -> bytes:
    """What commits to all that the models of a round came of (R31.2), 32 bytes.

    network, task: 32 bytes each. history_after: see `find_history_after`.
    """
    return keccak(network + task + encode_word(number) + history_after)


def find_lower_median(bases: Sequence[GridState]) -> GridState:
    """The lower median of each value: of n in ascending order number ⌊(n − 1) / 2⌋, counted from 0.

    bases: at least one, each (d,), int32. Returns (d,), int32. Where more than half of the bases are honest, each
    value lies between the least and the largest honest one.
    """
    middle, found = (len(bases) - 1) // 2, np.empty_like(bases[0])
    for start in range(0, len(found), _BLOCK):
        part = slice(start, start + _BLOCK)
        found[part] = np.partition(np.stack([base[part] for base in bases]), middle, axis=0)[middle]
    return found


def encode_model(model: GridState, sizes: tuple[int, ...]) -> bytes:
    """The genesis blob of a circle that starts from a model: the same bytes on every machine (R31).

    model: (d,), int32. sizes: of its tensors. Each block has the least shift that holds its largest value, and each
    value the nearest code, of two as near the even one: in float32 all of it is exact.
    """
    inside = np.clip(model, -LARGEST_COUNT, LARGEST_COUNT)
    return encode_genesis(Genesis(PLAIN, quantise(to_float(inside), blocks_of(sizes), PLAIN).payload))


def digest_model(blob: bytes) -> bytes:
    """What a manifest names the blob of a model by, 32 bytes."""
    return build_dag(blob).root


def find_reached(history: History, seat: int) -> dict[int, int]:
    """Other seat → the round after which its base followed, directly or by others, from an update of `seat`.

    It follows from all that its holder accepted and could mix; whoever holds a seat next starts without it (R15).
    So these are all whom it may have reached by its own updates, some of whom the rule may have held back.
    That a rule measures also whom it rejects is not told.
    """
    reached: dict[tuple[int, int], int] = {}
    for round_ in history.rounds:
        tainted = {one for one in round_.commits if one == seat or (one, round_.begun[one]) in reached}
        mixable = mask_of(sorted(tainted & round_.find_eligible(history.terms.reputation_floor)))
        for judge, said in round_.attestations.items():
            if judge != seat and said.accepted & mixable:
                reached.setdefault((judge, round_.begun[judge]), round_.number)
    first: dict[int, int] = {}
    for (judge, _), number in reached.items():
        first[judge] = min(number, first.get(judge, number))
    return dict(sorted(first.items()))
