"""What members agreed on about the privacy of their data, and what each has spent of it, by what it published."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any, Final

from ledger.audit.privacy_statement import FALSE_ALARMS, bound_detection
from ledger.blobs.contents.records import decode_update, update_max_bytes
from ledger.circle.history import History, Round
from ledger.circle.manifest import Manifest
from ledger.privacy.statement import PrivacyStatement, find_rounds_within
from ledger.privacy.terms import PrivacyTerms
from node.operating.round_log import SpentPrivacy
from node.watch.figures import read_told, tell_files
from node.watch.query import Query
from node.watch.shelf import Found, Lost, Want, find_shelf
from node.watch.source import Source

_BLOBS_MAX: Final = 512
"""So many updates are looked at, over all seats."""
_BYTES_MAX: Final = 1 << 28
STATEMENT: Final = "statement"
_EACH_MAX: Final = 12
# So far back a seat's newest update is looked for.
_BACK: Final = 500
_SAYS: Final = (
    "What a seat has spent is what its last update says, which everybody recomputes from its rounds, its rate and"
    " its noise. The rate follows from how many examples it has, and that nobody sees but the seat itself."
)


def describe_privacy(source: Source, _: Query) -> dict[str, Any] | None:
    """GET /api/privacy; None for a circle without terms. Raises NotReady."""
    history, shelf = source.view.history, find_shelf(source)
    terms = history.manifest.privacy
    if terms is None:
        return None
    looked_at = _choose_updates(history)
    max_bytes = update_max_bytes(history.manifest)
    network = source.circle.network.domain_separator
    # The newest of every seat first, then the ones before.
    wanted = sorted(((number, seat) for seat, rounds in looked_at.items() for number in rounds), reverse=True)
    newest = {(rounds[-1], seat) for seat, rounds in looked_at.items() if rounds}
    wanted.sort(key=lambda one: one not in newest)
    shelf.ask(
        _make_want(history.rounds[number - 1], seat, history.manifest, network, max_bytes)
        for number, seat in wanted
    )
    own = {seat: told[-1].privacy for seat, told in read_told(source).items()}
    seats = [
        _describe_seat(source, terms, seat, rounds, own.get(seat)) for seat, rounds in sorted(looked_at.items())
    ]
    return {
        "terms": _describe_terms(terms),
        "seats": seats,
        "pending": sum(one["pending"] for one in seats),
        "says": _SAYS,
    }


def tell_privacy(source: Source) -> tuple[object, ...]:
    """For how long an answer holds: until the circle goes on, an update is read or a node reports."""
    return source.revision, find_shelf(source).version, tell_files(source)


def explain_terms(terms: PrivacyTerms) -> list[str]:
    """The terms in plain words, a sentence each."""
    epsilon, unit = terms.epsilon_milli / 1000, terms.unit
    return [
        f"Each seat may spend ε {epsilon:g} at δ {terms.delta} for any one {unit}, over all rounds together.",
        f"In a round it trains {terms.steps} steps of about {terms.batch} {unit}s; what one {unit} can do to a step"
        f" is cut to {terms.clip}, and noise of {terms.sigma} times that is added.",
        _explain_epsilon(terms.epsilon_milli, terms),
        "A seat whose budget does not hold another round trains no more and goes on judging the others.",
    ]


def _explain_epsilon(epsilon_milli: int, terms: PrivacyTerms) -> str:
    most = bound_detection(epsilon_milli, terms.delta)
    alarms = f"{100 * FALSE_ALARMS:.0f} in 100"
    if most >= 1:
        return (
            f"With all of it spent, an attack that finds every {terms.unit} that was trained on, while taking"
            f" {alarms} others for such, is not ruled out: a weak promise, and a smaller ε is a stronger one."
        )
    return (
        f"With all of it spent, whoever sees everything can tell at most {100 * float(most):.1f} in 100 of a seat's"
        f" {terms.unit}s to have been trained on, while taking {alarms} others for such."
    )


def _describe_terms(terms: PrivacyTerms) -> dict[str, Any]:
    return {
        "epsilon": terms.epsilon_milli / 1000,
        "delta": terms.delta,
        "unit": terms.unit,
        "steps": terms.steps,
        "batch": terms.batch,
        "sigma": terms.sigma,
        "clip": terms.clip,
        "says": explain_terms(terms),
    }


def _choose_updates(history: History) -> dict[int, Sequence[int]]:
    """Seat → the rounds whose updates are looked at, ascending: its newest, and some before of the same holder."""
    # R5: what is committed is sealed until the phase closes.
    drawn = len(history.rounds) - bool(history.rounds and history.rounds[-1].seed is None)
    share = _BLOBS_MAX // max(1, len(history.seats))
    share = min(share, _BYTES_MAX // (max(1, len(history.seats)) * update_max_bytes(history.manifest)))
    spread = _spread(range(1, drawn + 1), max(1, min(_EACH_MAX, share)))[:-1]
    newest = _find_newest(history, drawn)
    return {
        seat: [*(one for one in spread if one < newest.get(seat, 0) and _is_holders(history, one, seat))]
        + ([newest[seat]] if seat in newest else [])
        for seat in history.seats
    }


def _find_newest(history: History, drawn: int) -> dict[int, int]:
    """Seat → the newest drawn round that its holder committed in, if that is one of the last."""
    found: dict[int, int] = {}
    for number in range(drawn, max(0, drawn - _BACK), -1):
        if len(found) == len(history.seats):
            break
        for seat in history.seats.keys() - found.keys():
            if _is_holders(history, number, seat):
                found[seat] = number
    return found


def _is_holders(history: History, number: int, seat: int) -> bool:
    """Whether the seat's present holder committed in a round."""
    round_ = history.rounds[number - 1]
    return seat in round_.commits and round_.tenures.get(seat) == history.seats[seat].tenure


