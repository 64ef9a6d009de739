"""The options for a circle's terms, and the terms they stand for."""

import argparse
from decimal import Context, Decimal
from typing import Any

from ledger.errors import UsageError

_WEI_DIGITS = {"ETH": 18, "GWEI": 9}
# Where anyone may join: what a peer pledges, and which part of that a dispute takes.
_OPEN_BOND = "0.1"
_DISPUTE_PART = 20
# Written out, as the manifest takes its time to import; a test compares.
_CHECKPOINT_EVERY = 16
_ADMISSIONS = ("open", "inviter", "members")


def add_terms(parser: argparse.ArgumentParser) -> None:
    """The circle's size, length, clocks, bonds and who may join; all of it is fixed by the deployment."""
    parser.add_argument("--peers", type=int, default=8, help="round 1 starts when so many have joined")
    parser.add_argument(
        "--quorum", type=int, help="a phase closes at its deadline with so many (default: a majority)"
    )
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--degree", type=int, default=4, help="neighbours a peer judges in a round")
    parser.add_argument(
        "--checkpoint-every",
        type=int,
        default=_CHECKPOINT_EVERY,
        metavar="ROUNDS",
        help=f"a judge shows what it goes on with so often (default {_CHECKPOINT_EVERY})",
    )
    parser.add_argument("--commit-window", type=int, default=60, metavar="SECONDS")
    parser.add_argument("--attest-window", type=int, default=60, metavar="SECONDS")
    terms = parser.add_argument_group("bonds, keys and admission")
    terms.add_argument(
        "--bond", metavar="ETH", help=f"what a peer pledges for its seat (default {_OPEN_BOND}, by invitation 0)"
    )
    terms.add_argument("--unbonding", type=int, metavar="SECONDS", help="a bond is held so long after leaving")
    terms.add_argument(
        "--rotation-delay", type=int, metavar="SECONDS", help="new keys are announced so long before"
    )
    terms.add_argument(
        "--eject-after", type=int, metavar="ROUNDS", help="in quarantine, then a seat is lost; 0: never"
    )
    terms.add_argument(
        "--dispute-bond",
        metavar="ETH",
        help="to dispute a verdict; 0: nobody can (default: a twentieth of the bond, by invitation 0)",
    )
    terms.add_argument("--dispute-window", type=int, metavar="SECONDS", help="for each stage of a dispute")
    terms.add_argument("--jury-seats", type=int, help="so many hear a dispute first")
    terms.add_argument("--reputation-shift", type=int, help="a settlement moves a reputation 1/2^shift of the way")
    terms.add_argument("--reputation-floor", type=int, help="of 65535: below it a peer is quarantined")
    terms.add_argument("--admission", choices=_ADMISSIONS, default="open", help="who may let peers in")
    terms.add_argument("--inviter", metavar="ADDRESS", help="whose invitations let peers in")
    terms.add_argument("--court", metavar="ADDRESS", help="use the court of an earlier circle on this chain")


def parse_terms(options: argparse.Namespace) -> Any:
    """The `Terms` that were chosen; what was not given has the default there. Raises UsageError."""
    from ledger.chain.deployment.terms import ChosenTerms

    given = {
        "unbonding_s": options.unbonding,
        "rotation_delay_s": options.rotation_delay,
        "eject_after": options.eject_after,
        "dispute_window_s": options.dispute_window,
        "jury_seats": options.jury_seats,
        "reputation_shift": options.reputation_shift,
        "reputation_floor": options.reputation_floor,
        "inviter": options.inviter.lower() if options.inviter else None,
    }
    bond = _choose_bond(options)
    return ChosenTerms(
        start_seats=options.peers,
        quorum=options.quorum if options.quorum is not None else options.peers // 2 + 1,
        commit_window_s=options.commit_window,
        attest_window_s=options.attest_window,
        bond=bond,
        dispute_bond=_choose_dispute_bond(options, bond),
        admission=_ADMISSIONS.index(options.admission),
        **{name: value for name, value in given.items() if value is not None},
    )


def _choose_bond(options: argparse.Namespace) -> int:
    """Where anyone may join, a bond is what makes many keys dear; among invited ones it is a matter of choice."""
    if options.bond is not None:
        return parse_wei(options.bond, "--bond")
    return parse_wei(_OPEN_BOND, "--bond") if options.admission == "open" else 0


def _choose_dispute_bond(options: argparse.Namespace, bond: int) -> int:
    """Less than half of what a conviction pays, and enough that false claims cost something."""
    if options.dispute_bond is not None:
        return parse_wei(options.dispute_bond, "--dispute-bond")
    return bond // _DISPUTE_PART if options.admission == "open" else 0


def parse_wei(text: str, option: str, unit: str = "ETH") -> int:
    """An amount of coin, exactly. unit: ETH or GWEI. Raises UsageError."""
    try:
        # Room for every digit: nothing is rounded.
        wei = Decimal(text).scaleb(_WEI_DIGITS[unit], Context(prec=100)) if len(text) <= 40 else Decimal("NaN")
        if 0 <= wei < 1 << 256 and wei == int(wei):
            return int(wei)
    except ArithmeticError:
        pass
    raise UsageError(f"{option} {text[:40]!r} is no amount of coin: give one such as 0.05, in {unit}")
