"""Deploying a circle and the small file that tells peers and auditors where it is."""

import os
from pathlib import Path
from typing import Final

import msgspec

from ledger.chain.artifact import circle_artifact
from ledger.chain.circle import Circle
from ledger.chain.rpc import Rpc
from ledger.chain.sender import Sender
from ledger.errors import SetupError, UsageError
from ledger.manifest import Manifest, check_manifest, manifest_digest
from ledger.rules import rule_of

CIRCLE_FILE_MAX_BYTES: Final = 1 << 16


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The contract's parameters, see its constructor. Windows in seconds; floor of 65535."""

    start_seats: int
    quorum: int
    commit_window_s: int
    attest_window_s: int
    reputation_shift: int = 3
    reputation_floor: int = 16384


class CircleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a circle is: what `folkmoot deploy` writes and the other commands take."""

    chain_id: int
    contract: str
    block: int
    task: str
    rpc: str

    def write(self, path: Path) -> None:
        """Write whole or not at all."""
        temporary = path.with_name(path.name + ".tmp")
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")
        os.replace(temporary, path)

    @classmethod
    def read(cls, path: Path) -> "CircleFile":
        """Raises SetupError."""
        try:
            with path.open("rb") as file:
                return msgspec.json.decode(file.read(CIRCLE_FILE_MAX_BYTES), type=cls)
        except OSError as error:
            raise SetupError(f"{path} cannot be read ({error.strerror}): `folkmoot deploy` writes it") from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise SetupError(f"{path} is no circle file ({error}): `folkmoot deploy` writes one") from error


def deploy_circle(sender: Sender, manifest: Manifest, terms: Terms) -> tuple[Circle, CircleFile, int]:
    """Deploy and check what lies there. Returns the circle, its file and the gas spent.

    Raises UsageError for terms the contract would refuse, SetupError, NoFunds.
    """
    check_manifest(manifest)
    rule_of(manifest.rule, manifest.rule_parameters)
    _check_terms(terms)
    encoded = manifest.encode()
    data = circle_artifact().creation_data(
        (
            encoded,
            terms.start_seats,
            terms.quorum,
            manifest.rounds,
            terms.commit_window_s,
            terms.attest_window_s,
            terms.reputation_shift,
            terms.reputation_floor,
        )
    )
    receipt = sender.create(data)
    assert receipt.contract is not None
    circle = Circle(sender.rpc, receipt.contract, sender.chain_id)
    if circle.task != manifest_digest(encoded):
        raise SetupError(f"the circle at {receipt.contract} holds another task than was sent: do not use it")
    file = CircleFile(
        chain_id=sender.chain_id,
        contract=circle.network.contract,
        block=receipt.block,
        task="0x" + circle.task.hex(),
        rpc=sender.rpc.url,
    )
    return circle, file, receipt.gas


def open_circle(file: CircleFile, rpc_url: str | None = None) -> Circle:
    """The circle a file names. Raises SetupError where chain, code or task are not those."""
    circle = Circle(Rpc(rpc_url or file.rpc), file.contract, file.chain_id)
    if "0x" + circle.task.hex() != file.task:
        raise SetupError(
            f"the circle at {file.contract} has another task than the circle file says: ask for a new one"
        )
    return circle


def _check_terms(terms: Terms) -> None:
    if not 2 <= terms.start_seats <= 256:
        raise UsageError(f"a circle starts with 2 to 256 peers, not {terms.start_seats}")
    if not 2 <= terms.quorum <= terms.start_seats:
        raise UsageError(f"the quorum is 2 to {terms.start_seats} peers, not {terms.quorum}")
    if not 1 <= terms.commit_window_s <= 30 * 86400 or not 1 <= terms.attest_window_s <= 30 * 86400:
        raise UsageError("a window is 1 second to 30 days")
    if not 1 <= terms.reputation_shift <= 8:
        raise UsageError(f"the reputation shift is 1 to 8, not {terms.reputation_shift}")
    if not 0 <= terms.reputation_floor < 32768:
        raise UsageError(f"the reputation floor is 0 to 32767, not {terms.reputation_floor}")