def _spread(rounds: Sequence[int], most: int) -> Sequence[int]:
    """At most so many of them, the newest one always, and the others where they stay for long.

    A place is chosen by a round's number, so that as rounds come the same ones are looked at again.
    """
    if len(rounds) <= most:
        return rounds
    apart = 1
    while sum(number % apart == 0 for number in rounds[:-1]) > most - 1:
        apart *= 2
    return [*(number for number in rounds[:-1] if number % apart == 0), rounds[-1]]


def _make_want(round_: Round, seat: int, manifest: Manifest, network: bytes, max_bytes: int) -> Want:
    read = partial(
        _read_statement,
        manifest=manifest,
        network=network,
        round_number=round_.number,
        author=round_.author_of(seat),
    )
    return Want(STATEMENT, round_.commits[seat], seat, max_bytes, read)


def _read_statement(blob: bytes, manifest: Manifest, network: bytes, round_number: int, author: bytes) -> object:
    """What an update says of privacy. Raises PeerFault where it is none, or does not follow (R30.3)."""
    return decode_update(blob, manifest, network, round_number, author).privacy


def _describe_seat(
    source: Source, terms: PrivacyTerms, seat: int, rounds: Sequence[int], own: SpentPrivacy | None
) -> dict[str, Any]:
    said, lost, pending = _find_said(source, seat, rounds)
    last = said[max(said)] if said else None
    left = None if last is None else max(0, _count_rounds(terms, last.rate, last.sigma) - last.rounds)
    return {
        "seat": seat,
        "spent": None if last is None else last.epsilon_milli / 1000,
        "asOfRound": max(said) if said else None,
        "charged": None if last is None else last.rounds,
        "roundsLeft": left,
        "examples": None if last is None or not last.examples else last.examples,
        "sigma": None if last is None else last.sigma,
        "rounds": sorted(said),
        "spentOver": [said[number].epsilon_milli / 1000 for number in sorted(said)],
        "own": None if own is None else _describe_own(own),
        "pending": pending,
        "missing": lost,
    }


def _find_said(
    source: Source, seat: int, rounds: Sequence[int]
) -> tuple[dict[int, PrivacyStatement], str | None, int]:
    """By round what the seat's updates say; why the newest is lacking; how many are waited for."""
    shelf, history = find_shelf(source), source.view.history
    said, lost, pending = dict[int, PrivacyStatement](), None, 0
    for number in rounds:
        result = shelf.find(STATEMENT, history.rounds[number - 1].commits[seat])
        pending += result is None
        if isinstance(result, Found) and isinstance(result.value, PrivacyStatement):
            said[number] = result.value
        elif isinstance(result, Lost):
            lost = f"round {number}: {result.says}"
    return said, lost, pending


def _describe_own(own: SpentPrivacy) -> Mapping[str, Any]:
    return {"spent": own.spent_epsilon, "budget": own.budget_epsilon, "roundsLeft": own.rounds_left}


@lru_cache(1024)
def _count_rounds(terms: PrivacyTerms, rate: int, sigma: str) -> int:
    """For how many rounds in all a peer with this rate and noise may be charged."""
    return find_rounds_within(terms, rate, Decimal(sigma))
