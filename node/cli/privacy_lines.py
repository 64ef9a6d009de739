"""What a circle agreed on about privacy and what a peer has spent of it, as commands show it."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
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
        raise UsageError(f"--folder {root}: no node of this circle was here: name the folder that it was given")
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


def describe_agreement(terms: Any) -> str:
    """What peers of a circle with these PrivacyTerms do, for somebody who sees it for the first time."""
    return (
        f"each peer may spend ε {terms.epsilon_milli / 1000:g} at δ {terms.delta} for any one {terms.unit}: it"
        f" trains {terms.steps} steps of batch {terms.batch} a round, each with noise of {terms.sigma} times the"
        f" most that one {terms.unit} can do"
    )


def describe_outcome(terms: Any, results: Any, report: Mapping[str, Any]) -> Iterator[str]:
    """What a run spent and what that means, a sentence each. results: RunResults. report: the audit's, as JSON."""
    from ledger.audit.privacy_statement import FALSE_ALARMS, bound_detection

    spent = [results.spent[seat] for seat in results.honest if seat in results.spent]
    if spent:
        milli = round(1000 * max(spent))
        most, alarms = bound_detection(milli, terms.delta), f"{100 * FALSE_ALARMS:.0f} in 100"
        meant = (
            f"so of a peer's examples nobody, whatever they know, can tell more than {100 * most:.1f}% to have been"
            f" trained on while taking {alarms} others for such"
            if most < 1
            else f"which is a weak promise: an attack that finds all of a peer's examples while taking {alarms}"
            " others for such is not ruled out; a smaller ε does that"
        )
        yield (
            f"honest peers have spent at most ε {milli / 1000:.3f} of {terms.epsilon_milli / 1000:g}, {meant}"
            " (docs/guides/private-data.md)"
        )
    if looked_at := report["examined"].get("A12", 0):
        yield f"the audit compared {looked_at} updates with what they say of their noise and budget (A12)"
    yield "without `--privacy` the same run shows what the noise costs in accuracy"


def print_demo_lines(console: Any, lines: Iterable[str]) -> None:
    """Under each other at one edge, as the demo prints what it has to say."""
    for line in lines:
        folded = textwrap.wrap(
            line, min(console.width, 80), initial_indent="privacy   ", subsequent_indent=10 * " "
        )
        for part in folded:
            console.print(part, highlight=False, markup=False)
