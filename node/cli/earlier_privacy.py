"""What a node has spent of the same people's privacy in an earlier circle, as its folder there says it."""

import argparse
from pathlib import Path
from typing import Any

from ledger.errors import UsageError


def read_earlier_charges(options: argparse.Namespace, file: Path) -> Any:
    """The Charge of all rounds there. options: of `folkmoot node`. file: the earlier circle's.

    Raises UsageError where that circle has no privacy terms, or this folder no charges of it; SetupError.
    """
    from ledger.chain.deployment.deploy import CircleFile, open_circle
    from ledger.privacy.accountant import Charge
    from node.cli.opened import OpenCircle
    from node.cli.options import parse_patience
    from node.cli.privacy_lines import find_places
    from node.learning.private.charges import ChargeFile

    earlier = CircleFile.read(file)
    circle = open_circle(earlier, earlier.read_rpc_urls(), patience=parse_patience(options))
    opened = OpenCircle(earlier, circle, None, 0).read_again(earlier.block)
    terms = opened.history.manifest.privacy
    if terms is None:
        raise UsageError(f"--privacy-after {file}: that circle has no privacy terms, which say what was spent")
    charges = ChargeFile(find_places(opened, options.data).charges)
    if charges.kind is None:
        raise UsageError(
            f"--privacy-after {file}: {options.data} has no charges of that circle: name the folder of its node"
        )
    return Charge(len(charges.charged) * terms.steps, charges.kind.rate, charges.kind.sigma_value)
