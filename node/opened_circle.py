"""A circle and its history up to a block, from its chain or out of a bundle: what commands and programs begin with.

Importing it is cheap: what reads a chain or a bundle is loaded where one is opened.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger.errors import SetupError

if TYPE_CHECKING:
    from ledger.chain.deployment.circle_file import CircleFile
    from ledger.chain.rpc.patience import EndpointPatience


@dataclass(frozen=True)
class NamedCircle:
    """What a circle file would say, of a circle that is named by its address."""

    chain_id: int
    """EIP-155 chain id."""
    contract: str
    """The circle's address, EIP-55 checksummed."""
    block: int
    """Number of the block it was opened in."""


@dataclass(frozen=True)
class OpenCircle:
    """A circle and its history up to a block."""

    file: Any
    """Its `CircleFile`, or a `NamedCircle`."""
    circle: Any
    """Its `Circle`, read through the endpoint."""
    history: Any
    """Its `History`."""
    block: int
    """Number of the block up to which it was read."""
    placed: Any = ()
    """Its events in order, each a `PlacedEvent`."""
    bundle: Any = None
    """The `Bundle` that it was read from; None where it was read through an endpoint."""
    proved: Any = None
    """What the bundle proves, `Proved`; None without one."""

    def read_again(self, since: int) -> "OpenCircle":
        """As it is now. since: a block that has to be in it, e.g. that of a call just made."""
        from ledger.chain.reading import read_history
        from ledger.judging.task_checks import check_task

        reading = read_history(self.circle, self.file.block, since)
        check_task(reading.history.manifest)
        return replace(self, history=reading.history, block=reading.mark.number, placed=reading.placed)

    def now_s(self) -> float:
        """Unix time as the contract has it: this machine's, or its newest block's where that is ahead."""
        from ledger.chain.rpc import answers

        block = [hex(self.block), False], answers.block_parser(self.block)
        return max(time.time(), float(self.circle.rpc.request("eth_getBlockByNumber", *block).time_s))


def open_file(
    file: "CircleFile", urls: Sequence[str] | None = None, patience: "EndpointPatience | None" = None
) -> OpenCircle:
    """The circle of a circle file. urls: endpoints; None for the file's. patience: None for the usual.

    Raises SetupError.
    """
    from ledger.chain.deployment.circle_file import open_circle

    circle = open_circle(file, urls, **({} if patience is None else {"patience": patience}))
    return OpenCircle(file, circle, None, 0).read_again(file.block)


def open_address(contract: str, urls: Sequence[str], patience: "EndpointPatience") -> OpenCircle:
    """The circle at an address, of which nobody has a file. Raises SetupError."""
    from ledger.chain.circle import Circle
    from ledger.chain.rpc.failover import connect

    circle = Circle(connect(urls, patience=patience), contract)
    named = NamedCircle(circle.network.chain_id, circle.network.contract, 0)
    opened = OpenCircle(named, circle, None, 0).read_again(0)
    return replace(opened, file=replace(named, block=opened.placed[0].position[0]))


def open_bundled(path: Path, pinned: str | None = None) -> OpenCircle:
    """The circle of a bundle that `folkmoot audit --save` wrote; who opens it closes the bundle.

    pinned: the hash of the block that it must be of, 0x-prefixed hex. Raises BadBundle, SetupError.
    """
    from ledger.audit.bundle.offline import BundledChain
    from ledger.audit.reopening import open_bundle
    from ledger.chain.circle import Circle
    from ledger.chain.reading import OtherHash
    from ledger.circle.history import HistoryFault

    bundle, proved = open_bundle(path, None if pinned is None else pinned.lower())
    try:
        chain = BundledChain(bundle)
        circle = Circle(chain, bundle.network.contract)
        named = NamedCircle(circle.network.chain_id, circle.network.contract, chain.first_block)
        return OpenCircle(named, circle, None, 0, (), bundle, proved).read_again(chain.first_block)
    except (OtherHash, HistoryFault) as fault:
        bundle.close()
        raise SetupError(f"{path} does not hold its circle's events: {fault}") from fault
    except BaseException:
        bundle.close()
        raise
