"""The small file that tells peers and auditors which circle is meant: `folkmoot deploy` writes it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from ledger.chain.circle import Circle
from ledger.chain.contract.artifact import code_hash
from ledger.chain.deployment.terms import TermValue
from ledger.chain.rpc.failover import connect
from ledger.chain.rpc.patience import EndpointPatience, insist
from ledger.errors import SetupError
from ledger.files import PUBLIC, opened_regular, write_whole
from ledger.untrusted.parsing import decode_json

CIRCLE_FILE_MAX_BYTES: Final = 1 << 16
_T = TypeVar("_T", bound=msgspec.Struct)


class OtherCircle(SetupError):
    """What lies at the address is another circle than the file was written for."""


class CircleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a circle is and what lies there. Digests are 0x-prefixed hex."""

    chain_id: int
    """EIP-155 chain id."""
    contract: str
    """The circle's address, EIP-55 checksummed."""
    block: int
    """Number of the block it was opened in."""
    transaction: str
    """Hash of the transaction that opened it."""
    code_hash: str
    """Keccak-256 of the deployed code."""
    task: str
    """The manifest's digest."""
    terms: dict[str, TermValue]
    """As the constructor got them."""
    rpc: str | None
    """Where it was deployed; None where that endpoint's address holds more than a host and a port, and so may hold
    a key of the deployer's."""

    def write(self, path: Path) -> None:
        """Write whole or not at all, to last."""
        write_json(path, self)

    def read_rpc_urls(self) -> list[str]:
        """The endpoint in the file. Raises SetupError where it holds none."""
        if self.rpc is None:
            raise SetupError(
                "the circle file names no endpoint, as the deployer's address may hold a key: name one with --rpc "
                "or in FOLKMOOT_RPC"
            )
        return [self.rpc]

    @classmethod
    def read(cls, path: Path) -> "CircleFile":
        """Raises SetupError."""
        return read_json(path, cls, "circle file")


def open_circle(
    file: CircleFile, rpc_urls: Sequence[str] | None = None, *, patience: EndpointPatience | None = None
) -> Circle:
    """The circle a file names, through the endpoints named or else the file's.

    Raises SetupError where chain, code, task or terms are not those.
    """
    rpc = connect(rpc_urls or file.read_rpc_urls(), file.chain_id, patience=patience)

    def read() -> Circle:
        circle = Circle(rpc, file.contract, file.chain_id, since=file.block)
        check_pinned(circle, file)
        return circle

    # One of several endpoints may tell of another circle.
    return insist(rpc, read, OtherCircle, rpc.patience.catch_up_s if len(rpc.urls) > 1 else 0.0)


def check_pinned(circle: Circle, file: CircleFile) -> None:
    """Raises OtherCircle where a circle is another than the file was written for."""
    if "0x" + circle.task.hex() != file.task:
        raise OtherCircle(
            f"the circle at {file.contract} has another task than the circle file says: ask for a new one"
        )
    if code_hash(circle.code) != file.code_hash:
        raise OtherCircle(
            f"the circle at {file.contract} has other terms than the circle file was written for: ask for a new one"
        )


def write_json(path: Path, value: msgspec.Struct, *, mode: int = PUBLIC) -> None:
    """Write whole or not at all, on the disk before this returns. Raises OSError."""
    write_whole(path, format_json(value), mode=mode)


def format_json(value: msgspec.Struct) -> bytes:
    """As such a file has it."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def read_json(
    path: Path,
    kind: type[_T],
    what: str,
    *,
    max_bytes: int = CIRCLE_FILE_MAX_BYTES,
    writer: str = "`folkmoot deploy`",
) -> _T:
    """Raises SetupError. what, writer: how to call the file, and who makes it, in a sentence."""
    try:
        with opened_regular(path) as file:
            return decode_json(file.read(max_bytes), kind)
    except OSError as error:
        raise SetupError(f"{path} cannot be read ({error.strerror}): {writer} writes it") from error
    except ValueError as error:
        raise SetupError(f"{path} is no {what} ({error}): {writer} writes one") from error
