"""What a circle agreed on about privacy and what a peer has spent of it, as commands show it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def describe_terms(terms: Mapping[str, Any]) -> str:
    """One line. terms: the fields of a PrivacyTerms."""
    return (
        f"privacy: ε up to {terms['epsilon_milli'] / 1000:g} at δ {terms['delta']} for any one {terms['unit']};"
        f" {terms['steps']} steps of batch {terms['batch']} a round, noise {terms['sigma']} of clip {terms['clip']}"
    )


def read_spending(opened: Any, root: Path) -> Any:
    """The Spending of the node whose folder this is, as a node writes it. opened: an OpenCircle.

    Raises UsageError where no node of this circle was in the folder, SetupError where the file does not say it,
    OSError.
    """
    from ledger.errors import UsageError
    from node.learning.private.budget import compute_spending
    from node.learning.private.charges import ChargeFile
    from node.learning.private.own_budget import read_budget

    places = find_places(opened, root)
    terms = opened.history.manifest.privacy
    # A folder's name that was typed wrong is not a node that has spent nothing.
    if not places.privacy_budget.exists() and not places.charges.exists():
        raise UsageError(f"--data {root}: no node of this circle was here: name the folder that it was given")
    own = read_budget(places.privacy_budget)
    budget_milli = terms.epsilon_milli if own is None else min(own, terms.epsilon_milli)
    return compute_spending(terms, ChargeFile(places.charges), budget_milli)


def find_places(opened: Any, root: Path) -> Any:
    """The FolderPlaces of a node of an OpenCircle in a folder."""
    from node.operating.data_folder import FolderPlaces

    block = opened.file.block
    return FolderPlaces(root, opened.circle.network, opened.circle.fetch_events(block, block)[0].block_hash)


def describe_spending(fields: Mapping[str, Any], terms: Mapping[str, Any]) -> str:
    """One line. fields: of a Spending. terms: the fields of a PrivacyTerms."""
    left, own, allowed = fields["rounds_left"], fields["budget_epsilon"], terms["epsilon_milli"] / 1000
    ahead = "no round yet" if left is None else f"{fields['rounds_charged']} rounds charged, {left} left"
    whose = f"of the circle's {own:g}" if own == allowed else f"of its own {own:g} (the circle's is {allowed:g})"
    return f"this node: ε {fields['spent_epsilon']:g} {whose} spent, {ahead}"
