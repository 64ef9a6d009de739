"""A circle's terms: what its founders fix for good at deployment, beside the task's manifest.

Everything that depends on which terms there are is in this module: a new one is a field of `ChosenTerms`, a line of
`_RANGES` and an option in node/cli/terms.py. How the constructor takes them is read from its ABI, by name.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final

import msgspec
from eth_utils.address import is_hex_address

from ledger.chain.contract.artifact import Artifact
from ledger.circle.manifest import Manifest
from ledger.errors import UsageError
from ledger.identity.addresses import NOBODY

TermValue = int | str
MAX_WINDOW_S: Final = 30 * 86400
MAX_DELAY_S: Final = 365 * 86400
MAX_BOND_WEI: Final = (1 << 128) - 1
# R3.1: what a dispute may take, twice over, must fit between leaving and getting the bond back.
UNBONDING_WINDOWS: Final = 8
COURT: Final = "court"


class Admission(IntEnum):
    """Who may join; the numbers are the contract's."""

    OPEN = 0
    INVITER = 1
    MEMBERS = 2


class ChosenTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The contract's parameters that founders choose, see its constructor. `…_s` in seconds, bonds in wei.

    The court's address is the constructor's last term, and follows from the deployment.
    """

    start_seats: int
    """With so many seats taken round 1 opens."""
    quorum: int
    """So many commits at least before a seed is drawn."""
    commit_window_s: int
    """How long the commit phase lasts at most."""
    attest_window_s: int
    """How long the attest phase lasts at most."""
    reputation_shift: int = 3
    """A settlement moves a reputation 1 / 2^shift of the way."""
    reputation_floor: int = 16384
    """Of 65535."""
    eject_after: int = 16
    """Rounds in a row below the floor, 0: never."""
    bond: int = 0
    """Wei that a seat puts down."""
    unbonding_s: int = 3 * 86400
    """How long a seat given up is held before it is released."""
    rotation_delay_s: int = 86400
    """How long announced keys wait before they are in force."""
    dispute_bond: int = 0
    """0: no disputes."""
    dispute_window_s: int = 6 * 3600
    """The unit of the court's deadlines."""
    jury_seats: int = 7
    """How many are drawn for a jury."""
    admission: int = Admission.OPEN
    """An `Admission`."""
    inviter: str = NOBODY
    """0x and 40 hex digits; NOBODY where anyone may join."""

    @property
    def conviction_pays(self) -> int:
        """Wei that who shows a judge's verdict to be false is owed the first time (R26.6)."""
        return self.bond // 2 // 4


# What the contract takes for each but the quorum: least, most, and how the command line calls it.
_RANGES: Final = {
    "start_seats": (2, 256, "a circle starts with 2 to 256 peers", "--peers"),
    "commit_window_s": (1, MAX_WINDOW_S, "a window is 1 second to 30 days", "--commit-window"),
    "attest_window_s": (1, MAX_WINDOW_S, "a window is 1 second to 30 days", "--attest-window"),
    "reputation_shift": (1, 8, "the reputation shift is 1 to 8", "--reputation-shift"),
    "reputation_floor": (256, 32767, "the reputation floor is 256 to 32767 of 65535", "--reputation-floor"),
    "eject_after": (0, 255, "a seat is ejected after 1 to 255 rounds, or never with 0", "--eject-after"),
    "bond": (0, MAX_BOND_WEI, "the bond is below 2^128 wei", "--bond"),
    "unbonding_s": (0, MAX_DELAY_S, "unbonding takes 0 seconds to 365 days", "--unbonding"),
    "rotation_delay_s": (0, MAX_DELAY_S, "a rotation takes 0 seconds to 365 days", "--rotation-delay"),
    "dispute_bond": (0, MAX_BOND_WEI, "the bond of a dispute is below 2^128 wei", "--dispute-bond"),
    "dispute_window_s": (1, MAX_WINDOW_S, "a window is 1 second to 30 days", "--dispute-window"),
    "jury_seats": (1, 21, "a jury has 1 to 21 seats", "--jury-seats"),
    "admission": (0, 2, "admission is open, inviter or members", "--admission"),
}


