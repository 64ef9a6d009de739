"""Terms that the contract takes and that trap who uses them: refused, or warned of, each with the reason."""

from typing import Final

from ledger.chain.deployment.terms import Admission, ChosenTerms
from ledger.errors import UsageError
from ledger.untrusted.text import format_ether

# A window must see so many blocks: a call is sent, gets into a block, is seen there and answered in another.
_LEAST_BLOCKS: Final = 3
_GOOD_BLOCKS: Final = 10
# A dispute bond below this part of the bond costs who raises false claims next to nothing.
_DUST_PART: Final = 1000


def check_windows(terms: ChosenTerms, block_time_s: float | None) -> None:
    """Raises UsageError for windows that end before anybody could act in them.

    block_time_s: between two blocks of the chain, None where it makes one for each transaction.
    """
    if block_time_s is None:
        return
    for option, window_s, blocks in _list_windows(terms):
        if window_s < blocks * block_time_s:
            raise UsageError(
                f"{option} {window_s} is over within {blocks} blocks of this chain, one each {block_time_s:g} s: "
                f"nobody could act in time; choose {_round_up(blocks * block_time_s)} or more"
            )


def find_cautions(terms: ChosenTerms, block_time_s: float | None) -> list[str]:
    """What to know of terms that are taken as they are, a sentence each. block_time_s: as in `check_windows`."""
    found = [] if block_time_s is None else _find_short_windows(terms, block_time_s)
    if 2 * terms.quorum <= terms.start_seats:
        found.append(
            f"with a quorum of {terms.quorum} of {terms.start_seats} so few can go on alone, and where many leave, "
            "more than half of so few decide about bonds: choose a --quorum of more than half"
        )
    if terms.admission == Admission.OPEN:
        found += _find_open(terms)
    return found + (_find_dispute_window(terms) + _find_dispute_bond(terms) if terms.dispute_bond else [])


def _list_windows(terms: ChosenTerms) -> list[tuple[str, int, int]]:
    """Option, seconds and the least blocks of each window that matters."""
    found = [
        ("--commit-window", terms.commit_window_s, _LEAST_BLOCKS),
        ("--attest-window", terms.attest_window_s, _LEAST_BLOCKS),
    ]
    if terms.dispute_bond:
        found.append(("--dispute-window", terms.dispute_window_s, _GOOD_BLOCKS))
    return found


def _find_short_windows(terms: ChosenTerms, block_time_s: float) -> list[str]:
    return [
        f"{option} {window_s} is less than {_GOOD_BLOCKS} blocks of this chain, one each {block_time_s:g} s: "
        "a peer whose transaction waits for a few blocks is late"
        for option, window_s, _ in _list_windows(terms)
        if window_s < _GOOD_BLOCKS * block_time_s
    ]


def _find_open(terms: ChosenTerms) -> list[str]:
    if not terms.bond:
        return [
            "anyone may join and pledges nothing: whoever makes many keys has most of the circle; choose a --bond, "
            "or let peers in by invitation with --admission"
        ]
    if not terms.dispute_bond:
        return [
            "anyone may join and nobody can dispute what a judge says: a liar keeps its bond; "
            "choose a --dispute-bond"
        ]
    return []


def _find_dispute_window(terms: ChosenTerms) -> list[str]:
    round_s = terms.commit_window_s + terms.attest_window_s
    if terms.dispute_window_s >= round_s:
        return []
    return [
        f"--dispute-window {terms.dispute_window_s} is less than a round may take ({round_s} s), and peers "
        "recompute and vote on disputes between their rounds: many would be late; choose a longer one"
    ]


def _find_dispute_bond(terms: ChosenTerms) -> list[str]:
    if terms.dispute_bond < terms.bond // _DUST_PART:
        return [
            f"a false claim costs {format_ether(terms.dispute_bond)} and keeps a whole jury at work: choose a "
            "--dispute-bond of a twentieth of the bond"
        ]
    if terms.dispute_bond > terms.conviction_pays:
        return [
            f"who shows a verdict to be false risks {format_ether(terms.dispute_bond)} and gains "
            f"{format_ether(terms.conviction_pays)}, an eighth of the bond: nobody will; choose a "
            "lower --dispute-bond"
        ]
    return []


def _round_up(seconds: float) -> int:
    return -int(-seconds // 1)
