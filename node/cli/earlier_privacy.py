"""What a node has spent of the same people's privacy in an earlier circle, as its folder there says it."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ledger.errors import UsageError
from node.cli.earlier_circle import open_earlier


def read_earlier_charges(options: argparse.Namespace, file: Path, this: Any) -> Any:
    """The Charge of all rounds there. options: of `folkmoot node`. file: the earlier circle's. this: a CircleFile.

    Raises UsageError where it is this circle, that circle has no privacy terms, or this folder no charges of it;
    SetupError.
    """
    from ledger.privacy.accountant import Charge
    from node.cli.privacy_lines import find_places
    from node.learning.private.charges import ChargeFile

    opened = open_earlier(options, file, this, "--privacy-after")
    terms = opened.history.manifest.privacy
    if terms is None:
        raise UsageError(f"--privacy-after {file}: that circle has no privacy terms, which say what was spent")
    charges = ChargeFile(find_places(opened, options.folder).charges)
    if charges.kind is None:
        raise UsageError(
            f"--privacy-after {file}: {options.folder} has no charges of that circle: name the folder of the node"
            " that trained there, or leave the option out where these data were not trained on there"
        )
    return Charge(len(charges.charged) * terms.steps, charges.kind.rate, charges.kind.sigma_value)


def check_room(earlier: Sequence[Any], terms: Any, budget_milli: int | None, file: Path) -> None:
    """Before a seat is taken: a peer that could not train in one round has no business there.

    earlier: the Charges of other circles. terms: this one's PrivacyTerms. budget_milli: what the peer holds itself
    to, ε in thousandths; None for the circle's. file: this circle's charges; who has trained here judges on.
    Raises UsageError.
    """
    from ledger.privacy.accountant import compute_epsilon_milli
    from node.learning.private.charges import ChargeFile

    most = terms.epsilon_milli if budget_milli is None else budget_milli
    spent = compute_epsilon_milli(earlier, terms.delta_value)
    if spent >= most and ChargeFile(file).kind is None:
        raise UsageError(
            f"what was spent on these data before is ε {spent / 1000:g} at this circle's delta, and the budget here"
            f" is {most / 1000:g}: nothing is left to train with. Join with more --privacy-budget, or other data"
        )
