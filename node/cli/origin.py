"""The earlier circle that a manifest names as its origin (R31): told, and checked by recomputing its model."""

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ledger.errors import SetupError, UsageError
from node.cli.earlier_circle import open_earlier
from node.cli.recomputing import describe_base_lacking, describe_lacking
from node.models.gateways import open_gateways
from node.opened_circle import OpenCircle

BLOB_TIMEOUT_S: Final = 30.0
_AGAIN: Final = "try again when more of its members are up"


def add_check_origin(parser: argparse.ArgumentParser, text: str) -> None:
    """--check-origin. text: what is done besides."""
    parser.add_argument(
        "--check-origin",
        type=Path,
        metavar="FILE",
        help="where the circle goes on from an earlier one: that circle's file; recomputes the model from its chain"
        f" and blobs and says whether this circle starts from it{text}",
    )


@dataclass(frozen=True)
class OriginCheck:
    """What recomputing said."""

    origin: Any
    """The manifest's `Origin`."""
    pinned: str
    """Digest of the genesis in this circle's manifest, 64 hex digits."""
    found: str
    """That of the model of the origin's round, 64 hex digits."""
    seats: tuple[int, ...]
    """Whose bases went in there."""

    @property
    def is_equal(self) -> bool:
        """Whether this circle starts from that model."""
        return self.pinned == self.found

    def as_fields(self) -> dict[str, Any]:
        """For --json."""
        return {
            "is_equal": self.is_equal,
            "genesis": self.pinned,
            "recomputed": self.found,
            "bases_of": list(self.seats),
        }

    def describe(self) -> str:
        """A sentence."""
        what = _name_model(self.origin)
        if self.is_equal:
            return (
                f"equal: recomputed from chain and blobs, {what} has the digest {self.found}, as this genesis has"
            )
        return (
            f"not equal: {what} has the digest {self.found}, and this circle's genesis has {self.pinned}: it starts"
            " from another state than its founder says"
        )


def describe_origin(origin: Any) -> str:
    """A sentence without an end. origin: the manifest's `Origin`."""
    return f"this circle starts from {_name_model(origin)}, by what its founder says"


def _name_model(origin: Any) -> str:
    whose = f"of circle {origin.contract} on chain {origin.chain_id}"
    return f"the model after round {origin.round} {whose}" if origin.round else f"the genesis {whose}"


def make_origin_fields(origin: Any) -> dict[str, Any] | None:
    """For --json; None where the manifest names none."""
    if origin is None:
        return None
    return {"chain_id": origin.chain_id, "contract": origin.contract, "round": origin.round}


def check_origin(options: argparse.Namespace, manifest: Any, this: Any, timeout_s: float) -> OriginCheck:
    """Recompute the model that this circle is said to start from. this: its `CircleFile`. timeout_s: for a blob.

    options: with --check-origin, --rpc, --patience and --folder. Raises UsageError for the file of another circle,
    SetupError where the model cannot be this circle's whatever its values are, or cannot be recomputed now.
    """
    option, origin = f"--check-origin {options.check_origin}", manifest.origin
    if origin is None:
        raise UsageError(f"{option}: this circle's manifest names no origin: it goes on from none")
    earlier = open_earlier(options, options.check_origin, this, "--check-origin")
    named = earlier.file.chain_id, earlier.file.contract.lower()
    if named != (origin.chain_id, origin.contract):
        raise UsageError(
            f"{option}: that is circle {named[1]} on chain {named[0]}, and the origin is {origin.contract} on chain"
            f" {origin.chain_id}: name that one's file"
        )
    check_beginning(earlier.history, origin.round, manifest.layout)
    found, seats = recompute_digest(earlier, origin.round, options.folder, timeout_s, options.ipfs_api)
    return OriginCheck(origin, manifest.genesis, found, seats)


def check_beginning(history: Any, number: int, layout: Sequence[Any]) -> None:
    """Before anything is fetched: a circle of this layout can start from round `number` of the earlier circle.

    history: the earlier circle's. Raises SetupError.
    """
    from ledger.judging.circle_model import find_last_settled

    if number > (last := find_last_settled(history)):
        raise SetupError(
            f"the origin is round {number} of a circle whose last settled round is {last}: there is no such model,"
            " whatever this circle's genesis is"
        )
    difference = find_difference(layout, history.manifest.layout)
    if difference is not None:
        raise SetupError(
            f"the origin's layout differs: {difference}. So this circle's genesis cannot be that circle's model"
        )


def find_difference(here: Sequence[Any], there: Sequence[Any]) -> str | None:
    """The first tensor that differs in name, shape or unit between two manifests' layouts; None for none."""
    ours, theirs = ({tensor.name: tensor for tensor in layout} for layout in (here, there))
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in theirs:
            return f"{name} is in this circle's alone"
        if name not in ours:
            return f"{name} is in the origin's alone"
        one, other = ours[name], theirs[name]
        if one.shape != other.shape:
            return f"{name} is {list(one.shape)} here and {list(other.shape)} there"
        if one.exponent != other.exponent:
            return f"{name} counts in units of 2^{one.exponent} here and of 2^{other.exponent} there"
    return None


def recompute_digest(
    earlier: OpenCircle, number: int, data: Path | None, timeout_s: float, ipfs_api: str | None
) -> tuple[str, tuple[int, ...]]:
    """Digest of the model of a settled round, 64 hex digits, and whose bases went in. Raises SetupError.

    data: the folder of a node that may have been in that circle, whose blobs need not be fetched; None for none.
    """
    from ledger.fetch.fetcher import Unavailable
    from ledger.judging.circle_model import digest_model
    from node.duties.circle_model import BaseLacking, recompute_model
    from node.models.own_blobs import OwnBlobsFirst

    history, network = earlier.history, earlier.circle.network.domain_separator

    async def recompute() -> Any:
        async with open_gateways(history, timeout_s, ipfs_api) as beyond:
            has_own = data is not None and (data / "blobs").is_dir()
            fetch = OwnBlobsFirst(data, beyond) if data is not None and has_own else beyond
            return await recompute_model(history, network, number, fetch)

    try:
        model = asyncio.run(recompute())
    except BaseLacking as error:
        raise SetupError(
            f"the origin cannot be checked now: {describe_base_lacking(history, error)}: {_AGAIN}"
        ) from error
    except Unavailable as error:
        raise SetupError(
            f"the origin cannot be checked now: nobody gives that circle's genesis ({describe_lacking(error)}):"
            f" {_AGAIN}"
        ) from error
    return digest_model(model.blob).hex(), model.seats
