"""A round: commits, the draw, verdicts, and their settlement into reputations."""

from typing import Final

from eth_hash.auto import keccak

from ledger import events
from ledger.fold.state import EMPTY, Phase, State, word
from ledger.reputation import pack, unpack
from ledger.rounds import Attestation
from ledger.topology import mask_of
from ledger.verdicts import MAX_ROUND, decode_verdicts, is_consistent, is_under, round_of

MAX_STRIKES: Final = 255


def committed(state: State, event: events.Committed) -> None:
    """A seat anchored its update."""
    current, seat = state.current(event.round, Phase.COMMIT), event.seat
    state.require(state.roster >> seat & 1 == 1, f"seat {seat} is not on the roster")
    state.require(seat not in current.commits, f"seat {seat} committed twice")
    state.require(event.digest != EMPTY, f"seat {seat} committed nothing")
    held = state.held(seat)
    current.commits[seat] = event.digest
    current.peers[seat], current.tenures[seat] = held.peer, held.tenure
    current.committed |= 1 << seat
    state.remember(event, seat, event.digest)


def drawn(state: State, event: events.Drawn) -> None:
    """The commit phase closed."""
    current = state.current(event.round, Phase.COMMIT)
    state.require(event.committed == current.committed, "the seed was drawn for other commits")
    state.require(len(current.commits) >= state.parameters.quorum, "the seed was drawn short of the quorum")
    current.seed, state.phase = event.seed, Phase.ATTEST
    state.remember(event, 0, event.seed, word(event.committed))


def attested(state: State, event: events.Attested) -> None:
    """A seat anchored its verdicts."""
    number, seat = round_of(event.verdicts), event.seat
    state.require(number <= MAX_ROUND, "a verdict is about no round")
    current = state.current(number, Phase.ATTEST)
    assert current.seed is not None
    state.require(is_under(event.verdicts, current.seed), f"seat {seat} attested under another seed")
    state.held(seat)
    state.require(seat not in current.heard, f"seat {seat} attested twice")
    state.require(is_consistent(event.verdicts), f"seat {seat} accepted one it did not judge")
    state.require(event.record != EMPTY, f"seat {seat} attested without a record")
    current.heard.add(seat)
    # R10: a verdict is about a neighbour or says nothing; who did not commit is nobody's neighbour.
    if current.committed >> seat & 1:
        judged, accepted = decode_verdicts(event.verdicts, current.neighbours(state.parameters.degree)[seat])
        current.attestations[seat] = Attestation(judged, accepted, event.record)
    state.remember(event, seat, word(event.verdicts), event.record)


def settled(state: State, event: events.Settled) -> None:
    """The round's verdicts became reputations, and the next round opened."""
    current = state.current(event.round, Phase.ATTEST)
    attesting = mask_of(list(current.attestations))
    state.require(event.attested == attesting, "other verdicts were settled than attested")
    # R3.12: short of the quorum the contract has waited long and gives the round up: no reputation moves.
    has_quorum = len(current.attestations) >= state.parameters.quorum
    if has_quorum:
        state.reputations = state.settled(current)
    _compare(state, event)
    if has_quorum:
        _strike(state)
    current.settled = True
    state.remember(event, 0, word(attesting), keccak(b"".join(map(word, event.reputations))))
    if event.round == state.parameters.last_round:
        state.phase = Phase.FINISHED
    else:
        state.open_round(event.round + 1, attesting)


def _compare(state: State, event: events.Settled) -> None:
    """Keep what the contract says beside what follows from the verdicts; go on with the contract's."""
    if event.reputations == pack(state.reputations):
        return
    reported = unpack(event.reputations, len(state.seats))
    differing = {s: (reported[s], own) for s, own in state.reputations.items() if reported[s] != own}
    state.reputation_differences.append((event.round, differing))
    state.reputations = reported


def _strike(state: State) -> None:
    """One more for each seat held below the floor, none left for each that came back."""
    below = state.below
    for seat, held in state.seats.items():
        if held.is_held:
            held.strikes = min(held.strikes + 1, MAX_STRIKES) if below >> seat & 1 else 0
