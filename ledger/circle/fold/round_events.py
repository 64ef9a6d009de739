"""A round: commits, the draw, verdicts, and their settlement into reputations."""

from typing import Final

from eth_hash.auto import keccak

from ledger.circle import events
from ledger.circle.draw import mask_of, seats_of
from ledger.circle.fold.state import EMPTY, FoldedCircle, Phase
from ledger.circle.reputation import count_strikes, pack, unpack
from ledger.circle.round import Attestation, Round
from ledger.circle.verdict_word import MAX_ROUND, decode_verdicts, is_consistent, is_under, round_of
from ledger.identity.addresses import encode_word

# R3.5a: of 65535; a seat that dozed is waited for again when it has attested with so much.
AWAKE_REPUTATION: Final = 49152


def apply_committed(circle: FoldedCircle, event: events.Committed) -> None:
    """A seat anchored its update (R3.8)."""
    current, seat = circle.require_round(event.round, Phase.COMMIT), event.seat
    may_commit = (circle.roster | circle.late) >> seat & 1 == 1
    circle.require(may_commit, f"seat {seat} is not on the roster")
    circle.require(seat not in current.commits, f"seat {seat} committed twice")
    circle.require(event.digest != EMPTY, f"seat {seat} committed nothing")
    held = circle.require_held(seat)
    current.commit(seat, event.digest, held)
    circle.roster |= 1 << seat
    circle.late &= ~(1 << seat)
    circle.remember(event, seat, event.digest)


def apply_drawn(circle: FoldedCircle, event: events.Drawn) -> None:
    """The commit phase closed (R3.9, R3.11), or nobody attested while the chain knew the block it closed in."""
    is_again = circle.phase == Phase.ATTEST
    current = circle.require_round(event.round, Phase.ATTEST if is_again else Phase.COMMIT)
    circle.require(not current.heard, "the seed was drawn again after somebody attested under it")
    circle.require(event.committed == current.committed, "the seed was drawn for other commits")
    circle.require(len(current.commits) >= circle.terms.quorum, "the seed was drawn short of the quorum")
    if not is_again:
        current.missed = circle.roster & ~current.committed
    current.seed, circle.phase = event.seed, Phase.ATTEST
    circle.remember(event, 0, encode_word(event.committed))


def apply_attested(circle: FoldedCircle, event: events.Attested) -> None:
    """A seat anchored its verdicts (R3.10)."""
    number, seat = round_of(event.verdicts), event.seat
    circle.require(number <= MAX_ROUND, "a verdict is about no round")
    current = circle.require_round(number, Phase.ATTEST)
    assert current.seed is not None
    circle.require(is_under(event.verdicts, current.seed), f"seat {seat} attested under another seed")
    held = circle.require_held(seat)
    circle.require(seat not in current.heard, f"seat {seat} attested twice")
    circle.require(is_consistent(event.verdicts), f"seat {seat} accepted one it did not judge")
    circle.require(event.record != EMPTY, f"seat {seat} attested without a record")
    held.attested_round, said = number, None
    # R10: a verdict is about a neighbour or says nothing; a seat that did not commit is nobody's neighbour.
    if current.committed >> seat & 1:
        judged, accepted = decode_verdicts(event.verdicts, current.find_neighbours(circle.terms.degree)[seat])
        said = Attestation(judged, accepted, event.record)
    current.hear(seat, said)
    circle.remember(event, seat, encode_word(event.verdicts), event.record)


def apply_settled(circle: FoldedCircle, event: events.Settled) -> None:
    """The round's verdicts became reputations, and the next round opened (R3.12)."""
    current = circle.require_round(event.round, Phase.ATTEST)
    attesting = mask_of(list(current.attestations))
    circle.require(event.attested == attesting, "other verdicts were settled than attested")
    circle.reputations = circle.compute_reputations(current)
    _compare(circle, event)
    _strike(circle)
    _doze(circle, current, attesting)
    # R4: where nobody said anything the contract never learned the seed.
    seed = current.seed if current.seed is not None and current.heard else EMPTY
    circle.remember(event, 0, encode_word(attesting), keccak(b"".join(map(encode_word, event.reputations))), seed)
    current.settle(circle.hash, circle.rounds[-2] if len(circle.rounds) > 1 else None)
    if event.round == circle.terms.last_round:
        circle.phase = Phase.FINISHED
    else:
        circle.open_round(event.round + 1, attesting)


def _compare(circle: FoldedCircle, event: events.Settled) -> None:
    """Keep what the contract says beside what follows from the verdicts; go on with the contract's."""
    if event.reputations == pack(circle.reputations):
        return
    reported = unpack(event.reputations, len(circle.seats))
    differing = {s: (reported[s], own) for s, own in circle.reputations.items() if reported[s] != own}
    circle.reputation_differences.append((event.round, differing))
    circle.reputations = reported


def _doze(circle: FoldedCircle, current: Round, attesting: int) -> None:
    """R3.5a: a seat waited for in vain dozes, until it attests twice running and its reputation is high."""
    again = circle.dozing & circle.steady & attesting
    back = [s for s in seats_of(again) if circle.reputations[s] >= AWAKE_REPUTATION]
    circle.dozing &= ~mask_of(back)
    circle.dozing |= current.missed | (current.committed & ~attesting)
    circle.steady = circle.dozing & attesting


def _strike(circle: FoldedCircle) -> None:
    """One more for each seat held below the floor, none left for each that came back (R23.2)."""
    below = circle.below
    for seat, held in circle.seats.items():
        if held.is_held:
            held.strikes = count_strikes(held.strikes, is_below=below >> seat & 1 == 1)
