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

    Raises SetupError where the file does not say it, OSError.
    """
    from node.learning.private.budget import compute_spending
    from node.learning.private.charges import ChargeFile
    from node.operating.data_folder import FolderPlaces

    block = opened.file.block
    places = FolderPlaces(root, opened.circle.network, opened.circle.fetch_events(block, block)[0].block_hash)
    terms = opened.history.manifest.privacy
    return compute_spending(terms, ChargeFile(places.charges), terms.epsilon_milli)


def describe_spending(fields: Mapping[str, Any]) -> str:
    """One line. fields: of a Spending."""
    left = fields["rounds_left"]
    ahead = "no round yet" if left is None else f"{fields['rounds_charged']} rounds charged, {left} left"
    return f"this node: ε {fields['spent_epsilon']:g} of the circle's {fields['budget_epsilon']:g} spent, {ahead}"
