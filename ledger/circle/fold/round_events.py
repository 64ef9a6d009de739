"""A round: commits, the draw, verdicts, and their settlement into reputations."""

from typing import Final

from eth_hash.auto import keccak

from ledger.circle import events
from ledger.circle.draw import mask_of, seats_of
from ledger.circle.fold.state import EMPTY, Phase, State, word
from ledger.circle.reputation import pack, unpack
from ledger.circle.round import Attestation, Round
from ledger.circle.verdict_word import MAX_ROUND, decode_verdicts, is_consistent, is_under, round_of

MAX_STRIKES: Final = 255
# R3.5a: of 65535; who dozed is waited for again when it has attested with so much.
AWAKE_REPUTATION: Final = 49152


def committed(state: State, event: events.Committed) -> None:
    """A seat anchored its update (R3.8)."""
    current, seat = state.current(event.round, Phase.COMMIT), event.seat
    may_commit = (state.roster | state.late) >> seat & 1 == 1
    state.require(may_commit, f"seat {seat} is not on the roster")
    state.require(seat not in current.commits, f"seat {seat} committed twice")
    state.require(event.digest != EMPTY, f"seat {seat} committed nothing")
    held = state.held(seat)
    current.commits[seat] = event.digest
    current.peers[seat], current.tenures[seat] = held.peer, held.tenure
    current.begun[seat] = held.begun_round
    current.committed |= 1 << seat
    state.roster |= 1 << seat
    state.late &= ~(1 << seat)
    state.remember(event, seat, event.digest)


def drawn(state: State, event: events.Drawn) -> None:
    """The commit phase closed (R3.9, R3.11), or nobody attested while the chain knew the block it closed in."""
    is_again = state.phase == Phase.ATTEST
    current = state.current(event.round, Phase.ATTEST if is_again else Phase.COMMIT)
    state.require(not current.heard, "the seed was drawn again after somebody attested under it")
    state.require(event.committed == current.committed, "the seed was drawn for other commits")
    state.require(len(current.commits) >= state.parameters.quorum, "the seed was drawn short of the quorum")
    if not is_again:
        current.missed = state.roster & ~current.committed
    current.seed, state.phase = event.seed, Phase.ATTEST
    state.remember(event, 0, word(event.committed))


def attested(state: State, event: events.Attested) -> None:
    """A seat anchored its verdicts (R3.10)."""
    number, seat = round_of(event.verdicts), event.seat
    state.require(number <= MAX_ROUND, "a verdict is about no round")
    current = state.current(number, Phase.ATTEST)
    assert current.seed is not None
    state.require(is_under(event.verdicts, current.seed), f"seat {seat} attested under another seed")
    held = state.held(seat)
    state.require(seat not in current.heard, f"seat {seat} attested twice")
    state.require(is_consistent(event.verdicts), f"seat {seat} accepted one it did not judge")
    state.require(event.record != EMPTY, f"seat {seat} attested without a record")
    current.heard.add(seat)
    held.attested_round = number
    # R10: a verdict is about a neighbour or says nothing; who did not commit is nobody's neighbour.
    if current.committed >> seat & 1:
        judged, accepted = decode_verdicts(event.verdicts, current.neighbours(state.parameters.degree)[seat])
        current.attestations[seat] = Attestation(judged, accepted, event.record)
    state.remember(event, seat, word(event.verdicts), event.record)


def settled(state: State, event: events.Settled) -> None:
    """The round's verdicts became reputations, and the next round opened (R3.12)."""
    current = state.current(event.round, Phase.ATTEST)
    attesting = mask_of(list(current.attestations))
    state.require(event.attested == attesting, "other verdicts were settled than attested")
    state.reputations = state.settled(current)
    _compare(state, event)
    _strike(state)
    _doze(state, current, attesting)
    current.settled = True
    # R4: where nobody said anything the contract never learned the seed.
    seed = current.seed if current.seed is not None and current.heard else EMPTY
    state.remember(event, 0, word(attesting), keccak(b"".join(map(word, event.reputations))), seed)
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


def _doze(state: State, current: Round, attesting: int) -> None:
    """R3.5a: who was waited for in vain dozes; who dozes and attests is awake again once its reputation is high."""
    awake = [s for s in seats_of(state.dozing & attesting) if state.reputations[s] >= AWAKE_REPUTATION]
    state.dozing &= ~mask_of(awake)
    state.dozing |= current.missed | (current.committed & ~attesting)


def _strike(state: State) -> None:
    """One more for each seat held below the floor, none left for each that came back (R23.2)."""
    below = state.below
    for seat, held in state.seats.items():
        if held.is_held:
            held.strikes = min(held.strikes + 1, MAX_STRIKES) if below >> seat & 1 else 0