def check_terms(terms: ChosenTerms) -> None:
    """Raises UsageError for what the contract would refuse, before anything is paid for."""
    for name, (least, most, rule, option) in _RANGES.items():
        value: int = getattr(terms, name)
        if not least <= value <= most:
            raise UsageError(f"{rule}, not {value}: choose another {option}")
    if not 2 <= terms.quorum <= terms.start_seats:
        raise UsageError(
            f"the quorum is 2 to {terms.start_seats} peers, not {terms.quorum}: choose another --quorum"
        )
    if not is_hex_address(terms.inviter):
        raise UsageError(f"the inviter {terms.inviter!r} is no address: give --inviter 0x and 40 hex digits")
    if (terms.admission == Admission.OPEN) != (int(terms.inviter, 16) == 0):
        raise UsageError("--inviter and an --admission of inviter or members belong together: give both or none")
    _check_disputes(terms)


def _check_disputes(terms: ChosenTerms) -> None:
    if not terms.dispute_bond:
        return
    if not terms.bond:
        raise UsageError(
            "a judge that is convicted in a dispute pays with its bond, and there is none: "
            "choose a --bond, or --dispute-bond 0 for no disputes"
        )
    least_s = UNBONDING_WINDOWS * terms.dispute_window_s
    if terms.unbonding_s < least_s:
        raise UsageError(
            f"unbonding takes {UNBONDING_WINDOWS} dispute windows or more ({least_s} s here), not "
            f"{terms.unbonding_s} s, or a liar is gone with its bond before it is convicted: choose a longer "
            "--unbonding or a shorter --dispute-window, or --dispute-bond 0 for no disputes"
        )


def compute_term_values(artifact: Artifact, manifest: Manifest, terms: ChosenTerms) -> dict[str, TermValue]:
    """Name → value of each term the constructor takes but for its court's address, in its order.

    Some of them the manifest holds too.
    Raises UsageError for a term that was chosen and that the contract does not have.
    """
    known: dict[str, TermValue] = {
        **msgspec.structs.asdict(terms),
        "last_round": manifest.rounds,
        "degree": manifest.degree,
    }
    names = [parameter["name"] for parameter in _find_constructor_parameters(artifact)]
    for field in msgspec.structs.fields(ChosenTerms):
        is_chosen = field.default is not msgspec.NODEFAULT and known[field.name] != field.default
        if is_chosen and field.name not in names:
            raise UsageError(f"the circle contract of this version has no {field.name}: leave that option out")
    return {name: known[name] for name in names if name != COURT}


def encode_constructor_arguments(
    artifact: Artifact, encoded: bytes, values: Mapping[str, TermValue]
) -> tuple[object, ...]:
    """The arguments for `Artifact.encode_creation`. encoded: the manifest's bytes."""

    def argument(parameter: dict[str, Any]) -> object:
        if parameter["type"] == "tuple":
            return tuple(argument(part) for part in parameter["components"])
        return encoded if parameter["name"] == "manifest" else values[parameter["name"]]

    return tuple(argument(parameter) for parameter in artifact.find_constructor())


def find_differing_terms(words: Mapping[str, bytes], values: Mapping[str, TermValue]) -> list[str]:
    """The terms whose value in a deployed circle is another. words: its immutables, see `read_immutables`."""
    held = {name.lower(): int.from_bytes(word, "big") for name, word in words.items()}
    return [name for name, value in values.items() if name in held and held[name] != _encode_word(value)]


def _find_constructor_parameters(artifact: Artifact) -> list[dict[str, Any]]:
    """The constructor's parameters but for the manifest, a struct's fields in its place."""
    found: list[dict[str, Any]] = []
    for parameter in artifact.find_constructor():
        found += parameter["components"] if parameter["type"] == "tuple" else [parameter]
    return [parameter for parameter in found if parameter["name"] != "manifest"]


def _encode_word(value: TermValue) -> int:
    return int(value, 16) if isinstance(value, str) else value
