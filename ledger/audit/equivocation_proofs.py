"""The two announcements that convicted an equivocator, read from the transaction that reported them."""

from dataclasses import dataclass
from typing import Final

from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from ledger.chain.contract.artifact import load_circle_artifact
from ledger.chain.rpc import answers
from ledger.chain.rpc.client import Rpc, RpcFault
from ledger.errors import PeerFault
from ledger.identity.network import Network
from ledger.identity.signing import announcement_hash, recover

_REPORT: Final = "report_equivocation"
_LOW: Final = (1 << 255) - 1


@dataclass(frozen=True)
class EquivocationProof:
    """Two digests that one author signed for one round; the signatures hold."""

    author: str
    """The address that signed."""
    round: int
    """The one that both are of."""
    first: bytes
    """One digest, 32 bytes."""
    first_signature: bytes
    """r ‖ s ‖ v, 65 bytes."""
    second: bytes
    """The other digest, 32 bytes."""
    second_signature: bytes
    """r ‖ s ‖ v, 65 bytes."""

    @property
    def evidence(self) -> dict[str, str]:
        """For a finding."""
        return {
            "first digest": self.first.hex(),
            "first signature": self.first_signature.hex(),
            "second digest": self.second.hex(),
            "second signature": self.second_signature.hex(),
        }


def fetch_proof(rpc: Rpc, transaction: str, network: Network) -> EquivocationProof | None:
    """What a transaction proved; None where it is not to be had, called another contract, or proves nothing."""
    try:
        called = rpc.request("eth_getTransactionByHash", [transaction], answers.call_data_parser(transaction))
    except RpcFault:
        return None
    return decode_proof(called, network)


def decode_proof(call_data: bytes, network: Network) -> EquivocationProof | None:
    """The proof in a call of `report_equivocation`; None where it is none, or its signatures do not hold (R25)."""
    types = load_circle_artifact().find_types("function", _REPORT)
    if call_data[:4] != keccak(f"{_REPORT}({','.join(types)})".encode())[:4]:
        return None
    try:
        author, number, first, first_r, first_vs, second, second_r, second_vs = abi_decode(types, call_data[4:])
        proof = EquivocationProof(
            to_checksum_address(author),
            number,
            first,
            _decode_signature(first_r, first_vs),
            second,
            _decode_signature(second_r, second_vs),
        )
        signers = {
            recover(announcement_hash(network, number, proof.author, digest), signature)
            for digest, signature in ((first, proof.first_signature), (second, proof.second_signature))
        }
    except (DecodingError, PeerFault):
        return None
    return proof if signers == {proof.author} and first != second else None


def _decode_signature(r: int, vs: int) -> bytes:
    return r.to_bytes(32, "big") + (vs & _LOW).to_bytes(32, "big") + bytes([27 + (vs >> 255)])
