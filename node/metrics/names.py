"""Which values a label may have: each label's own list, so that nobody makes series without end."""

from collections.abc import Collection
from typing import Final

from ledger.blobs.contents.records import ACCEPTED, INVALID, REJECTED, UNAVAILABLE

OTHER: Final = "other"
VERDICTS: Final = (ACCEPTED, REJECTED, INVALID, UNAVAILABLE)
NOTICES: Final = (
    "awake",
    "called_to_vote",
    "claim_over",
    "cleared",
    "coin_enough",
    "convicted",
    "disputed",
    "dozing",
    "drawn_for_jury",
    "endpoint_back",
    "endpoint_changed",
    "false_verdict",
    "had",
    "lacking",
    "low_on_coin",
    "missed_attestation",
    "missed_round",
    "no_coin_for_claims",
    "origin",
    "origin_checked",
    "privacy_spent",
    "quarantined",
    "reached",
    "rejected",
    "restored",
    "round_went_well",
    "seat_given_up",
    "seat_lost",
    "standing_by",
    "strike",
    "suspension_over",
    "unheard",
    "unreachable",
    "unshown",
)
"""Kinds of notices; a test reads all that the program has."""
FIGURES_MAX: Final = 16
"""So many figures of a task are shown."""
FIGURE_NAME_MAX: Final = 40


def among(value: str, known: Collection[str]) -> str:
    """The value if it is one of those, else `other`."""
    return value if value in known else OTHER
