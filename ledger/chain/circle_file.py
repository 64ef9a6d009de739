"""The small file that tells peers and auditors which circle is meant: `folkmoot deploy` writes it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from ledger.chain.artifact import circle_artifact, code_hash
from ledger.chain.circle import Circle
from ledger.chain.failover import connect
from ledger.chain.rpc import Rpc
from ledger.chain.terms import TermValue
from ledger.errors import SetupError
from ledger.files import PUBLIC, write_whole
from ledger.parsing import decode_json

CIRCLE_FILE_MAX_BYTES: Final = 1 << 16
_T = TypeVar("_T", bound=msgspec.Struct)


class CircleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a circle is and what lies there.

    block, transaction: where it was opened. code_hash: Keccak-256 of the deployed code. task: the manifest's
    digest. terms: as the constructor got them. Digests as 0x-prefixed hex. rpc: where it was deployed.
    """

    chain_id: int
    contract: str
    block: int
    transaction: str
    code_hash: str
    task: str
    terms: dict[str, TermValue]
    rpc: str

    def write(self, path: Path) -> None:
        """Write whole or not at all, to last."""
        write_json(path, self)

    @classmethod
    def read(cls, path: Path) -> "CircleFile":
        """Raises SetupError."""
        return read_json(path, cls, "circle file")


def open_circle(file: CircleFile, rpc_urls: Sequence[str] | None = None) -> Circle:
    """The circle a file names, through the endpoints named or else the file's.

    Raises SetupError where chain, code, task or terms are not those.
    """
    circle = Circle(connect(rpc_urls or [file.rpc], file.chain_id), file.contract, file.chain_id)
    check_pinned(circle, file)
    return circle


def check_pinned(circle: Circle, file: CircleFile) -> None:
    """Raises SetupError where a circle is another than the file was written for."""
    if "0x" + circle.task.hex() != file.task:
        raise SetupError(
            f"the circle at {file.contract} has another task than the circle file says: ask for a new one"
        )
    if code_hash(deployed_code(circle.rpc, file.contract)) != file.code_hash:
        raise SetupError(
            f"the circle at {file.contract} has other terms than the circle file was written for: ask for a new one"
        )


def deployed_code(rpc: Rpc, address: str) -> bytes:
    """What lies at an address; empty for nothing. Raises SetupError where it is too much to be a circle."""
    code = rpc.data("eth_getCode", address, "latest")
    if len(code) > 2 * len(circle_artifact().runtime):
        raise SetupError(f"the code at {address} is no circle: check the address and the chain behind --rpc")
    return code


def write_json(path: Path, value: msgspec.Struct, *, mode: int = PUBLIC) -> None:
    """Write whole or not at all, on the disk before this returns. Raises OSError."""
    write_whole(path, msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n", mode=mode)


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
        with path.open("rb") as file:
            return decode_json(file.read(max_bytes), kind)
    except OSError as error:
        raise SetupError(f"{path} cannot be read ({error.strerror}): {writer} writes it") from error
    except ValueError as error:
        raise SetupError(f"{path} is no {what} ({error}): {writer} writes one") from error
